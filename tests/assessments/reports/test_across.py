"""How the accounts of one office affect each other (¶11, ¶12)."""

from datetime import date
from typing import Any

import pytest

from assessments.models import Assessment, SocialAccount, User
from assessments.records.state import AssessmentState
from assessments.reports.across import across
from tests.tables import edition, election

FEBRUARY, AFTER = date(2026, 2, 1), date(2027, 1, 1)
LOGO, DEVICES, EMAIL = "resources.logo", "resources.devices", "resources.email"
NOTHING = {
    f"resources.{sign}": "no"
    for sign in ("email", "identity", "website", "print", "logo", "contact", "devices", "people")
}
RUNS = {"election.candidate": "yes"}


def account(purpose: str, handle: str) -> SocialAccount:
    return SocialAccount(platform="X", handle=handle, purpose=purpose)


def state(answers: dict[str, Any], day: date = FEBRUARY) -> AssessmentState:
    return AssessmentState(Assessment(), {}, edition(), election("toronto-2026"), day, {}, answers)


def remarks_on(
    *accounts: tuple[str, dict[str, Any] | None], day: date = FEBRUARY
) -> list[tuple[str, str, str]]:
    """The remarks on accounts with these purposes and answers; None for the answers means no self-check."""
    numbered = [
        (account(purpose, f"@{at}{{account}}"), given) for at, (purpose, given) in enumerate(accounts)
    ]
    checked = [(social_account, state(given, day)) for social_account, given in numbered if given is not None]
    remarks = across([social_account for social_account, _ in numbered], checked)
    return [(remark.tone, remark.citation, remark.text) for remark in remarks]


def test_a_city_sign_that_a_campaign_and_an_official_account_share_has_one_remark():
    remarks = remarks_on(
        ("official", {LOGO: "yes", EMAIL: "yes"}), ("campaign", {LOGO: "yes", DEVICES: "yes"})
    )
    [(tone, citation, text)] = remarks
    assert (tone, citation) == ("action", "¶11 and ¶12")
    assert "X: @1{account} is for your campaign, and X: @0{account} is an official account" in text
    assert "same City signs: City logo or mark." in text


@pytest.mark.parametrize("answer", ["no", "unsure", None])
def test_a_sign_that_only_one_of_them_surely_has_is_not_shared(answer):
    assert not remarks_on(("official", {LOGO: "yes"}), ("campaign", {LOGO: answer} if answer else {}))


@pytest.mark.parametrize(
    "purposes", [("official", "official"), ("personal", "campaign"), ("campaign", "campaign")]
)
def test_only_a_campaign_and_an_official_account_are_compared(purposes):
    assert not remarks_on(*((purpose, {LOGO: "yes"}) for purpose in purposes))


def test_help_by_people_is_no_sign_to_share():
    assert not remarks_on(
        ("official", {"resources.people": "yes"}), ("campaign", {"resources.people": "yes"})
    )


def test_a_candidate_without_a_campaign_account_has_one_remark():
    [(tone, citation, text)] = remarks_on(("official", RUNS), ("personal", RUNS))
    assert (tone, citation) == ("improvement", "¶12")
    assert text.startswith("On X: @0{account}, the answers say that the member has filed")


@pytest.mark.parametrize(
    ("accounts", "day"),
    [
        ([("official", RUNS), ("campaign", None)], FEBRUARY),
        ([("official", {"election.candidate": "no"})], FEBRUARY),
        ([("official", {"election.candidate": "unsure"})], FEBRUARY),
        ([("official", {})], FEBRUARY),
        ([("official", None)], FEBRUARY),
        ([("official", RUNS)], AFTER),
        ([], FEBRUARY),
    ],
)
def test_nothing_is_missing_where_there_is_one_or_nobody_runs_or_the_campaign_period_is_over(accounts, day):
    assert not remarks_on(*accounts, day=day)


def test_on_the_last_day_of_the_campaign_period_it_is_still_missing():
    assert remarks_on(("official", RUNS), day=date(2026, 12, 31))


def test_a_campaign_account_without_city_resources_answers_paragraph_12():
    [(tone, citation, text)] = remarks_on(("official", RUNS | {LOGO: "yes"}), ("campaign", NOTHING))
    assert (tone, citation) == ("consistent", "¶12")
    assert text.startswith(
        "X: @1{account} is for your campaign, and its own self-check shows no City resources"
    )


@pytest.mark.parametrize("open_", ["unsure", None])
def test_one_open_answer_keeps_a_campaign_account_from_answering_paragraph_12(open_):
    rest = {name: "no" for name in NOTHING if name != DEVICES}
    assert not remarks_on(("campaign", rest | ({DEVICES: open_} if open_ else {})))


@pytest.mark.django_db
def test_the_register_shows_the_remarks_to_those_who_work_in_the_office_and_says_what_is_due(client):
    from assessments.management.commands import demo_data  # noqa: PLC0415  # needs no database to be imported
    from bulletin.publish import publish_edition  # noqa: PLC0415

    publish_edition(edition=edition())
    demo_data.make()
    SocialAccount.objects.filter(handle="@ward26.news").update(purpose="personal")
    client.force_login(User.objects.get(email=demo_data.STAFF.email))
    page = client.get("/office/").content.decode()
    assert "How these accounts affect each other" in page
    assert "No account here is for" in page
    assert "things due now</span>" in page
