"""The form of one section of the questionnaire, built from the edition.

A page shows only the questions that are asked, yet the form reads every question of its section: an answer to a
question that is no longer asked is kept, and counts again should the question come back.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from django import forms
from django.http import QueryDict
from django.template.loader import get_template

from assessments.models import AnswerRow
from assessments.records.state import AssessmentState
from assessments.rendering.data import answer_data
from assessments.rendering.projection import cite
from assessments.scoring.answers import MAX_NOTE, AnswerError, read_answer, wrong_with_text
from assessments.scoring.wording import answer_in_words, choice_words
from assessments.services.answering import Change, Saved
from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.schema import Question

NOTE, SEEN, UNSURE_BOX = "note.", "seen.", "unsure."
"""What the names of a question's other inputs begin with; its answer bears the question's own name."""
CHOOSE, TYPING = "choose", "typing"
"""Of two answers that met, which to keep; and the question whose text someone is still typing, to be left alone."""
YEARS = range(1990, 2100)
"""A date outside these has a year that was mistyped, or is still being typed."""


def element_id(question: str) -> str:
    """A question's id on the page: ids with dots are awkward in links and in stylesheets."""
    return "q-" + question.replace(".", "-").replace("_", "-")


def stamp(row: AnswerRow | None) -> str:
    """What a page remembers of the answer that it was made from: its version, and a mark of its content.

    The mark tells an input that someone changed from one that merely came back as it was.
    """
    version, value, note = (row.version, row.value, row.note) if row else (0, None, "")
    return f"{version}.{mark(value, note)}"


def mark(value: Any, note: str) -> str:
    """A short mark of an answer and its note; equal content has the same mark."""
    return hashlib.sha256(json.dumps([value, note], sort_keys=True).encode()).hexdigest()[:12]


@dataclass
class Slot:
    """One question as the page shows it: what it asks, what is typed, and what is wrong with that.

    `stamp` is that of the answer which the page was made from, `row` the answer that stands now.
    """

    question: Question
    labels: Mapping[str, str]
    shown: bool
    value: Any
    text: str
    unsure: bool
    note: str
    stamp: str
    row: AnswerRow | None
    why: str
    says: tuple[tuple[str, str], ...]
    error: str = ""
    note_error: str = ""
    still_counts: str = ""
    conflict: str = ""
    conflict_note: str = ""
    open_comments: int = 0
    review: str = ""

    @functools.cached_property
    def id(self) -> str:
        return element_id(self.question.id)

    @property
    def citation(self) -> str:
        return cite(self.question.paragraphs)

    @property
    def in_trouble(self) -> bool:
        """Whether something is wrong with it, or it met another answer."""
        return bool(self.error or self.note_error or self.conflict)

    @property
    def yours(self) -> str:
        """What is typed, in the words of the page."""
        picked = [UNSURE] if self.unsure else self.value if isinstance(self.value, list) else [self.value]
        return ", ".join(self.labels.get(one, one) for one in picked if one) or "not answered"

    @property
    def option_type(self) -> str:
        return "checkbox" if self.question.kind == "choices" else "radio"

    @property
    def options(self) -> tuple[tuple[str, str, str, bool], ...]:
        """Id on the page, value, label and whether chosen, for the kinds that have options."""
        picked = self.value if isinstance(self.value, list) else [self.value]
        # Links to what is wrong lead to the first. Where several can be chosen, “I'm not sure” stands apart.
        values = [v for v in self.labels if v != UNSURE or self.question.kind != "choices"]
        return tuple(
            (f"{self.id}-{value if at else 'input'}", value, self.labels[value], value in picked)
            for at, value in enumerate(values)
        )


class _Lean(LayoutObject):  # type: ignore[misc]  # crispy-forms ships no types
    """Lays out all shown questions of a section through one template, a fifth of the usual cost of a field each."""

    def render(self, form: SectionForm, context: Any, **_: Any) -> str:
        question = get_template("assessments/_question.html")
        return "".join(question.render({"slot": slot}) for slot in form.slots.values())


class SectionForm(forms.Form):
    """The questions of one section of a draft; after validation, `changes` is what someone changed.

    `anew` takes every answer and note that was posted for a change, for a page whose own draft is gone.
    """

    def __init__(
        self, state: AssessmentState, section: str, data: QueryDict | None = None, *, anew: bool = False
    ) -> None:
        super().__init__(data)
        self.state, self.section, self.posted, self.anew = state, section, data, anew
        self.slots = {q.id: self._slot(q) for q in state.questions_of(section)}
        self.on_page = {q for q in self.slots if data is not None and SEEN + q in data}
        self.changes: list[Change] = []
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(_Lean())

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
            stamp=stamp(row),
            row=row,
            why=why_asked(self.state, question),
            says=what_the_bulletin_says(self.state, question),
        )

    def clean(self) -> dict[str, Any]:
        """Read every question that was posted; keep what was typed on the page whatever is wrong with it."""
        posted = self.posted or QueryDict()
        chosen = self._chosen(posted)
        for question, slot in self.slots.items():
            whose, version = chosen.get(question, ("", 0))
            if question in self.on_page and question != posted.get(TYPING) and whose != "theirs":
                self._read(slot, posted, version if whose else None)
        return {}

    def _read(self, slot: Slot, posted: QueryDict, over: int | None) -> None:
        """Read one question; `over` is the version that was chosen to be overwritten, if any."""
        question = slot.question.id
        slot.note = posted.get(NOTE + question, "").replace("\r\n", "\n").strip()
        slot.stamp = posted.get(SEEN + question, "")
        version, _, was = slot.stamp.partition(".")
        seen = int(version) if re.fullmatch(r"[0-9]{1,9}", version) else 0
        if says := wrong_with_text(slot.note, longest=MAX_NOTE, lines=True):
            slot.note_error = f"{slot.question.short}, your note: {says}."
        try:
            answer = answer_data(self._answer(slot, posted))
        except AnswerError:
            slot.error = in_plain_words(slot)
        for says in filter(None, (slot.error, slot.note_error)):
            self.add_error(None, forms.ValidationError(says, code=question))
        if slot.in_trouble:
            return
        if self.anew:
            changed, seen = answer is not None or bool(slot.note), 0
        else:
            changed = over is not None or mark(answer, slot.note) != was
        if changed:
            self.changes.append(Change(question, answer, slot.note, seen if over is None else over))

    @property
    def confirmed(self) -> dict[str, int]:
        """The questions on the page, with the version seen of each: whoever goes on has read their answers."""
        seen = {q: slot.stamp.partition(".")[0] for q, slot in self.slots.items() if q in self.on_page}
        return {
            q: int(v)
            for q, v in seen.items()
            if re.fullmatch(r"[0-9]{1,9}", v) and not self.slots[q].in_trouble
        }

    @property
    def chosen(self) -> set[str]:
        """The questions of which one of two answers was chosen."""
        return self.slots.keys() & self._chosen(self.posted or QueryDict())

    def _chosen(self, posted: QueryDict) -> dict[str, tuple[str, int]]:
        """Of two answers that met: for each question, whose was chosen, and the version that it was chosen over."""
        found = {}
        for chosen in posted.getlist(CHOOSE):
            question, _, rest = chosen.partition(":")
            whose, _, version = rest.partition(":")
            if whose in ("mine", "theirs") and re.fullmatch(r"[0-9]{1,9}", version):
                found[question] = (whose, int(version))
        return found

    def _answer(self, slot: Slot, posted: QueryDict) -> Answer | None:
        """The answer that was posted; the slot keeps it as it was typed. Raises AnswerError."""
        name, question = slot.question.id, slot.question
        typed = [one for one in posted.getlist(name) if one]
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
        answer = read_answer(question, value)
        if isinstance(answer, date) and answer.year not in YEARS:
            raise AnswerError("no likely year")
        return answer

    def after(self, state: AssessmentState, saved: Saved) -> SectionForm:
        """The section as it stands after a save, with what could not be saved as it was typed.

        What is shown of every other question is what is stored, beside the stamp of that.
        """
        fresh = SectionForm(state, self.section)
        fresh.on_page = self.on_page
        for question, typed in self.slots.items():
            stored, now = saved.conflicts.get(question), fresh.slots[question]
            if stored is not None:
                answer = read_answer(typed.question, stored.value)
                typed.conflict = answer_in_words(state.edition, question, answer)
                typed.conflict_note = stored.note
            elif not (typed.in_trouble and now.shown):
                # What is wrong with an answer that nobody asks for any more need not be mended.
                continue
            elif question in state.answers:
                typed.still_counts = answer_in_words(state.edition, question, state.answers[question])
            fresh.slots[question] = replace(typed, shown=True, row=stored or now.row, why=now.why)
        return fresh

    @property
    def conflicts(self) -> list[Slot]:
        """The questions whose answers met others."""
        return [slot for slot in self.slots.values() if slot.conflict]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Each thing that is wrong, with the id of the input to mend."""
        wrong = []
        for slot in self.slots.values():
            if slot.error:
                wrong.append((f"{slot.id}-input", slot.error))
            if slot.note_error:
                wrong.append((f"{slot.id}-note", slot.note_error))
        return wrong


def plain_amount(text: str) -> str:
    """An amount as people write it, `$1,250.00`, as the engine reads it: `1250.00`."""
    bare = re.sub(r"^\s*(?:CAD|CA)?\s*\$?|\s*(?:\$|CAD|dollars?)?\s*$", "", text, flags=re.IGNORECASE)
    return re.sub(r"\s|,(?=[0-9]{3}(?:[^0-9]|$))", "", bare)


def in_plain_words(slot: Slot) -> str:
    """What is wrong with an answer, for someone who never saw an answers file."""
    short, unsure = slot.question.short, slot.labels.get(UNSURE, "")
    match slot.question.kind:
        case "money" | "choices" if slot.unsure:
            return f"{short}: either give an answer or choose “{unsure}”, not both."
        case "money":
            return f"{short}: write an amount from 0 to 1,000,000 dollars, such as 620 or 620.50."
        case "date":
            return f"{short}: write a day that is in the calendar, such as 2026-08-21."
        case _:
            return f"{short}: choose one of the answers shown."


def why_asked(state: AssessmentState, question: Question) -> str:
    """Which answers bring the question up, in words; empty for one that is always asked."""
    named = sorted(state.weigh(question.asked).rests_on, key=state.edition.position.__getitem__)
    return "; ".join(
        f"{state.edition.question[one].short}: "
        f"{answer_in_words(state.edition, one, state.advisory.answers.get(one))}"
        for one in named
    )


def what_the_bulletin_says(state: AssessmentState, question: Question) -> tuple[tuple[str, str], ...]:
    """The paragraphs that a question is about, in plain language: how each is cited, and what it says."""
    told = []
    for citation in question.paragraphs:
        base, bracket, point = citation.partition("(")
        paragraph = state.edition.paragraph[base]
        told.append((cite([citation]), paragraph.points[bracket + point] if bracket else paragraph.says))
    return tuple(told)
