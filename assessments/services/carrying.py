"""Carrying answers to another self-check, or a draft to the newest revision of its edition."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from assessments.models import Answer, Assessment, Thread, User
from assessments.records.state import read_answers
from assessments.rendering.data import answer_data
from assessments.reports.carried import office_source
from assessments.services import audit
from assessments.services.answering import SelfCheck, lock_self_check, note_change
from assessments.services.audit import Action
from bulletin.encoding.carry import Carried, carry, rule_after
from bulletin.encoding.schema import Edition
from bulletin.models import PublishedEdition
from bulletin.publish import encoded


def carried_over(earlier: Assessment, later: Assessment) -> Carried:
    """What becomes of an assessment's answers in a later one: by the revisions and the elections of both.

    Another voting day is another election.
    """
    old, new = encoded(earlier.edition), encoded(later.edition)
    before, after = ((each.election, each.voting_day) for each in (earlier, later))
    return carry(old, new, _answers(earlier, old), same_election=before == after)


def _answers(self_check: SelfCheck, edition: Edition) -> Any:
    return read_answers(edition, {row.question: row.value for row in self_check.answers.all()})


def fill_in_from_office(draft: Assessment) -> None:
    """Fill in a new draft's answers about the office from the office's newest self-check, each to be confirmed.

    The other self-check may be a draft, about any account of the office. Its notes are not copied, since they may be
    about that account. Nothing is filled in where it uses another edition or is about another election.
    """
    source = office_source(draft)
    if source is None or source.why_not:
        return
    earlier, later = source.self_check, encoded(draft.edition)
    carried = carried_over(earlier, draft)
    account = f"{earlier.account.handle} ({earlier.account.platform})"
    Answer.objects.bulk_create(
        Answer(
            draft=draft,
            question=name,
            value=answer_data(carried.answers[name]),
            answered_at=row.answered_at,
            answered_by=row.answered_by,
            carried=True,
            # What the other self-check was filled in with, and nobody confirmed there, is from a third.
            carried_from=row.carried_from or account,
        )
        for row in earlier.answers.all()
        if (name := carried.names.get(row.question, "")) in carried.answers and later.question[name].of_office
    )


@transaction.atomic
def move_draft(*, draft: SelfCheck, by: User | None) -> Carried:
    """Move a draft to the newest revision of its edition; return what became of its answers.

    Answers that do not fit are removed; their notes stay, unless the question is removed. In an office's draft,
    answers to questions whose words changed must be confirmed. Moving a draft that is there already changes nothing.
    Raises DraftGone, TermEnded and Attested.
    """
    draft = lock_self_check(draft)
    newest = PublishedEdition.objects.latest_revision(draft.edition.edition_id)
    old, new = encoded(draft.edition), encoded(newest)
    carried = carry(old, new, _answers(draft, old))
    if newest.pk == draft.edition_id:
        return carried
    type(draft)._default_manager.filter(pk=draft.pk).update(edition=newest)
    _move_answers(draft, carried)
    if isinstance(draft, Assessment):
        _move_threads(draft, carried, old, new)
        _move_marks(draft, old, new)
        audit.append(office=draft.account.office, action=Action.MOVED, about=draft, by=by)
    else:
        note_change(draft)
    return carried


def _move_answers(draft: SelfCheck, carried: Carried) -> None:
    """Replace a draft's answers by those that are carried. A page from before the move cannot overwrite them."""
    rows: list[Any] = list(draft.answers.all())
    draft.answers.all().delete()
    moved: list[Any] = []
    for row in rows:
        name = carried.names.get(row.question)
        value = answer_data(carried.answers.get(name)) if name else None
        if name is None or (value is None and not row.note):
            continue
        row.pk, row.question, row.value, row.version = None, name, value, row.version + 1
        if isinstance(draft, Assessment):
            row.carried = value is not None and (row.carried or name in carried.changed)
        moved.append(row)
    draft.answers.model._default_manager.bulk_create(moved)


def _move_marks(draft: Assessment, old: Edition, new: Edition) -> None:
    """Let marks of what is done follow rules that have another id. Those on a rule that is removed are deleted."""
    for mark in draft.done_marks.all():
        rule = rule_after(mark.rule, old, new)
        if not rule or (rule != mark.rule and draft.done_marks.filter(rule=rule).exists()):
            mark.delete()
        elif rule != mark.rule:
            draft.done_marks.filter(pk=mark.pk).update(rule=rule)


def _move_threads(draft: Assessment, carried: Carried, old: Edition, new: Edition) -> None:
    """Let comments follow questions and rules that have another id. Those on one that is removed stay as they are."""
    for thread in draft.threads.exclude(about=Thread.About.WHOLE):
        if thread.about == Thread.About.QUESTION:
            subject = carried.names.get(thread.subject, thread.subject)
        else:
            subject = rule_after(thread.subject, old, new) or thread.subject
        if subject != thread.subject:
            Thread.objects.filter(pk=thread.pk).update(subject=subject)
