"""What changed between two assessments of an account, in words."""

from __future__ import annotations

from dataclasses import dataclass

from assessments.models import Assessment
from assessments.records.clock import moment_in_words
from assessments.records.state import AssessmentState
from assessments.rendering.findings import Item
from assessments.rendering.projection import cite
from assessments.scoring.wording import answer_in_words
from bulletin.encoding.carry import follow, rule_after


@dataclass(frozen=True)
class Difference:
    """An answer, a note or a finding's outcome that differs between the two, in words.

    `title` is the question's or the rule's; `note` is true if the question's note changed and not its answer.
    `reworded` is true if the bulletin's question has other words now; then `before` and `after` may be equal.
    """

    citation: str
    title: str
    before: str
    after: str
    note: bool = False
    reworded: bool = False

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Comparison:
    """Two assessments side by side, the earlier first."""

    earlier: AssessmentState
    later: AssessmentState
    answers: tuple[Difference, ...]
    outcomes: tuple[Difference, ...]

    @property
    def earlier_name(self) -> str:
        return _name(self.earlier)

    @property
    def later_name(self) -> str:
        return _name(self.later)

    @property
    def is_same(self) -> bool:
        return not self.answers and not self.outcomes


NOT_THERE = "Not in this edition"
NOT_ASKED = "Not asked"


def compare(earlier: AssessmentState, later: AssessmentState) -> Comparison:
    """The differences between the two.

    Questions and rules of an earlier revision are matched with what became of them, and by id across editions.
    """
    return Comparison(earlier, later, tuple(_answers(earlier, later)), tuple(_outcomes(earlier, later)))


def _name(state: AssessmentState) -> str:
    attestation = state.self_check.attestation_or_none if isinstance(state.self_check, Assessment) else None
    if attestation is not None:
        return f"Attested on {moment_in_words(attestation.attested_at)}"
    return f"Draft of {moment_in_words(state.self_check.started_at)}, as of today"


def _answers(earlier: AssessmentState, later: AssessmentState) -> list[Difference]:
    differences = []
    courses = {q: follow(q, earlier.edition, later.edition) for q in earlier.edition.question}
    matched = {course.name: question for question, course in courses.items() if course.name}
    pairs = [(matched.get(name, name), name) for name in later.edition.question]
    pairs += [(name, name) for name, course in courses.items() if not course.name]
    for was, name in pairs:
        question = later.edition.question.get(name) or earlier.edition.question[was]
        citation = cite(question.paragraphs)
        before, after = _answer(earlier, was), _answer(later, name)
        reworded = was in courses and courses[was].is_reworded and NOT_ASKED not in (before, after)
        if before != after or reworded:
            differences.append(Difference(citation, question.short, before, after, reworded=reworded))
        before, after = _note(earlier, was), _note(later, name)
        if before != after:
            differences.append(
                Difference(citation, question.short, before or "None", after or "None", note=True)
            )
    return differences


def _answer(state: AssessmentState, question: str) -> str:
    if question not in state.edition.question:
        return NOT_THERE
    if question not in state.advisory.asked:
        return NOT_ASKED
    words = answer_in_words(state.edition, question, state.advisory.answers.get(question))
    return words[:1].upper() + words[1:]


def _note(state: AssessmentState, question: str) -> str:
    return state.notes.get(question, "")


def _outcomes(earlier: AssessmentState, later: AssessmentState) -> list[Difference]:
    earlier_items = {
        rule_after(rule, earlier.edition, later.edition) or rule: item
        for rule, item in _items(earlier).items()
    }
    later_items = _items(later)
    differences = []
    for rule in dict.fromkeys([*later_items, *earlier_items]):
        before, after = earlier_items.get(rule), later_items.get(rule)
        item = after or before
        if item and _outcome(before) != _outcome(after):
            differences.append(Difference(item.citation, item.title, _outcome(before), _outcome(after)))
    return differences


def _items(state: AssessmentState) -> dict[str, Item]:
    return {item.rule: item for section in state.projection.sections for item in section.items}


def _outcome(item: Item | None) -> str:
    if item is None:
        return NOT_THERE
    return f"{item.status}. {item.contact}." if item.contact else f"{item.status}."
