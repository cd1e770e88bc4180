"""The cookies of the portal."""

import pytest
from django.conf import settings
from django.test import Client

from tests.cast import PASSWORD, person

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("published")
def test_each_cookie_of_the_portal_is_for_this_host_alone_and_by_https():
    client = Client()
    client.post("/check/start")
    client.get("/account/login/")
    member = person("signing-in", password=PASSWORD)
    client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    assert {*client.cookies} == {f"__Host-{name}" for name in ("sessionid", "csrftoken", "check", "known")}
    for cookie in client.cookies.values():
        attributes = {part.strip().lower() for part in cookie.OutputString().split(";")[1:]}
        assert {"secure", "path=/", "samesite=lax"} <= attributes
        assert not [attribute for attribute in attributes if attribute.startswith("domain")]
    assert settings.SESSION_COOKIE_DOMAIN is settings.CSRF_COOKIE_DOMAIN is None
