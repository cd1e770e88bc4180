"""An officer who joins by single sign-on, and never has a password."""

import re

import pytest
from django.core import mail
from oidc_provider_mock import User as Claims
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import expect

from assessments.models import User
from assessments.services import people
from config.oidc import Provider
from tests.journeys.walking import follow, press, titled

TENANT = "3f1b0c52-9d7e-4c1a-8a55-0d1f2f3a4b5c"
ENTRA = {
    "tid": TENANT,
    "oid": "0d1f2f3a-0000-4c1a-8a55-3f1b0c529d7e",
    "preferred_username": "Jo.Park@Example.ca",
    "name": "Jo Park",
    "ver": "2.0",
    "acrs": ["c1"],
}


@pytest.mark.parametrize("only", [False, True], ids=["beside passwords", "only"])
def test_an_invited_officer_joins_by_single_sign_on_and_reaches_the_desk(visitors, cast, settings, only):
    with run_server_in_thread(user_claims=[Claims(sub="AAAAbc-12", claims=ENTRA)]) as server:
        settings.PORTAL_URL = visitors.address
        settings.OIDC = Provider(
            issuer=f"http://localhost:{server.server_port}",
            client_id="portal",
            client_secret="secret",
            name="City account",
            organization=TENANT,
            is_entra=True,
            second_step=frozenset({("acrs", "c1")}),
            only=only,
        )
        visitors.forgive(rf"^\d+: http://localhost:{server.server_port}/")
        # The provider's own page asks another server for its style, and itself for an icon that it does not have.
        visitors.forgive(r"jsdelivr|ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED|404 \(NOT FOUND\)")
        people.invite(email="jo.park@example.ca", role="officer", by=cast.administrator)
        link = re.search(r"https?://\S+/invitation/\S+", str(mail.outbox[-1].body))
        assert link

        page = visitors.come()
        page.goto(link[0])
        expect(page.get_by_label("Password", exact=True)).to_have_count(0 if only else 1)
        follow(page, "Continue with City account")
        page.get_by_role("button", name="AAAAbc-12").click()
        titled(page, "You are invited")
        expect(page.get_by_label("Your name")).to_have_value("Jo Park")
        expect(page.locator("input[type=password]")).to_have_count(0)
        press(page, "Join")
        expect(page).to_have_url(f"{visitors.address}/desk/")

        # The next day, from the sign-in page.
        page.goto(f"{visitors.address}/account/logout/")
        press(page, "Sign out")
        page.goto(f"{visitors.address}/account/login/")
        follow(page, "Sign in with City account")
        page.get_by_role("button", name="AAAAbc-12").first.click()
        expect(page).to_have_url(f"{visitors.address}/desk/")
        assert not User.objects.get(email="jo.park@example.ca").has_usable_password()
