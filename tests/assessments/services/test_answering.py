"""Saving answers: nobody overwrites an answer that they have not seen, and nothing is saved twice."""

from datetime import timedelta

import pytest

from assessments.models import AnonymousCheck
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import delete_ended_checks, start_check
from bulletin.publish import publish_edition
from bulletin.shelf import editions

EMAIL, LOGO = "resources.email", "resources.logo"


@pytest.fixture
def check(db):
    for edition in editions().values():
        publish_edition(edition=edition)
    return start_check()[0]


def save(check, *changes):
    return save_answers(draft=check, changes=[Change(*change) for change in changes], by=None)


def stored(check):
    return {row.question: (row.value, row.note, row.version) for row in check.answers.all()}


def test_a_first_answer_is_stored_as_version_1(check):
    saved = save(check, (EMAIL, "yes", "", 0))
    assert saved.versions == {EMAIL: 1}
    assert stored(check) == {EMAIL: ("yes", "", 1)}


def test_a_change_of_what_was_seen_raises_the_version(check):
    save(check, (EMAIL, "yes", "", 0))
    saved = save(check, (EMAIL, "no", "I looked.", 1))
    assert (saved.versions, saved.conflicts) == ({EMAIL: 2}, {})
    assert stored(check) == {EMAIL: ("no", "I looked.", 2)}


def test_a_change_of_what_was_not_seen_is_not_saved_and_is_told(check):
    save(check, (EMAIL, "yes", "", 0))
    saved = save(check, (EMAIL, "no", "", 0), (LOGO, "no", "", 0))
    assert {q: row.value for q, row in saved.conflicts.items()} == {EMAIL: "yes"}
    assert stored(check) == {EMAIL: ("yes", "", 1), LOGO: ("no", "", 1)}


def test_the_same_save_sent_twice_changes_nothing_and_is_no_conflict(check):
    for _ in range(2):
        saved = save(check, (EMAIL, "yes", "", 0))
        assert (saved.versions, saved.conflicts) == ({EMAIL: 1}, {})


def test_an_answer_that_was_never_given_leaves_no_row(check):
    save(check, (EMAIL, None, "", 0))
    assert stored(check) == {}


def test_an_answer_taken_back_stays_as_a_row_without_one(check):
    save(check, (EMAIL, "yes", "", 0))
    save(check, (EMAIL, None, "", 1))
    assert stored(check) == {EMAIL: (None, "", 2)}


def test_an_answer_puts_off_the_end_of_an_anonymous_check(check, time_machine):
    before = check.ends_at
    time_machine.move_to(before - timedelta(hours=1))
    save(check, (EMAIL, "yes", "", 0))
    check.refresh_from_db()
    assert check.ends_at > before


def test_a_check_that_has_ended_is_not_found_and_is_swept_with_its_answers(check, time_machine):
    save(check, (EMAIL, "yes", "", 0))
    check.refresh_from_db()
    time_machine.move_to(check.ends_at + timedelta(minutes=1))
    assert not AnonymousCheck.objects.live().exists()
    assert delete_ended_checks() == 1
    assert not AnonymousCheck.objects.exists()


def test_the_database_holds_no_token(check):
    _, token = start_check()
    assert not AnonymousCheck.objects.filter(token_hash=token).exists()
    assert AnonymousCheck.objects.with_token(token).count() == 1
