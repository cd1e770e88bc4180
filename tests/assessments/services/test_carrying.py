"""Answers go over to a newer revision or to the next assessment, and what does not is named."""

import json
import re
from datetime import UTC, date, datetime
from html import unescape

import pytest

from assessments.models import AnonymousCheck, Assessment, AuditEvent, Thread
from assessments.records.state import assessment_state
from assessments.services import reviewing
from assessments.services.answering import AnswerVersion, Attested, Change, DraftGone, Moved, save_answers
from assessments.services.attesting import attest, reassess
from assessments.services.carrying import carried_over, move_draft
from assessments.services.drafts import change_election, delete_draft, start_check
from tests.cast import answered, attested, seen
from tests.tables import EDITION, edition

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)


@pytest.fixture
def draft(cast, first) -> Assessment:
    """A draft on revision 1 with three answers, one of which means something else now, and a note to each."""
    Assessment.objects.filter(pk=cast.draft_pk).update(edition=first)
    draft: Assessment = cast.draft
    values = {"election.use": "none", "resources.email": "yes", "resources.people": "no"}
    changes = [Change(question, value, f"About {question}.") for question, value in values.items()]
    save_answers(draft=draft, changes=changes, by=cast.staff)
    return draft


def rows(draft):
    return {row.question: row for row in draft.answers.all()}


def test_a_draft_stays_on_its_revision_until_it_is_moved(cast, draft):
    state = assessment_state(cast.draft, as_of=date(2026, 7, 1))
    assert (state.edition.sheet.revision, state.answers["election.use"]) == (1, "none")
    assert len(state.advisory.findings) == 50


def test_a_draft_moves_with_its_answers_and_what_is_left_behind_is_named(cast, draft):
    carried = move_draft(draft=draft, by=cast.member)
    assert [left.question for left in carried.left_behind] == ["election.use"]
    moved = cast.draft
    assert moved.edition.revision == edition().sheet.revision
    values = {question: (row.value, row.note) for question, row in rows(moved).items()}
    assert values == {
        "election.use": (None, "About election.use."),
        "resources.email": ("yes", "About resources.email."),
        "resources.people": ("no", "About resources.people."),
    }
    assert {row.answered_by for row in rows(moved).values()} == {cast.staff}
    assert AuditEvent.objects.filter(action="moved", actor=cast.member).count() == 1


def test_an_answer_to_a_question_with_other_words_must_be_confirmed(cast, draft):
    move_draft(draft=draft, by=cast.member)
    carried = {question: row.carried for question, row in rows(cast.draft).items()}
    assert carried == {"election.use": False, "resources.email": True, "resources.people": True}


def test_a_page_from_before_the_move_overwrites_nothing(cast, draft):
    row = rows(draft)["resources.email"]
    move_draft(draft=draft, by=cast.member)
    change = Change("resources.email", "no", "", AnswerVersion.of_row(row))
    assert save_answers(draft=cast.draft, changes=[change], by=cast.staff).conflicts


def test_moving_again_changes_nothing(cast, draft):
    move_draft(draft=draft, by=cast.member)
    before = {q: (row.pk, row.version) for q, row in rows(cast.draft).items()}
    assert move_draft(draft=cast.draft, by=cast.member).left_behind == ()
    assert {q: (row.pk, row.version) for q, row in rows(cast.draft).items()} == before
    assert AuditEvent.objects.filter(action="moved").count() == 1


def test_an_answer_from_a_page_from_before_the_move_is_kept_on_that_page(cast, draft):
    stale = cast.draft
    row = draft.answers.get(question="election.use")
    client, address = cast.client("staff"), f"/assessments/{draft.pk}/section/election?ready"
    page = client.get(address).content.decode()
    (mark,) = re.findall(r'name="draft" value="([^"]+)"', page)
    move_draft(draft=draft, by=cast.member)
    sent = {"election.use": "none", "seen.election.use": str(AnswerVersion.of_row(row)), "draft": mark}
    answer = client.post(address, sent | {"note.election.use": "As before."})
    assert answer.status_code == 409
    assert "moved to a newer revision" in unescape(answer.content.decode())
    assert "As before." in unescape(answer.content.decode())
    with pytest.raises(Moved):
        save_answers(draft=stale, changes=[Change("election.referendum", "no", "")], by=cast.staff)
    assert rows(cast.draft)["election.use"].value is None


def test_comments_stay_with_their_question(cast, draft):
    reviewing.comment(assessment=draft, about="question", subject="election.use", text="Sure?", by=cast.staff)
    move_draft(draft=draft, by=cast.member)
    assert Thread.objects.get().subject == "election.use"


def test_what_is_attested_or_deleted_is_not_moved(cast, draft, first):
    delete_draft(assessment=draft, by=cast.member)
    with pytest.raises(DraftGone):
        move_draft(draft=draft, by=cast.member)
    done = answered(cast.account, cast.member)
    attest(assessment=done, by=cast.member, seen=seen(done))
    with pytest.raises(Attested):
        move_draft(draft=done, by=cast.member)


def test_whoever_attests_after_the_move_must_have_seen_it(cast, first):
    done = answered(cast.account, cast.member)
    before = seen(done)
    Assessment.objects.filter(pk=done.pk).update(edition=first)
    assert seen(done) != before


def test_an_anonymous_check_moves_too(first):
    check, _ = start_check()
    AnonymousCheck.objects.filter(pk=check.pk).update(edition=first)
    check = AnonymousCheck.objects.select_related("edition").get(pk=check.pk)
    changes = [Change("election.use", "none", ""), Change("resources.email", "no", "")]
    save_answers(draft=check, changes=changes, by=None)
    check = AnonymousCheck.objects.select_related("edition").get(pk=check.pk)
    assert [left.question for left in move_draft(draft=check, by=None).left_behind] == ["election.use"]
    check.refresh_from_db()
    assert check.edition.revision == edition().sheet.revision
    assert {q: row.value for q, row in rows(check).items()} == {"resources.email": "no"}


# --- The next assessment ------------------------------------------------------------


def test_the_next_assessment_for_the_same_election_keeps_its_answers_about_it(cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    earlier = attested(cast.account, {"election.candidate": "yes", "election.nomination_date": "2026-06-15"})
    following = reassess(assessment=earlier.assessment, by=cast.member)
    assert following.election == "toronto-2026"
    assert rows(following)["election.nomination_date"].value == "2026-06-15"
    assert carried_over(earlier.assessment, following).left_behind == ()


def test_answers_about_an_election_are_asked_anew_for_another(cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    earlier = attested(cast.account, {"election.candidate": "yes", "election.nomination_date": "2026-06-15"})
    time_machine.move_to(datetime(2027, 1, 2, 15, 0, tzinfo=UTC), tick=False)
    following = reassess(assessment=earlier.assessment, by=cast.member)
    assert following.election == "toronto-2030"
    assert not [
        q for q, row in rows(following).items() if q.startswith("election.") and row.value is not None
    ]
    assert rows(following)["resources.email"].carried
    left = carried_over(earlier.assessment, following).left_behind
    assert {each.question for each in left} >= {
        "election.candidate",
        "election.nomination_date",
        "election.use",
    }


def test_a_by_election_goes_on_until_its_campaign_period_ends(cast, time_machine):
    time_machine.move_to(datetime(2027, 2, 1, 15, 0, tzinfo=UTC), tick=False)
    draft = answered(cast.account, cast.member)
    Assessment.objects.filter(pk=draft.pk).update(election="by-election", voting_day=date(2027, 3, 8))
    earlier = attest(assessment=draft, by=cast.member, seen=seen(draft))
    time_machine.move_to(datetime(2027, 4, 22, 15, 0, tzinfo=UTC), tick=False)
    following = reassess(assessment=earlier.assessment, by=cast.member)
    assert (following.election, following.voting_day) == ("by-election", date(2027, 3, 8))
    delete_draft(assessment=following, by=cast.member)
    time_machine.move_to(datetime(2027, 4, 23, 15, 0, tzinfo=UTC), tick=False)
    following = reassess(assessment=earlier.assessment, by=cast.member)
    assert (following.election, following.voting_day) == ("toronto-2030", None)


def test_an_extended_campaign_goes_on_until_the_day_that_was_given(cast, time_machine):
    time_machine.move_to(datetime(2026, 12, 1, 15, 0, tzinfo=UTC), tick=False)
    draft = answered(cast.account, cast.member)
    Assessment.objects.filter(pk=draft.pk).update(campaign_ends=date(2027, 6, 30))
    earlier = attest(assessment=draft, by=cast.member, seen=seen(draft))
    time_machine.move_to(datetime(2027, 2, 1, 15, 0, tzinfo=UTC), tick=False)
    following = reassess(assessment=earlier.assessment, by=cast.member)
    assert (following.election, following.campaign_ends) == ("toronto-2026", date(2027, 6, 30))
    delete_draft(assessment=following, by=cast.member)
    time_machine.move_to(datetime(2027, 7, 1, 15, 0, tzinfo=UTC), tick=False)
    following = reassess(assessment=earlier.assessment, by=cast.member)
    assert (following.election, following.campaign_ends) == ("toronto-2030", None)


def test_the_next_assessment_keeps_notes_whose_answers_do_not_come_along(cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    notes = {"election.use": "We spoke about it.", "election.candidate": "Not yet."}
    earlier = attested(cast.account, notes=notes)
    time_machine.move_to(datetime(2027, 1, 2, 15, 0, tzinfo=UTC), tick=False)
    following = rows(reassess(assessment=earlier.assessment, by=cast.member))
    for question, note in notes.items():
        assert (following[question].value, following[question].note, following[question].carried) == (
            None,
            note,
            False,
        )


def test_another_voting_day_is_another_election(cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    earlier = attested(cast.account).assessment
    following = reassess(assessment=earlier, by=cast.member)
    for assessment, day in ((earlier, date(2027, 3, 8)), (following, date(2027, 9, 13))):
        assessment.election, assessment.voting_day = "by-election", day
    left = {each.question for each in carried_over(earlier, following).left_behind}
    assert "election.use" in left
    earlier.voting_day = following.voting_day
    assert carried_over(earlier, following).left_behind == ()


# --- What people see ----------------------------------------------------------------


def test_the_next_assessments_page_names_what_was_not_taken_over_until_it_is_answered(cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    earlier = attested(cast.account, {"election.use": "planned", "election.candidate": "yes"})
    time_machine.move_to(datetime(2027, 1, 2, 15, 0, tzinfo=UTC), tick=False)
    following = reassess(assessment=earlier.assessment, by=cast.member)
    page = f"/assessments/{following.pk}/"
    named = edition().question["election.use"].short
    text = cast.client("staff").get(page).content.decode()
    assert "This question is about another election now. Answer it again." in text
    assert named in text
    save_answers(draft=following, changes=[Change("election.use", "none", "")], by=cast.staff)
    assert named not in cast.client("staff").get(page).content.decode()


def test_answers_about_an_election_must_be_confirmed_when_the_draft_is_about_another(cast):
    draft = cast.draft
    changes = [
        Change("election.use", "planned", ""),
        Change("resources.email", "no", ""),
        Change("election.plan", None, "?"),
    ]
    save_answers(draft=draft, changes=changes, by=cast.staff)
    change_election(assessment=draft, election=draft.election, campaign_ends=date(2027, 6, 30), by=cast.staff)
    assert not any(row.carried for row in rows(draft).values())
    change_election(assessment=draft, election="toronto-2030", by=cast.staff)
    carried = {question for question, row in rows(draft).items() if row.carried}
    assert carried == {"election.use"}
    # Whoever has a page from before the change cannot confirm what it shows.
    assert rows(draft)["election.use"].version == 2


def test_an_answers_file_of_an_earlier_revision_comes_back_and_says_what_did_not(client, published):
    document = {
        "edition": EDITION,
        "revision": 1,
        "answers": {"election.use": "none", "resources.people": "no"},
    }
    page = client.post("/check/bring-back", {"answers": json.dumps(document)})
    text = unescape(page.content.decode())
    assert page.status_code == 200
    assert "1 answer kept." in text
    assert "Answers that could not be used" in text
    assert edition().question["election.use"].short in text
    assert edition().question["resources.people"].asks in text
    check = AnonymousCheck.objects.get()
    assert {q: row.value for q, row in rows(check).items()} == {"resources.people": "no"}
    assert client.get("/check/").status_code == 200


def test_a_file_whose_every_answer_is_left_behind_comes_back_empty(client, published):
    document = {"edition": EDITION, "revision": 1, "answers": {"election.use": "none"}}
    assert (
        "0 answers kept."
        in client.post("/check/bring-back", {"answers": json.dumps(document)}).content.decode()
    )
