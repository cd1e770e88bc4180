"""Saving answers: nobody overwrites an answer that they have not seen, and nothing is saved twice."""

import time
from datetime import timedelta
from functools import partial

import pytest
from django.core.cache import cache

from assessments.models import AnonymousCheck
from assessments.services.answering import HOUR, AnswerVersion, Change, save_answers
from assessments.services.audit import current_address
from assessments.services.drafts import delete_ended_checks, start_check
from tests.cast import at_the_same_moment, make, together

EMAIL, LOGO = "resources.email", "resources.logo"


@pytest.fixture
def check(published):
    return start_check()[0]


def save(check, *rows):
    """Save changes, each as question, value, note and the number of the version seen."""
    changes = [Change(question, value, note, AnswerVersion(seen)) for question, value, note, seen in rows]
    return save_answers(draft=check, changes=changes, by=None)


def numbers(saved):
    return {question: version.number for question, version in saved.versions.items()}


def stored(check):
    return {row.question: (row.value, row.note, row.version) for row in check.answers.all()}


def test_a_first_answer_is_stored_as_version_1(check):
    saved = save(check, (EMAIL, "yes", "", 0))
    assert numbers(saved) == {EMAIL: 1}
    assert stored(check) == {EMAIL: ("yes", "", 1)}


def test_a_change_of_what_was_seen_raises_the_version(check):
    save(check, (EMAIL, "yes", "", 0))
    saved = save(check, (EMAIL, "no", "I looked.", 1))
    assert (numbers(saved), saved.conflicts) == ({EMAIL: 2}, {})
    assert stored(check) == {EMAIL: ("no", "I looked.", 2)}


@pytest.mark.postgres
def test_a_change_of_what_was_not_seen_is_not_saved_and_is_told(check):
    save(check, (EMAIL, "yes", "", 0))
    saved = save(check, (EMAIL, "no", "", 0), (LOGO, "no", "", 0))
    assert {q: row.value for q, row in saved.conflicts.items()} == {EMAIL: "yes"}
    assert stored(check) == {EMAIL: ("yes", "", 1), LOGO: ("no", "", 1)}


def test_the_same_save_sent_twice_changes_nothing_and_is_no_conflict(check):
    for _ in range(2):
        saved = save(check, (EMAIL, "yes", "", 0))
        assert (numbers(saved), saved.conflicts) == ({EMAIL: 1}, {})


@pytest.mark.parametrize(
    ("before", "note", "after", "is_conflict"),
    [
        pytest.param([], "", ("no", "", 1), False, id="unanswered"),
        pytest.param([(None, "Ask Sam.", 0)], "Ask Sam.", ("no", "Ask Sam.", 2), False, id="only a note"),
        pytest.param([("yes", "", 0)], "", ("yes", "", 1), False, id="answered by a colleague"),
        pytest.param([("yes", "Sam.", 0)], "", ("yes", "Sam.", 1), False, id="a colleague's note is kept"),
        pytest.param([("yes", "", 0)], "My note.", ("yes", "", 1), True, id="my note would be lost"),
        pytest.param([("no", "", 0)], "My note.", ("no", "", 1), True, id="the same answer without my note"),
    ],
)
def test_one_press_fills_in_what_is_unanswered_and_leaves_every_other_answer(
    check, before, note, after, is_conflict
):
    for value, stored_note, seen in before:
        save(check, (LOGO, value, stored_note, seen))
    seen = 1 if before and before[0][0] is None else 0
    rest = [Change(LOGO, "no", note, AnswerVersion(seen)), Change(EMAIL, "no", "")]
    saved = save_answers(draft=check, changes=[], unless_answered=rest, by=None)
    assert stored(check) == {LOGO: after, EMAIL: ("no", "", 1)}
    assert list(saved.conflicts) == ([LOGO] if is_conflict else [])


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


@pytest.mark.postgres
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


# --- Versions in pages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "value", "note", "text"),
    [
        (0, None, "", "0.dfa61a1cc925"),
        (1, "yes", "", "1.82641d5d5c90"),
        (27, ["a", "b"], "Ön May.", "27.044254455013"),
    ],
)
def test_a_version_is_written_into_pages_and_read_again(number, value, note, text):
    version = AnswerVersion.of(number, value, note)
    assert str(version) == text
    assert AnswerVersion.read(text) == version


@pytest.mark.parametrize("text", ["", ".82641d5d5c90", "x.82641d5d5c90", "-1.x", "1" * 10, "٣.x", " 1.x"])
def test_what_no_page_wrote_is_no_version(text):
    assert AnswerVersion.read(text) is None


def test_what_was_saved_has_the_mark_of_the_change(check):
    for seen in (0, 1):
        saved = save(check, (EMAIL, "yes", f"Note {seen}.", seen))
        assert saved.versions == {EMAIL: AnswerVersion.of(seen + 1, "yes", f"Note {seen}.")}


@at_the_same_moment
def test_saves_of_one_address_at_the_same_moment_all_count_towards_its_limit():
    make()
    checks = [start_check()[0] for _ in range(6)]

    def save_long(check):
        current_address.set("192.0.2.1")
        save_answers(draft=check, changes=[Change("resources.email", "yes", "a" * 1_000)], by=None)

    before = AnonymousCheck.objects.total_size()
    assert together(*(partial(save_long, check) for check in checks)) == [None] * 6
    counted = cache.get(f"check-bytes:192.0.2.1:{int(time.time()) // HOUR}")
    assert counted == AnonymousCheck.objects.total_size() - before
