"""The forms for sharing: what to share, what to ask, and messages about a share."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from assessments.forms.fields import DayField, LinesField
from assessments.forms.messages import PlainMessages
from assessments.models.shares import MAX_QUESTION
from assessments.records.shared import Picked, offered, preselected
from assessments.records.state import AssessmentState
from assessments.rendering.findings import Item
from assessments.scoring.answers import too_long
from assessments.scoring.wording import answer_in_words
from assessments.services.sharing import Asked
from assessments.typed.folding import Span, fold, near_misses, occurrences

BLACK_OUT = "black_out:"
"""Prefix of a question's id: the input with the words to black out in its note, one on each line."""

MAX_LINES = 100
"""The most lines of words to black out. Each is compared with all notes."""


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f"“{text}”" for text in texts)


def _still_in(text: str, words: str, *, without: Sequence[Span] = ()) -> list[str]:
    """What a text has of some words, or of similar words, outside the parts that are blacked out."""
    exact = [text[span.start : span.end] for span in occurrences(words, text) if span not in without]
    return list(dict.fromkeys([*exact, *near_misses(words, text, without=without)]))


def _clean_text(text: str, label: str) -> str:
    if fault := too_long(text, longest=MAX_QUESTION):
        raise forms.ValidationError(f"{label}: {fault}.")
    return text


@dataclass(frozen=True)
class Choice:
    """A finding, answer or note to pick, as the page shows it. `name` and `value` are those of its checkbox."""

    name: str
    value: str
    picked: bool
    item: Item | None = None
    short: str = ""
    text: str = ""
    black_out: str = ""


@dataclass(frozen=True)
class Blackout:
    """Words to black out in the note on a question, and where they may still be visible.

    `count` is how often the note has them. `near` lists similar words in the note. `elsewhere` lists the other shared
    notes with what they have of the words or similar ones, and `in_question` what the question to the Commissioner
    has. Those three stay visible.
    """

    short: str
    words: str
    count: int
    near: str
    elsewhere: str
    in_question: str

    @property
    def is_incomplete(self) -> bool:
        """Whether the words, or similar ones, are still visible."""
        return bool(self.near or self.elsewhere or self.in_question)


@dataclass(frozen=True)
class SectionChoices:
    """What can be picked from one section; `pressing` findings ask for something, `quiet` ones do not."""

    title: str
    pressing: list[Choice]
    quiet: list[Choice]
    answers: list[Choice]
    notes: list[Choice]


class ShareForm(PlainMessages, forms.Form):
    """What a member picks from an attestation to share, and what they ask with it."""

    rule = forms.MultipleChoiceField(required=False)
    question = forms.MultipleChoiceField(required=False)
    note = forms.MultipleChoiceField(required=False)
    question_to_ask = LinesField(required=False)
    about = forms.MultipleChoiceField(required=False)
    needed_by = DayField(
        required=False,
        error_messages={"invalid": "Reply needed by: enter a date, for example 2026-08-21."},
    )
    nonce = forms.CharField(required=False)

    def __init__(self, state: AssessmentState, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.state, self.offered = state, offered(state)
        for name, values in (
            ("rule", self.offered.rules),
            ("about", self.offered.rules),
            ("question", self.offered.questions),
            ("note", self.offered.notes),
        ):
            field: Any = self.fields[name]
            field.choices = [(value, value) for value in values]
            field.error_messages["invalid_choice"] = (
                "Something that you chose isn’t in this self-check. Choose again."
            )

    @property
    def new_nonce(self) -> str:
        """The nonce for the next share. Every later page posts it again, so that the same share is made only once."""
        return str(self["nonce"].value() or secrets.token_hex(32))

    def clean_nonce(self) -> str:
        nonce = str(self.cleaned_data["nonce"])
        return nonce if re.fullmatch("[0-9a-f]{64}", nonce) else secrets.token_hex(32)

    def clean_question_to_ask(self) -> str:
        return _clean_text(str(self.cleaned_data["question_to_ask"]), "Your question")

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not self.errors and not (cleaned["rule"] or cleaned["question"] or cleaned["note"]):
            raise forms.ValidationError("Choose at least one point, answer or note to share.")
        if set(cleaned.get("about", ())) - set(cleaned.get("rule", ())):
            self.add_error(
                None, "Your question is about a point that you haven’t included. Include it above as well."
            )
        asks = cleaned.get("question_to_ask")
        if (
            not asks
            and "question_to_ask" not in self.errors
            and (cleaned.get("about") or cleaned.get("needed_by"))
        ):
            self.add_error(
                "question_to_ask", "Enter your question, or clear the reply date and the points below it."
            )
        if sum(len(self._words(q)) for q in cleaned.get("note", ())) > MAX_LINES:
            raise forms.ValidationError(
                f"Words to black out: enter at most {MAX_LINES} lines for all notes together."
            )
        for q in cleaned.get("note", ()):
            missing = [word for word in self._words(q) if not occurrences(word, self.state.rows[q].note)]
            if missing:
                short = self.state.edition.question[q].short
                words = ", ".join(f"“{word}”" for word in missing)
                self.add_error(
                    None,
                    f"Words to black out: your note on “{short}” doesn’t contain {words}.{self._instead(q, missing)}",
                )
        day = cleaned.get("needed_by")
        if day and day < timezone.localdate():
            self.add_error("needed_by", "Reply needed by: enter today or a later date.")
        return cleaned

    @property
    def picked(self) -> Picked:
        cleaned = self.cleaned_data
        black_out = {q: self._words(q) for q in cleaned["note"]}
        return Picked(
            frozenset(cleaned["rule"]), frozenset(cleaned["question"]), frozenset(cleaned["note"]), black_out
        )

    @property
    def asked(self) -> Asked | None:
        """The question that goes with the share, if there is one."""
        cleaned = self.cleaned_data
        if not cleaned["question_to_ask"]:
            return None
        return Asked(cleaned["question_to_ask"], tuple(cleaned["about"]), cleaned["needed_by"])

    def _words(self, question: str) -> tuple[str, ...]:
        """The words to black out in a note. A line without a visible character has none."""
        lines = self._typed(BLACK_OUT + question).splitlines()
        return tuple(line.strip() for line in lines if fold(line))

    def _instead(self, question: str, words: list[str]) -> str:
        """A sentence that suggests similar words from a note, for words that are not in it."""
        note = self.state.rows[question].note
        near = dict.fromkeys(text for word in words for text in near_misses(word, note))
        return f" Did you mean {_quoted(near)}?" if near else " Copy the words from the note."

    @property
    def blackouts(self) -> list[Blackout]:
        """Each line of words to black out, with how often it is blacked out and what it may have missed."""
        cleaned = self.cleaned_data
        picked = [q.id for q in self.state.edition.questions if q.id in cleaned["note"]]
        covered = {
            q: [span for word in self._words(q) for span in occurrences(word, self.state.rows[q].note)]
            for q in picked
        }
        blackouts = []
        for q in picked:
            for word in self._words(q):
                near = near_misses(word, self.state.rows[q].note, without=covered[q])
                # People easily forget to black out the same words in another note.
                elsewhere = [
                    f"“{self.state.edition.question[other].short}” ({_quoted(still)})"
                    for other in picked
                    if other != q
                    and (still := _still_in(self.state.rows[other].note, word, without=covered[other]))
                ]
                blackouts.append(
                    Blackout(
                        self.state.edition.question[q].short,
                        word,
                        len(occurrences(word, self.state.rows[q].note)),
                        _quoted(near),
                        ", ".join(elsewhere),
                        _quoted(_still_in(cleaned["question_to_ask"], word)),
                    )
                )
        return blackouts

    def _typed(self, name: str) -> str:
        return str(self.data.get(name, "")) if self.is_bound else ""

    def _chosen(self) -> dict[str, set[str]]:
        """What is picked of each kind; before anything is posted, what a share begins with."""
        if isinstance(self.data, QueryDict):
            return {name: set(self.data.getlist(name)) for name in ("rule", "question", "note")}
        at_first = preselected(self.state)
        return {"rule": set(at_first.rules), "question": set(at_first.questions), "note": set()}

    @property
    def sections(self) -> list[SectionChoices]:
        """Everything that can be picked, by section."""
        state, edition = self.state, self.state.edition
        chosen = self._chosen()
        items = {item.rule: item for section in state.projection.sections for item in section.items}
        sections = []
        for section in edition.sheet.sections:
            rules = [r for r in edition.rules if r.section == section.id and r.id in self.offered.rules]
            findings = [Choice("rule", r.id, r.id in chosen["rule"], items[r.id]) for r in rules]
            questions = [q for q in edition.questions if q.section == section.id]
            answers = [
                Choice(
                    "question",
                    q.id,
                    q.id in chosen["question"],
                    short=q.short,
                    text=answer_in_words(edition, q.id, state.advisory.answers[q.id]),
                )
                for q in questions
                if q.id in self.offered.questions
            ]
            notes = [
                Choice(
                    "note",
                    q.id,
                    q.id in chosen["note"],
                    short=q.short,
                    text=state.rows[q.id].note,
                    black_out=self._typed(BLACK_OUT + q.id),
                )
                for q in questions
                if q.id in self.offered.notes
            ]
            if findings or answers or notes:
                pressing = [
                    choice
                    for choice in findings
                    if choice.item and choice.item.outcome in ("ask", "action", "improvement", "check")
                ]
                quiet = [choice for choice in findings if choice not in pressing]
                sections.append(SectionChoices(section.title, pressing, quiet, answers, notes))
        return sections

    @property
    def asked_about(self) -> set[str]:
        """The rules that the question is about, as posted."""
        return set(self.data.getlist("about")) if isinstance(self.data, QueryDict) else set()


class AdviceForm(PlainMessages, forms.Form):
    """An officer's answer to a request for advice, or what the member adds."""

    text = LinesField(required=False)

    def clean_text(self) -> str:
        text = _clean_text(str(self.cleaned_data["text"]), "Your text")
        if not text:
            raise forms.ValidationError("Enter a message before you send it.")
        return text
