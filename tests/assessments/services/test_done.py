"""Marking what an advisory says to do as done, and what becomes of the marks."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.utils import timezone

from assessments.models import AuditEvent, DoneMark
from assessments.records.state import assessment_state
from assessments.services import done
from assessments.services.answering import AnswerVersion, Change, TermEnded, save_answers
from assessments.services.attesting import reassess
from assessments.services.office_copy import export_all
from assessments.services.people import end_term, rename_person
from tests.cast import Cast, attested
from tests.tables import BASE, edition

pytestmark = pytest.mark.django_db

ANSWERS = BASE["answers"] | {"terms.public": "no", "terms.content": "no"}
TITLE = edition().rule["22-public"].title
DONE = ("marked_done", "unmarked_done")


@pytest.fixture
def draft(cast: Cast) -> Any:
    """A draft with two things to do."""
    changes = [Change(question, value, "") for question, value in ANSWERS.items()]
    save_answers(draft=cast.draft, changes=changes, by=cast.member)
    return cast.draft


def actions() -> list[str]:
    return list(
        AuditEvent.objects.filter(action__in=DONE).order_by("number").values_list("action", flat=True)
    )


def page(cast: Cast, draft: Any, name: str = "staff") -> str:
    return " ".join(cast.client(name).get(f"/assessments/{draft.pk}/advisory").content.decode().split())


def sent(cast: Cast, draft: Any, name: str = "staff", **form: Any) -> Any:
    return cast.client(name).post(f"/assessments/{draft.pk}/done", {"rule": "22-public"} | form, follow=True)


def copied_marks(cast: Cast) -> list[dict[str, str]]:
    """The marks in the office's copy of everything."""
    with ZipFile(BytesIO(export_all(office=cast.office, by=cast.member).read())) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("done.json")]
        marks: list[dict[str, str]] = json.loads(archive.read(name))
    return marks


def test_a_mark_says_who_and_when_leaves_answers_alone_and_offers_the_question_again(cast, draft):
    before = assessment_state(draft, as_of=draft.started_at.date()).answers
    assert "Marked as done" not in page(cast, draft)
    sent(cast, draft)
    text = page(cast, draft, "member")
    assert f"Marked as done by {cast.staff} on" in text
    assert "1 of 2 done" in text
    assert f'href="/assessments/{draft.pk}/section/terms?ready#' in text
    assert assessment_state(draft, as_of=draft.started_at.date()).answers == before
    assert TITLE in text
    assert actions() == ["marked_done"]


def test_pressed_twice_or_by_two_people_it_leaves_one_mark_by_the_first_and_one_event(cast, draft):
    for name in ("staff", "staff", "member"):
        sent(cast, draft, name)
    assert [(mark.rule, mark.marked_by) for mark in DoneMark.objects.all()] == [("22-public", cast.staff)]
    for _ in range(2):
        sent(cast, draft, undo="yes")
    assert not DoneMark.objects.exists()
    assert actions() == ["marked_done", "unmarked_done"]


def test_a_marked_thing_that_answers_no_longer_ask_for_is_told_in_a_sentence(cast, draft):
    sent(cast, draft)
    change = Change(
        "terms.public", "yes", "", seen=AnswerVersion.of_row(draft.answers.get(question="terms.public"))
    )
    save_answers(draft=draft, changes=[change], by=cast.member)
    assert f"“{TITLE}” was marked as done by {cast.staff} on" in page(cast, draft)
    sent(cast, draft, undo="yes")
    assert "Nothing was marked" in sent(cast, draft).content.decode()
    assert not DoneMark.objects.exists()


@pytest.mark.parametrize("first", ["22-public", "9"])
def test_of_several_rules_only_those_that_are_to_do_are_marked(cast, draft, first):
    rules = [first, *({"22-public", "9"} - {first})]
    assert "Nothing was marked" not in sent(cast, draft, rule=rules).content.decode()
    assert [mark.rule for mark in DoneMark.objects.all()] == ["22-public"]


def test_a_mark_has_the_name_at_the_time_on_the_page_and_in_the_copy_of_everything(cast, draft):
    name = str(cast.staff)
    sent(cast, draft)
    done.mark_done(assessment=draft, rules=["9"], by=cast.staff)
    rename_person(user=cast.staff, name="Somebody Renamed", by=cast.administrator)
    text = page(cast, draft, "member")
    assert text.count(f"arked as done by {name} on") == 2
    assert [mark["by"] for mark in copied_marks(cast)] == [name, name]


def test_a_thing_that_went_and_came_back_is_open_again_until_it_is_marked_again(cast, draft):
    sent(cast, draft)
    for answer in ("yes", "no"):
        seen = AnswerVersion.of_row(draft.answers.get(question="terms.public"))
        save_answers(draft=draft, changes=[Change("terms.public", answer, "", seen)], by=cast.member)
    text = page(cast, draft)
    assert f"Was marked as done by {cast.staff} on" in text
    assert "so it is open again" in text
    assert "1 of 2 done" not in text
    sent(cast, draft, "member")
    text = page(cast, draft)
    assert f"Marked as done by {cast.member} on" in text
    assert "open again" not in text
    assert "1 of 2 done" in text
    assert DoneMark.objects.count() == 1


@pytest.mark.parametrize("rule", ["no-such-rule", ""])
def test_a_form_that_names_no_rule_of_the_edition_is_not_found(cast, draft, rule):
    assert sent(cast, draft, rule=rule).status_code == 404


def test_an_attested_thing_can_be_marked_and_its_record_stays_as_it_was(cast):
    attestation = attested(cast.account, ANSWERS)
    assessment, record = attestation.assessment, attestation.record
    sent(cast, assessment)
    attestation.refresh_from_db()
    assert attestation.record == record
    text = page(cast, assessment)
    assert "Marked as done by" in text
    assert f'href="/assessments/{assessment.pk}/#reassess"' in text
    assert 'id="reassess"' in cast.client("staff").get(f"/assessments/{assessment.pk}/").content.decode()
    later = reassess(assessment=assessment, by=cast.member)
    assert not later.done_marks.exists()


def test_after_the_term_marks_are_shown_and_none_can_be_made(cast, draft):
    done.mark_done(assessment=draft, rules=["22-public"], by=cast.staff)
    end_term(office=cast.office, on=timezone.localdate(), by=cast.administrator)
    text = page(cast, draft, "member")
    assert "Marked as done by" in text
    assert "tick-box" not in text
    with pytest.raises(TermEnded):
        done.unmark_done(assessment=draft, rules=["22-public"], by=cast.staff)


def test_the_copy_of_everything_has_the_marks_and_a_deleted_assessment_none(cast, draft):
    done.mark_done(assessment=draft, rules=["22-public"], by=cast.staff)
    (mark,) = copied_marks(cast)
    assert (mark["rule"], mark["by"]) == ("22-public", str(cast.staff))
    draft.delete()
    assert not DoneMark.objects.exists()


def test_without_an_office_nothing_can_be_marked(client):
    client.post("/check/start")
    assert "tick-box" not in client.get("/check/advisory").content.decode()
    assert client.post("/check/done", {"rule": "22-public"}).status_code == 404
