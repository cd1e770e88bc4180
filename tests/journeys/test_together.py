"""Two people who work on one draft, each with a browser of their own; and signing in with a passkey."""

from django.conf import settings
from playwright.sync_api import Page, expect

from assessments.services.answering import Change, save_answers
from tests.cast import HANDLE
from tests.journeys.walking import (
    EMAIL,
    LOGO,
    autosave,
    follow,
    open_menu,
    option,
    press,
    question,
    sign_in,
    status,
    titled,
)


def commented(page: Page, on: str, text: str) -> None:
    """Write a comment on a question of the review page."""
    row = page.locator(".review-row").filter(has=page.get_by_role("heading", name=on, exact=True))
    row.locator(".add-comment summary").click()
    row.get_by_label("Your comment").fill(text)
    row.get_by_role("button", name="Send comment").click()


def test_staff_and_member_edit_one_draft_comment_on_it_and_review_it(visitors, cast):
    staff, member = visitors.come(cast.staff), visitors.come(cast.member)
    assessment = f"{visitors.address}/assessments/{cast.draft.pk}"
    for page in (staff, member):
        page.goto(f"{assessment}/section/resources")

    # Answers to different questions do not conflict.
    autosave(staff, EMAIL, "Yes")
    autosave(member, LOGO, "Yes")
    expect(status(member)).to_contain_text("Saved at")
    # For the same question, both answers are shown, with who gave the other, and one is chosen.
    autosave(member, EMAIL, "I'm not sure")
    conflict = question(member, EMAIL).locator(".conflict")
    expect(conflict).to_contain_text("This answer was changed elsewhere by Sam Roy")
    expect(conflict.get_by_text("Saved now:")).to_contain_text("Yes")
    expect(conflict.get_by_text("Yours:")).to_contain_text("I'm not sure")
    conflict.get_by_role("button", name="Keep what is saved").click()
    expect(option(member, EMAIL, "Yes")).to_be_checked()
    expect(member.locator(".conflict")).to_have_count(0)

    staff.goto(f"{assessment}/review")
    follow(staff, "Everything")
    commented(staff, "toronto.ca address in the registration", "I can change it today.")
    expect(staff.locator(".thread")).to_contain_text("I can change it today.")
    press(staff, "Mark ready for review")
    expect(staff.locator(".lead")).to_contain_text("Marked as ready for review by Sam Roy")

    member.goto(f"{visitors.address}/office/")
    member.get_by_role("link", name="Waiting (").click()
    titled(member, "Waiting for you")
    expect(member.locator("main")).to_contain_text("Sam Roy marked this draft as ready")
    member.locator("main").get_by_role("link", name=f"TikTok: {HANDLE}").first.click()
    titled(member, f"Review of TikTok: {HANDLE}")
    follow(member, "Everything")
    member.get_by_text("Filters", exact=True).click()
    member.get_by_label("Open comments").check()
    press(member, "Apply filters")
    thread = member.locator(".thread")
    expect(member.locator(".review-row")).to_have_count(1)
    thread.locator("summary").click()
    thread.get_by_label("Your reply").fill("Please do.")
    press(member, "Send reply")
    expect(member.locator(".thread")).to_contain_text("Please do.")

    # Staff resolve the thread as they still see it, and learn that it is already resolved.
    member.locator(".thread").get_by_role("button", name="Resolve").click()
    expect(member.locator(".thread")).to_contain_text("Resolved by Ana Silva")
    staff.locator(".thread").get_by_role("button", name="Resolve").click()
    notice = staff.locator(".thread .said")
    expect(notice).to_contain_text("Ana Silva resolved these comments on")
    expect(notice).to_be_in_viewport()
    press(member, "Mark everything as seen")
    expect(member.locator(".messages")).to_contain_text("Everything is marked as seen.")
    follow(member, "Back to the list of sections")
    expect(member.get_by_role("link", name="Review with staff")).to_be_visible()


def test_on_a_phone_the_way_to_the_next_item_of_a_review_stays_in_place_without_scripts(visitors, cast):
    save_answers(draft=cast.draft, changes=[Change("conduct.abuse", "unsure", "")], by=cast.staff)
    page = visitors.come(
        cast.member,
        viewport={"width": 360, "height": 740},
        reduced_motion="reduce",
        java_script_enabled=False,
    )
    page.goto(f"{visitors.address}/assessments/{cast.draft.pk}/review")
    follow(page, "Go to the first item")
    expect(page.locator("#q-conduct-abuse h4")).to_be_in_viewport()
    steps = page.locator("#q-conduct-abuse > .step")
    place = steps.bounding_box()
    steps.get_by_role("link", name="Next item").click()
    expect(page.locator("#unanswered h2")).to_be_in_viewport()
    assert page.locator("#unanswered > .step").bounding_box() == place


def test_a_note_whose_field_was_made_larger_is_saved_with_no_complaint(visitors, cast):
    page = visitors.come(cast.member, viewport={"width": 360, "height": 740})
    staff = visitors.come(cast.staff)
    section = f"{visitors.address}/assessments/{cast.draft.pk}/section/resources"
    page.goto(section)
    staff.goto(section)
    autosave(staff, EMAIL, "Yes")
    # What a browser writes when someone drags the corner of a field.
    question(page, EMAIL).get_by_text("Note", exact=True).click()
    question(page, EMAIL).locator("textarea").evaluate("field => { field.style.height = '9rem' }")
    autosave(page, EMAIL, "I'm not sure")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator(".conflict").get_by_role("button", name="Keep what is saved").click()
    expect(option(page, EMAIL, "Yes")).to_be_checked()
    # What is not saved is announced once, with a way to continue beside it.
    visitors.forgive(r"^409: |status of 409|Status Error Code 409")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    autosave(page, LOGO, "Yes")
    expect(status(page)).to_contain_text("You are signed out.")
    expect(page.locator("#saving")).to_be_hidden()
    status(page).get_by_role("button", name="See how to keep it").click()
    titled(page, "Not saved yet, but nothing is lost")


def test_a_passkey_is_set_up_and_signs_in_by_itself(visitors, cast):
    page = visitors.come()
    page.goto(visitors.address.replace("127.0.0.1", "localhost"))
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    how = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": how | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    sign_in(page, visitors.address, cast.member)
    open_menu(page)
    follow(page, "Sign-in settings")
    follow(page, "Passkeys and security keys")
    page.get_by_label("Name").fill("My phone")
    press(page, "Set up the passkey")
    titled(page, "Recovery codes")
    expect(page.locator(".codes li")).to_have_count(10)
    follow(page, "Back to sign-in settings")
    expect(page.locator("main")).to_contain_text("1 set up")
    open_menu(page)
    press(page, "Sign out")

    page.goto(f"{visitors.address}/account/login/")
    press(page, "Sign in with a passkey")
    page.wait_for_url("**/office/")
    open_menu(page)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
