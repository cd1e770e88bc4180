"""The form of one section of the questionnaire, built from the edition.

The page shows only the questions that are asked, but the form reads all questions of its section. An answer to a
question that is no longer asked is kept, and counts again if the question comes back.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from django import forms
from django.http import QueryDict
from django.template.loader import get_template

from assessments.forms.naming import NameForm
from assessments.models import AnswerRow
from assessments.records.state import AssessmentState
from assessments.rendering.data import answer_data
from assessments.rendering.projection import cite
from assessments.reports.carried import confirmed_alone
from assessments.scoring.answers import MAX_NOTE, AnswerError, read_answer, too_long
from assessments.scoring.wording import answer_in_words, choice_words
from assessments.services.answering import AnswerVersion, Change, Saved
from assessments.typed.amounts import UnclearAmount, plain_amount
from assessments.typed.days import NoDay, UnclearDay, read_typed_day
from assessments.typed.mending import mended_text
from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.filling import sentences_of
from bulletin.encoding.schema import Question

NOTE, SEEN, UNSURE_BOX, KEPT = "note.", "seen.", "unsure.", "kept."
"""Prefixes of the names of a question's other inputs; the input for its answer has the question's id as its name.
Where each answer is a button, `kept.` has the answer so far, which stays unless one is pressed."""
CHOOSE, TYPING, STILL, UNCHANGED = "choose", "typing", "still", "unchanged"
"""Four names: of the input that says which of two conflicting answers to keep, of the input that names the question
still being typed in, which is not read, of the button that confirms one earlier answer by itself, and of the button
that confirms a section's earlier answers. No other button confirms an answer that nobody changed."""
YEARS = range(1990, 2100)
"""A year outside these was mistyped, or is still being typed."""


def element_id(question: str) -> str:
    """A question's HTML id, without the dots that are awkward in links and stylesheets."""
    return "q-" + question.replace(".", "-").replace("_", "-")


@dataclass(frozen=True)
class LinkedContradiction:
    """What to say about answers that cannot all be right, and the questions to look at, each with its address.

    `is_of_election`: the election or its dates may be what is wrong.
    """

    text: str
    questions: tuple[tuple[Question, str], ...]
    is_of_election: bool = False


@dataclass
class Slot:
    """One question as the page shows it, with what is typed and what is wrong with that.

    `seen` is the version that the page shows; `row` is the answer that is stored now. `why` names the
    answers because of which the question is asked. `paragraphs` are those of the bulletin that it is about: how each
    is cited, and its text in plain language. `still_counts` is the stored answer, in words, which counts
    as long as what is typed has an error. `conflict` is the answer, in words, that somebody stored after the page was
    opened, and `conflict_note` its note. `is_alone` means that an earlier answer to the question is confirmed by
    itself. `contradictions` are those that the answer is part of; they are no errors.
    """

    question: Question
    labels: Mapping[str, str]
    shown: bool
    value: Any
    text: str
    unsure: bool
    note: str
    seen: AnswerVersion
    row: AnswerRow | None
    why: str
    paragraphs: tuple[tuple[str, str], ...]
    error: str = ""
    note_error: str = ""
    still_counts: str = ""
    conflict: str = ""
    conflict_note: str = ""
    is_alone: bool = False
    open_comments: int = 0
    review: str = ""
    contradictions: tuple[LinkedContradiction, ...] = ()

    @functools.cached_property
    def id(self) -> str:
        return element_id(self.question.id)

    @property
    def hint_line(self) -> str:
        """The first sentence of the hint."""
        return sentences_of(self.question.hint)[0]

    @property
    def hint_rest(self) -> str:
        """The hint without its first sentence."""
        return " ".join(sentences_of(self.question.hint)[1:])

    @property
    def citation(self) -> str:
        return cite(self.question.paragraphs)

    @property
    def has_problem(self) -> bool:
        """Whether the answer or its note has an error, or the answer conflicts with a newer one."""
        return bool(self.error or self.note_error or self.conflict)

    @property
    def understood(self) -> str:
        """The stored amount as the page shows it, so that people can check how their figures were read."""
        value = self.row.value if self.row else None
        if self.question.kind != "money" or self.has_problem or not value or value == UNSURE:
            return ""
        return f"${Decimal(value):,.2f}"

    @property
    def longest_note(self) -> str:
        return f"{MAX_NOTE:,}"

    @property
    def yours(self) -> str:
        """What is typed, in the words that the page uses."""
        picked = [UNSURE] if self.unsure else self.value if isinstance(self.value, list) else [self.value]
        return ", ".join(self.labels.get(choice, choice) for choice in picked if choice) or "not answered"

    @property
    def has_buttons(self) -> bool:
        """Whether one press can answer it."""
        return self.question.kind in ("ynu", "choice")

    @property
    def is_answered(self) -> bool:
        return bool(self.value) or self.unsure

    @property
    def option_type(self) -> str:
        return "checkbox" if self.question.kind == "choices" else "radio"

    @property
    def options(self) -> tuple[tuple[str, str, str, bool], ...]:
        """HTML id, value, label and whether it is chosen, of each option; for questions that have options."""
        picked = self.value if isinstance(self.value, list) else [self.value]
        # Links in the error summary lead to the first option. With checkboxes, “I'm not sure” is a separate input.
        values = [v for v in self.labels if v != UNSURE or self.question.kind != "choices"]
        return tuple(
            (f"{self.id}-{value if at else 'input'}", value, self.labels[value], value in picked)
            for at, value in enumerate(values)
        )


class _Questions(LayoutObject):  # type: ignore[misc]  # crispy-forms ships no types
    """Renders the questions of a section, each through one small template: a fifth of crispy's cost for a field."""

    def render(self, form: SectionForm, context: Any, **_: Any) -> str:
        question = get_template("assessments/_question.html")
        return "".join(question.render({"slot": slot}) for slot in form.slots.values())


class SectionForm(forms.Form):
    """Questions of a draft that one page shows: a section's, or those of one screen of the way through.

    `names` has the account's platform and name, where the page asks for them. After validation, `changes` has what
    somebody changed, and after a save, `has_saved` says whether anything on the page is stored.

    With `all_changed`, every posted answer and note counts as changed: the page's own draft no longer exists. With
    `keep_amounts`, an emptied amount is an error.
    """

    def __init__(
        self,
        state: AssessmentState,
        questions: Iterable[Question],
        data: QueryDict | None = None,
        *,
        all_changed: bool = False,
        keep_amounts: bool = False,
    ) -> None:
        super().__init__(data)
        self.state, self.posted = state, data
        self.all_changed, self.keep_amounts = all_changed, keep_amounts
        self.slots = {q.id: self._slot(q) for q in questions}
        self.on_page = {q for q in self.slots if data is not None and SEEN + q in data}
        self.changes: list[Change] = []
        self.names: NameForm | None = None
        self.has_saved = False
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(_Questions())

    def _slot(self, question: Question) -> Slot:
        row = self.state.rows.get(question.id)
        value = row.value if row else None
        unsure = value == UNSURE
        return Slot(
            question=question,
            labels=choice_words(self.state.edition, question),
            shown=question.id in self.state.advisory.asked,
            value=value,
            text="" if unsure or not isinstance(value, str) else value,
            unsure=unsure,
            note=row.note if row else "",
            seen=AnswerVersion.of_row(row),
            row=row,
            why=why_asked(self.state, question),
            paragraphs=paragraphs_of(self.state, question),
            is_alone=question.id in confirmed_alone(self.state.edition),
        )

    def clean(self) -> dict[str, Any]:
        """Read every posted question; the slots keep what was typed, even if it has errors."""
        posted = self.posted or QueryDict()
        chosen = self._chosen(posted)
        for question, slot in self.slots.items():
            whose, version = chosen.get(question, ("", None))
            if question in self.on_page and question != posted.get(TYPING) and whose != "theirs":
                self._read(slot, posted, version)
        return {}

    def _read(self, slot: Slot, posted: QueryDict, overwrites: AnswerVersion | None) -> None:
        """Read one question; `overwrites` is the stored version that the person chose to overwrite, if any."""
        question = slot.question.id
        typed = posted.get(NOTE + question, "").replace("\r\n", "\n").strip()
        # Notes from before texts were cleaned up stay as they are, unless someone edits them.
        slot.note = typed if typed == slot.note else mended_text(typed)
        slot.seen = AnswerVersion.read(posted.get(SEEN + question, "")) or AnswerVersion()
        if fault := too_long(slot.note, longest=MAX_NOTE):
            slot.note_error = f"{slot.question.short}, your note: {fault}."
        try:
            answer = answer_data(self._answer(slot, posted))
        except AnswerError:
            slot.error = in_plain_words(slot)
        except (UnclearAmount, UnclearDay) as unclear:
            slot.error = f"{slot.question.short}: {unclear}."
        else:
            if self.keep_amounts and answer is None and _had_amount(slot):
                slot.error = f"{slot.question.short}: enter an amount, or choose “{slot.labels[UNSURE]}”."
        for error in filter(None, (slot.error, slot.note_error)):
            self.add_error(None, forms.ValidationError(error, code=question))
        if slot.has_problem:
            return
        if self.all_changed:
            changed, seen = answer is not None or bool(slot.note), AnswerVersion()
        else:
            same = AnswerVersion.of(slot.seen.number, answer, slot.note) == slot.seen
            changed, seen = overwrites is not None or not same, slot.seen
        if changed:
            self.changes.append(Change(question, answer, slot.note, overwrites or seen))

    @property
    def seen(self) -> dict[str, AnswerVersion]:
        """The questions on the page that have no problem, each with the version that the page showed."""
        return {q: slot.seen for q, slot in self.slots.items() if q in self.on_page and not slot.has_problem}

    def versions_of(self, offered: Mapping[str, AnswerVersion]) -> dict[str, AnswerVersion]:
        """The answers that the page offered to confirm, with the versions that it showed; without any problem."""
        # A script renews the versions of the questions on the page after each save.
        return {
            question: self.seen.get(question, version)
            for question, version in offered.items()
            if question in self.seen or question not in self.on_page
        }

    @property
    def still_right(self) -> dict[str, AnswerVersion]:
        """The question whose earlier answer somebody confirmed by itself, with the version that the page showed."""
        pressed = self.posted.get(STILL) if self.posted else None
        return {question: version for question, version in self.seen.items() if question == pressed}

    @property
    def pressed(self) -> set[str]:
        """The question whose answer was pressed, where each answer is a button."""
        return {q for q, slot in self.slots.items() if slot.has_buttons and self.posted and q in self.posted}

    @property
    def chosen(self) -> set[str]:
        """The questions for which somebody chose between two conflicting answers."""
        return self.slots.keys() & self._chosen(self.posted or QueryDict())

    def _chosen(self, posted: QueryDict) -> dict[str, tuple[str, AnswerVersion]]:
        """For each settled conflict: the question, whose answer was chosen, and the stored version it replaces."""
        chosen = {}
        for choice in posted.getlist(CHOOSE):
            question, _, rest = choice.partition(":")
            whose, _, text = rest.partition(":")
            version = AnswerVersion.read(text)
            if whose in ("mine", "theirs") and version:
                chosen[question] = (whose, version)
        return chosen

    def _answer(self, slot: Slot, posted: QueryDict) -> Answer | None:
        """The posted answer; the slot keeps it as typed. Raises AnswerError."""
        name, question = slot.question.id, slot.question
        typed = [value for value in posted.getlist(name) or posted.getlist(KEPT + name) if value]
        slot.unsure = UNSURE_BOX + name in posted
        slot.text = typed[0].strip() if typed else ""
        slot.value = typed if question.kind == "choices" else slot.text
        if slot.unsure and question.kind in ("choices", "money"):
            if slot.value:
                raise AnswerError("an answer, and that one is not sure")
            return UNSURE
        value = slot.value or None
        if question.kind == "money" and value:
            value = plain_amount(slot.text)
        if question.kind == "date" and value and value not in question.whole_answers:
            value = _iso(slot.text)
        answer = read_answer(question, value)
        if isinstance(answer, date) and answer.year not in YEARS:
            raise UnclearDay(
                f"{slot.text} is not a likely date. Enter the date as year-month-day, such as 2026-08-21"
            )
        return answer

    def after(self, state: AssessmentState, saved: Saved) -> SectionForm:
        """The page after a save: what could not be saved is shown as typed, every other answer as stored."""
        fresh = SectionForm(state, [state.question(question) for question in self.slots])
        fresh.on_page, fresh.names = self.on_page, self.names
        fresh.has_saved = bool(saved.versions or (self.names and self.names.new_name)) or any(
            fresh.slots[question].is_answered for question in self.on_page
        )
        for question, typed in self.slots.items():
            stored, now = saved.conflicts.get(question), fresh.slots[question]
            if stored is not None:
                answer = read_answer(typed.question, stored.value)
                typed.conflict = answer_in_words(state.edition, question, answer)
                typed.conflict_note = stored.note
            elif not (typed.has_problem and now.shown):
                # Nobody has to correct the answer to a question that is no longer asked.
                continue
            elif question in state.answers:
                typed.still_counts = answer_in_words(state.edition, question, state.answers[question])
            fresh.slots[question] = replace(typed, shown=True, row=stored or now.row, why=now.why)
        return fresh

    @property
    def conflicts(self) -> list[Slot]:
        """The questions whose answers conflict with newer ones."""
        return [slot for slot in self.slots.values() if slot.conflict]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Each error, with the HTML id of the input to correct."""
        problems = self.names.problems if self.names else []
        for slot in self.slots.values():
            if slot.error:
                problems.append((f"{slot.id}-input", slot.error))
            if slot.note_error:
                problems.append((f"{slot.id}-note", slot.note_error))
        return problems


def _iso(text: str) -> str:
    """A typed day in the form of an answer, such as 2026-08-21. Raises AnswerError and UnclearDay."""
    try:
        return read_typed_day(text).isoformat()
    except UnclearDay:
        raise
    except NoDay as error:
        raise AnswerError(str(error)) from error


def _had_amount(slot: Slot) -> bool:
    """Whether the page showed a stored amount, which is still the stored one."""
    if slot.question.kind != "money" or slot.row is None or slot.row.value is None:
        return False
    return AnswerVersion.of_row(slot.row) == slot.seen


def in_plain_words(slot: Slot) -> str:
    """The error message for an answer on a page; the parser's own message is for those who edit answers files."""
    short, unsure = slot.question.short, slot.labels.get(UNSURE, "")
    entered = f"you entered “{slot.text if len(slot.text) <= 40 else slot.text[:40] + '…'}”"
    match slot.question.kind:
        case "money" | "choices" if slot.unsure:
            return f"{short}: either give an answer or choose “{unsure}”, not both."
        case "money":
            return f"{short}: {entered}. Enter an amount from 0 to 1,000,000 dollars, such as 620 or 620.50."
        case "date":
            return f"{short}: {entered}. Enter the date as year-month-day, such as 2026-08-21."
        case _:
            return f"{short}: choose one of the answers shown."


def why_asked(state: AssessmentState, question: Question) -> str:
    """The answers because of which a question is asked, in words; empty if it is always asked."""
    reasons = sorted(state.weigh(question.asked).rests_on, key=state.edition.position.__getitem__)
    return "; ".join(
        f"{state.edition.question[name].short}: "
        f"{answer_in_words(state.edition, name, state.advisory.answers.get(name))}"
        for name in reasons
    )


def paragraphs_of(state: AssessmentState, question: Question) -> tuple[tuple[str, str], ...]:
    """The paragraphs that a question is about: how each is cited, and its text in plain language."""
    paragraphs = []
    for citation in question.paragraphs:
        base, bracket, point = citation.partition("(")
        paragraph = state.edition.paragraph[base]
        text = paragraph.points[bracket + point] if bracket else paragraph.says
        paragraphs.append((cite([citation]), text))
    return tuple(paragraphs)
