"""An administrator invites a list of people and reviews who has access, on a phone without scripts."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from assessments.models import Invitation, OutgoingMail
from tests.journeys.test_accessibility import assert_accessible
from tests.journeys.walking import follow, press, titled

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "java_script_enabled": False}
LIST = (
    "Name;E-mail;Role;First day;Seat\r\n"
    'Pat Lee;Pat Lee <PAT@example.ca>;Member of Council;Dec 1, 2026;"Councillor, Ward 11"\r\n'
    "Zoé Roy;zoe@example.ca;Commissioner’s office;;\r\n"
    "Bo Li;bo@example.ca;Member of Council;Dec 1;Mayor\r\n"
)


def fits(page: Page) -> bool:
    return bool(page.locator("body").bounding_box()["width"] <= 360)  # type: ignore[index]


def test_a_list_with_a_fault_is_corrected_previewed_and_sent(visitors, cast):
    page = visitors.come(cast.administrator, **PHONE)
    page.goto(f"{visitors.address}/people/")
    follow(page, "invite a list of people")
    titled(page, "Invite a list of people")
    with page.expect_download() as download:
        follow(page, "Download a template")
    assert download.value.suggested_filename == "invitations.csv"

    file = {"name": "new term.csv", "mimeType": "text/csv", "buffer": LIST.encode("cp1252")}
    page.get_by_label("CSV file").set_input_files(file)
    press(page, "Preview the invitations")
    expect(page).to_have_title(re.compile("^Please correct: Invite a list of people"))
    expect(page.get_by_role("alert")).to_contain_text("Line 4: First day: “Dec 1” has no year.")
    box = page.get_by_label("Or paste the list")
    expect(box).to_have_value(re.compile("zoe@example.ca;Commissioner’s office"))
    box.fill(box.input_value().replace("Dec 1;Mayor", "Dec 1, 2026;Mayor"))
    press(page, "Preview the invitations")

    titled(page, "Preview of the invitations")
    expect(page.locator("main")).to_contain_text("3 invitations will be sent. Nothing has been sent yet.")
    expect(page.locator("main")).to_contain_text("Unused columns: Name.")
    row = page.get_by_role("row").filter(has_text="pat@example.ca")
    expect(row).to_contain_text("Councillor, Ward 11")
    assert fits(page)
    press(page, "Send 3 invitations")
    titled(page, "People and offices")
    expect(page.get_by_role("status").first).to_contain_text(
        "3 invitations will be sent within about ten minutes."
    )
    expect(page.get_by_text("Not sent yet", exact=True)).to_have_count(3)
    assert Invitation.objects.count() == OutgoingMail.objects.count() == 3


def test_the_form_the_problems_and_the_preview_pass_axe(visitors, cast):
    page = visitors.come(cast.administrator)
    for people, title in (
        ("Email;Role\nnobody;Boss", "Invite a list of people"),
        ("Email;Role\nnew@example.ca;Officer\nnew@example.ca;Officer", "Preview of the invitations"),
    ):
        page.goto(f"{visitors.address}/people/invite")
        page.get_by_label("Or paste the list").fill(people)
        press(page, "Preview the invitations")
        titled(page, title)
        assert_accessible(page)
    page.get_by_text("Change the list").click()
    assert_accessible(page)


@pytest.mark.parametrize("name", ["administrator", "member"])
def test_access_is_reviewed_with_one_press(visitors, cast, name):
    page = visitors.come(cast.user(name), **PHONE)
    start = "/people/" if name == "administrator" else f"/office/{cast.office_pk}/people"
    page.goto(visitors.address + start)
    page.get_by_role("link", name=re.compile("^Access review of")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Access review of")
    assert fits(page)
    page.get_by_role("button", name=re.compile("should still have access$")).click()
    expect(page.locator(".messages")).to_contain_text("The review is done.")
    expect(page.locator(".lead")).to_contain_text("The next review starts on")
