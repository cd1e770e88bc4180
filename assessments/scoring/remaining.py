"""What is left of a condition after some answers. Equal for answers after which it can still come to the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from bulletin.encoding.conditions import (
    UNSURE,
    Always,
    Answer,
    AtMost,
    Condition,
    Either,
    Every,
    Fact,
    Has,
    Is,
    Not,
)
from bulletin.encoding.schema import Edition

from .assess import Asking

LOOK_UP, NOT_ASKED = "look up", "not asked"


class Remaining:
    """What is left of conditions after the answers so far.

    A part that is decided is True or False. One that stays undetermined is a word: UNSURE, LOOK_UP or NOT_ASKED.
    """

    def __init__(
        self,
        edition: Edition,
        answers: Mapping[str, Answer],
        asking: Mapping[str, Asking],
        *,
        campaign_over: bool,
    ) -> None:
        self._edition, self._answers, self._asking, self._over = edition, answers, asking, campaign_over
        self._known: dict[int, Hashable] = {}

    def is_open(self, question: str) -> bool:
        return self._asking[question] == "pending" or question not in self._answers

    def of(self, condition: Condition) -> Hashable:
        """What is left of one of the edition's conditions, found once for every place that has the condition."""
        remaining = self._known.get(id(condition))
        if remaining is None:
            remaining = self._known[id(condition)] = self._find(condition)
        return remaining

    def _find(self, condition: Condition) -> Hashable:
        match condition:
            case Always():
                return True
            case Fact(name):
                when = self._edition.fact[name].when
                return self._over if isinstance(when, str) else self.of(when)
            case Not(part):
                rest = self.of(part)
                return not rest if isinstance(rest, bool) else rest if isinstance(rest, str) else (Not, rest)
            case Either(parts) | Every(parts):
                return self._joined(type(condition), parts)
            case Is() | Has() | AtMost():
                return self._of_term(condition)
        raise TypeError(condition)

    def _joined(self, kind: type[Condition], parts: Iterable[Condition]) -> Hashable:
        decides = kind is Either
        rests = {self.of(part) for part in parts} - {not decides}
        if decides in rests:
            return decides
        if UNSURE in rests:
            rests.discard(LOOK_UP)  # whoever cannot look up one thing asks about all
        if len(rests) > 1:
            return (kind, frozenset(rests))
        return rests.pop() if rests else not decides

    def _of_term(self, term: Is | Has | AtMost) -> Hashable:
        if self._asking[term.question] == "not_asked":
            return NOT_ASKED
        answer = self._answers.get(term.question)
        if answer is None:
            return term
        if answer == UNSURE:
            value: Hashable = LOOK_UP if self._edition.question[term.question].look_up else UNSURE
        else:
            value = term.holds_for(answer)
        return value if self._asking[term.question] == "asked" else (term, value)
