"""Review, attest, share with words blacked out; an officer reads and answers; the member withdraws."""

import json
import re
import time
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from assessments.models import Assessment, Share, User
from tests.cast import account_of, answered, code_at
from tests.journeys.test_accessibility import assert_accessible
from tests.journeys.walking import (
    WITH_AND_WITHOUT_SCRIPTS,
    downloaded,
    follow,
    press,
    printed,
    sign_in,
    titled,
)
from tests.reading import flat

NOTE = "Once, at the Jones Street rally."
HANDLE = "@journey" + "w" * 60
"""It cannot be broken, and is too long for a line on a phone."""


def officer_in(page: Page, address: str, officer: User) -> None:
    """Sign in as the officer: password, then the code of the app."""
    sign_in(page, address, officer)
    page.locator("[name=code]").fill(code_at(time.time()))
    page.locator("[name=code]").press("Enter")
    page.wait_for_url("**/desk/")


@WITH_AND_WITHOUT_SCRIPTS
def test_attested_shared_in_part_read_answered_and_withdrawn(  # noqa: PLR0915  # one walk
    visitors, cast, downloads, scripts
):
    answers = {"conduct.abuse": "yes", "resources.email": "yes"}
    notes = {"conduct.abuse": NOTE, "gifts.value": "Kept back."}
    draft = answered(account_of(cast.office, handle=HANDLE), cast.member, answers, notes=notes)
    options = {"java_script_enabled": scripts}
    member, officer = visitors.come(**options), visitors.come(**options)
    address = visitors.address
    sign_in(member, address, cast.member)

    # The member reviews, and attests.
    member.goto(f"{address}/assessments/{draft.pk}/")
    follow(member, "Attest")
    titled(member, "Attest this self-check")
    press(member, "Attest")
    expect(member.locator(".error-summary")).to_contain_text("Check the box")
    member.get_by_label("I have read the answers and the advisory.").check()
    press(member, "Attest")
    expect(member.locator(".messages")).to_contain_text("Attested")
    paper = downloaded(member, "Download the PDF", downloads)
    code = Assessment.objects.get(pk=draft.pk).attestation.code
    assert flat(code) in printed(paper)

    # The member picks a finding, its answer and its note without a name, and asks.
    follow(member, "Share a part or ask for advice")
    titled(member, "Share with the Commissioner’s office")
    member.locator("#note-conduct\\.abuse").check()
    member.locator("#black-conduct\\.abuse").fill("Jones Street")
    member.get_by_label("Your question").fill("Was that too harsh?")
    needed = timezone.localdate() + timedelta(days=7)
    member.get_by_label("Reply needed by").fill(needed.isoformat())
    press(member, "Preview what the Commissioner’s office will see")
    titled(member, "What the Commissioner’s office will see")
    expect(member.locator("#answers")).to_contain_text("Once, at the [blacked out] rally.")
    expect(member.locator("main")).not_to_contain_text("Kept back.")
    if scripts:
        assert_accessible(member)
    assert not Share.objects.filter(attestation__assessment=draft).exists()
    member.get_by_label("I agree to share this").check()
    press(member, "Share this")
    expect(member.locator(".messages")).to_contain_text("Shared.")

    # The officer finds it, reads it, and answers.
    officer_in(officer, address, cast.officer)
    officer.get_by_role("link", name=re.compile("Ward 10 ?: X @journey")).click()
    expect(officer.locator("#answers")).to_contain_text("Once, at the [blacked out] rally.")
    expect(officer.locator("#asked")).to_contain_text("Was that too harsh?")
    if scripts:
        assert_accessible(officer)
    expect(officer.locator("body")).not_to_contain_text("Jones Street")
    part = printed(downloaded(officer, "Download the PDF", downloads))
    assert flat("Once, at the [blacked out] rally.") in part
    assert "JonesStreet" not in part
    assert flat(code) not in part
    record = json.loads(downloaded(officer, "Download the JSON", downloads).read_text())
    assert record["notes"] == {"conduct.abuse": "Once, at the [blacked out] rally."}
    officer.get_by_label("Your reply").fill("Let us talk on Monday.")
    press(officer, "Send")
    expect(officer.locator("#exchange")).to_contain_text("Let us talk on Monday.")

    # The member reads the answer, and withdraws.
    member.reload()
    expect(member.locator("#exchange")).to_contain_text("Let us talk on Monday.")
    member.get_by_text("Withdraw this share", exact=True).click()
    press(member, "Withdraw now")
    titled(member, "Withdrawn")
    officer.goto(f"{address}/desk/")
    expect(officer.locator("main")).not_to_contain_text("@journey")
    expect(officer.get_by_role("link", name="Withdrawn")).to_be_visible()

    # Anyone can see that the member's own document is current.
    stranger = visitors.come(**options)
    stranger.goto(f"{address}/verify/")
    stranger.get_by_label("Verification code").fill(code.lower())
    press(stranger, "Verify")
    expect(stranger.get_by_role("heading", name="Issued by this portal, and current")).to_be_visible()
