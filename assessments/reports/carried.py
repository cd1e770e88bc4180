"""What became of answers that were carried to a newer revision or to another election, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assessments.records.state import AssessmentState
from bulletin.encoding.carry import LeftBehind
from bulletin.encoding.schema import Question
from bulletin.shelf import questions


@dataclass(frozen=True)
class CarriedReport:
    """The questions whose answers were left behind, by their short names, for each reason.

    `changed` has the questions that kept their answers and have other words now. `count` is the number of answers
    that were carried.
    """

    left_behind: tuple[tuple[str, tuple[str, ...]], ...]
    changed: tuple[Question, ...]
    count: int

    def __bool__(self) -> bool:
        return bool(self.left_behind or self.changed)


def carried_report(
    state: AssessmentState, *, left_behind: Iterable[LeftBehind], changed: Iterable[str], count: int
) -> CarriedReport:
    """Report on answers that were carried to a self-check. A question that is not on file goes by its id."""
    on_file = questions()
    reasons: dict[str, list[str]] = {}
    for left in left_behind:
        title = on_file[left.question][1].short if left.question in on_file else left.question
        reasons.setdefault(left.why, []).append(title)
    reworded = set(changed)
    named = tuple((why, tuple(titles)) for why, titles in reasons.items())
    return CarriedReport(
        named, tuple(state.question(q) for q in state.edition.question if q in reworded), count
    )
