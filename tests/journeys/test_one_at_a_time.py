"""The way through in a real browser: from the home page to the stop, each answer one tap."""

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from assessments.models import AnonymousCheck
from assessments.services.answering import AnswerVersion, Change, save_answers
from tests.journeys.test_accessibility import assert_accessible
from tests.journeys.walking import WITH_AND_WITHOUT_SCRIPTS, follow, press, titled

PHONE = {"width": 360, "height": 740}
CONDUCT = tuple(f"conduct.{name}" for name in ("abuse", "workplace", "reputation", "capacities"))
SETTLING = {
    "account.stage": "live",
    "election.use": "none",
    "election.referendum": "no",
    **dict.fromkeys(CONDUCT, "no"),
    "confidential.disclosure": "no",
    "gifts.lobbyist": "no",
    "gifts.unpaid": "no",
    "gifts.other": "no",
    "moderation.removes": "no",
}
SIGNS = {
    f"resources.{sign}": "no"
    for sign in ("email", "identity", "website", "print", "logo", "contact", "devices", "people")
}
MOST_TAPS = 18


def answer(page: Page, question: str, value: str) -> Locator:
    return page.locator(f"button[name='{question}'][value='{value}']")


def open_question(page: Page) -> str | None:
    """The first question on the page that has no answer yet."""
    named = page.locator("#ask-form input[name^='seen.']").evaluate_all("all => all.map((one) => one.name)")
    for name in named:
        question = name.removeprefix("seen.")
        if not page.locator(f"input[name='kept.{question}']").count():
            return str(question)
    return None


def tap(page: Page, button: Locator) -> None:
    """Tap, and wait until the page has what that led to."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        button.click()
    page.wait_for_load_state()


@WITH_AND_WITHOUT_SCRIPTS
def test_a_quiet_account_is_settled_in_few_taps_on_a_phone(visitors, scripts):
    page = visitors.come(java_script_enabled=scripts, viewport=PHONE)
    press(page, "Start a self-check")
    if page.url.endswith("/check/election"):
        press(page, "City by-election")
    titled(page, "Is the account in use, or not launched yet?")
    taps = 1
    while not page.url.endswith("/check/settled"):
        taps += 1
        assert taps <= MOST_TAPS, page.url
        guard = page.get_by_role("link", name="I’m on my own device and time. Continue")
        if guard.count():
            guard.click()
            continue
        rest = page.get_by_role("button", name="No to the rest")
        if rest.count():
            tap(page, rest)
            continue
        question = open_question(page)
        assert question, page.url
        tap(page, answer(page, question, SETTLING[question]))
        # The page that follows may be the same group.
        chosen = answer(page, question, SETTLING[question])
        expect(chosen.and_(page.locator(":not([aria-pressed='true'])"))).to_have_count(0)
    titled(page, "You now know whether to contact the Commissioner")
    expect(page.get_by_text("No need to contact the Commissioner")).to_be_in_viewport()
    follow(page, "Continue")
    assert "/check/next/" in page.url
    expect(page.get_by_role("link", name="Answer by section")).to_be_visible()


def group(page: Page, address: str, name: str, **answers: str) -> AnonymousCheck:
    """Open a group of a new self-check that has these answers."""
    press(page, "Start a self-check")
    page.wait_for_url("**/check/**")
    check = AnonymousCheck.objects.latest("pk")
    save_answers(draft=check, changes=[Change(q, a, "") for q, a in answers.items()], by=None)
    page.goto(f"{address}/check/next/{name}")
    return check


def stored(check: AnonymousCheck) -> dict[str, object]:
    return {row.question: row.value for row in check.answers.all()}


def test_in_a_group_the_keyboard_comes_to_the_next_question(visitors):
    page = visitors.come()
    group(page, visitors.address, "conduct")
    chosen = answer(page, CONDUCT[0], "no")
    chosen.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#q-conduct-workplace")).to_be_focused()
    page.keyboard.press("Tab")
    expect(answer(page, CONDUCT[1], "yes")).to_be_focused()


def test_no_button_works_while_an_answer_is_being_saved(visitors):
    page = visitors.come(viewport=PHONE)
    check = group(page, visitors.address, "signs")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/check/next/signs", hold)
    # As fast as a thumb: before the browser has sent the first press.
    page.evaluate(
        """() => {
            const yes = document.querySelector("[name='resources.logo'][value=yes]");
            for (const button of [yes, yes, document.querySelector("[name=rest]")]) button.click();
        }"""
    )
    page.wait_for_timeout(200)
    assert len(held) == 1
    with page.expect_navigation():
        held[0].continue_()
    assert stored(check) == {"resources.logo": "yes"}
    expect(answer(page, "resources.logo", "yes")).to_have_attribute("aria-pressed", "true")


def test_a_note_that_is_being_typed_is_saved_with_another_answer(visitors):
    page = visitors.come()
    group(page, visitors.address, "conduct")
    page.locator("#q-conduct-abuse summary").click()
    note = page.locator("#q-conduct-abuse-note")
    note.fill("ask Sam")
    tap(page, answer(page, CONDUCT[1], "no"))
    expect(note).to_be_visible()
    expect(note).to_have_value("ask Sam")


def test_a_colleagues_note_is_not_overwritten_unseen(visitors):
    page = visitors.come()
    check = group(page, visitors.address, "conduct")
    page.locator("#q-conduct-abuse summary").click()
    page.locator("#q-conduct-abuse-note").fill("mine")
    tap(page, answer(page, CONDUCT[1], "no"))
    row = check.answers.get(question=CONDUCT[0])
    theirs = Change(CONDUCT[0], None, "the colleague's note", AnswerVersion.of_row(row))
    save_answers(draft=check, changes=[theirs], by=None)
    for question in CONDUCT[2:]:
        tap(page, answer(page, question, "no"))
        assert check.answers.get(question=CONDUCT[0]).note == "the colleague's note"


def test_the_stop_comes_where_contacts_are_settled_in_the_middle_of_a_group(visitors):
    page = visitors.come()
    before = {q: a for q, a in SETTLING.items() if q not in CONDUCT} | SIGNS
    group(page, visitors.address, "conduct", **before)
    # The contacts are settled before the last of these.
    in_turn = dict.fromkeys(CONDUCT, "no") | {"conduct.capacities": "yes"}
    for question, value in sorted(in_turn.items(), key=lambda each: each[0] == "conduct.reputation"):
        tap(page, answer(page, question, value))
    page.wait_for_url("**/check/settled")


def test_a_form_never_has_the_questions_of_another_screen(visitors):
    page = visitors.come()
    policies = ("public", "content", "resources", "posting", "requests", "removal", "blocking", "appeal")
    terms = {"terms.adopted": "yes"} | {f"terms.{name}": "no" for name in policies}
    check = group(
        page, visitors.address, "policy",
        **SETTLING | SIGNS | terms | {"election.candidate": "no", "election.separate": "yes"},
    )  # fmt: skip
    row = check.answers.get(question="terms.adopted")
    adopted = Change("terms.adopted", "no", "", AnswerVersion.of_row(row))
    save_answers(draft=check, changes=[adopted], by=None)
    tap(page, answer(page, "terms.public", "yes"))
    screen = page.url.partition("?")[0].partition("#")[0]
    assert not screen.endswith("/policy")
    expect(page.locator("#ask-form")).to_have_attribute("action", screen.removeprefix(visitors.address))
    expect(page.locator("[name^='seen.terms.']")).to_have_count(0)


@pytest.mark.parametrize("settled", [False, True])
def test_the_stop_and_a_screen_pass_axe_however_shown(visitors, cast, settled):
    answers = SETTLING | {"conduct.abuse": "yes"} | SIGNS
    if settled:
        save_answers(draft=cast.draft, changes=[Change(q, a, "") for q, a in answers.items()], by=cast.member)
    page = visitors.come(cast.member)
    page.goto(f"{visitors.address}/assessments/{cast.draft_pk}/{'settled' if settled else 'next/gifts'}")
    titled(page, "You now know whether to contact the Commissioner" if settled else "Gifts and benefits")
    assert_accessible(page, however_shown=True)
