"""Conditions in words, for a reader who fills in a printed questionnaire with a pen.

For example, `election.candidate is yes and not campaign_over` becomes: you answered “Yes” to 3.3 (Nomination papers
filed or to be filed), unless the campaign period has ended
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Literal

from assessments.scoring.wording import choice_words
from bulletin.encoding.conditions import Always, AtMost, Condition, Either, Every, Fact, Has, Is, Not
from bulletin.encoding.schema import Edition, NamedFact

Joint = Literal["and", "or"]

FEW = 2
"""Up to this many questions are named in full; more are given by their numbers alone."""


def in_words(edition: Edition, condition: Condition, numbers: Mapping[str, str]) -> str:
    """A condition as the end of “Answer this if …”; empty if it always holds.

    `numbers` has each question's printed number. A question that depends on an answer of “I'm not sure” is asked as
    well. The words leave that out, because the page says it once for all questions.
    """
    return _Phrasing(edition, numbers).phrase(condition)


def fact_in_words(edition: Edition, fact: NamedFact, numbers: Mapping[str, str]) -> str:
    """When a fact holds, in terms of answers alone: each fact within it is replaced by the answers that make it."""
    if isinstance(fact.when, str):
        return "the campaign period has ended, by the City’s election calendar"
    return _Phrasing(edition, numbers).phrase(_without_facts(edition, fact.when))


def _without_facts(edition: Edition, condition: Condition) -> Condition:
    """The condition with each fact replaced by its own condition. The fact that the calendar decides stays."""
    match condition:
        case Fact():
            when = edition.fact[condition.name].when
            return condition if isinstance(when, str) else _without_facts(edition, when)
        case Not():
            return Not(_without_facts(edition, condition.part))
        case Either():
            return Either(_flat(Either, (_without_facts(edition, part) for part in condition.parts)))
        case Every():
            return Every(_flat(Every, (_without_facts(edition, part) for part in condition.parts)))
        case _:
            return condition


def _flat(kind: type[Either | Every], parts: Iterable[Condition]) -> tuple[Condition, ...]:
    nested = (part.parts if isinstance(part, kind) else (part,) for part in parts)
    return tuple(chain.from_iterable(nested))


class _Phrasing:
    def __init__(self, edition: Edition, numbers: Mapping[str, str]) -> None:
        self.edition, self.numbers = edition, numbers

    def phrase(self, condition: Condition) -> str:
        match condition:
            case Always():
                return ""
            case Fact():
                return _uncapped(self.edition.fact[condition.name].title)
            case Is():
                return self._answered([condition.question], [condition.choice], "or")
            case Has():
                return f"you chose {self._label(condition)} in {self._named(condition.question)}"
            case AtMost():
                return f"the amount in {self._named(condition.question)} is at most ${condition.amount:,}"
            case Not():
                return self._opposite(condition.part)
            case Either():
                return self._joined(condition.parts, "or")
            case Every():
                return self._joined(condition.parts, "and")

    def _opposite(self, part: Condition) -> str:
        """The words for `not part`, as something that a reader can look for."""
        match part:
            case Not():
                return self.phrase(part.part)
            case Is():
                values = self.edition.question[part.question].values
                return self._answered([part.question], [v for v in values if v != part.choice], "or")
            case AtMost():
                return f"the amount in {self._named(part.question)} is more than ${part.amount:,}"
            case Has():
                return f"you answered {self._named(part.question)} without {self._label(part)}"
            case Either():
                return self.phrase(Every(tuple(Not(inner) for inner in part.parts)))
            case Every():
                return self.phrase(Either(tuple(Not(inner) for inner in part.parts)))
            case _:
                return f"it is not so that {self.phrase(part)}"

    def _joined(self, parts: tuple[Condition, ...], joint: Joint) -> str:
        exceptions = [part.part for part in parts if isinstance(part, Not) and isinstance(part.part, Fact)]
        if joint == "or" or len(exceptions) == len(parts):
            return _list(self._phrases(parts, joint), joint)
        rest = [part for part in parts if not isinstance(part, Not) or part.part not in exceptions]
        words = _list(self._phrases(rest, joint), joint)
        if not exceptions:
            return words
        return f"{words}, unless {_list([self.phrase(fact) for fact in exceptions], 'or')}"

    def _phrases(self, parts: Iterable[Condition], joint: Joint) -> list[str]:
        """Each part in words. Neighbours with the same answer to several questions, or several answers to one, merge.

        A merged phrase is first collected as its questions and its choices.
        """
        phrases: list[str | tuple[list[str], list[str]]] = []
        for part in parts:
            last = phrases[-1] if phrases else ""
            if not isinstance(part, Is):
                several = isinstance(part, Either | Every) and len(self._phrases(part.parts, "or")) > 1
                phrases.append(f"({self.phrase(part)})" if several else self.phrase(part))
            elif isinstance(last, tuple) and self._labels(last[0][:1], last[1]) == [self._label(part)]:
                last[0].append(part.question)
            elif isinstance(last, tuple) and last[0] == [part.question] and joint == "or":
                last[1].append(part.choice)
            else:
                phrases.append(([part.question], [part.choice]))
        return [p if isinstance(p, str) else self._answered(*p, joint) for p in phrases]

    def _answered(self, questions: list[str], choices: list[str], joint: Joint) -> str:
        few = len(questions) <= FEW
        named = [self._named(q) for q in questions] if few else self._ranges(questions)
        some = "" if few else "any of " if joint == "or" else "all of "
        labels = _list(self._labels(questions[:1], choices), "or")
        return f"you answered {labels} to {some}{_list(named, joint)}"

    def _ranges(self, questions: list[str]) -> list[str]:
        """The numbers of the questions, with runs like `2.1 to 2.7`. A run stays within one section."""
        runs: list[list[str]] = []
        position = self.edition.position
        for question in sorted(questions, key=position.__getitem__):
            last = runs[-1][-1] if runs else ""
            follows = last and position[question] == position[last] + 1
            if follows and self.edition.question[last].section == self.edition.question[question].section:
                runs[-1].append(question)
            else:
                runs.append([question])
        ends = [dict.fromkeys((self.numbers[run[0]], self.numbers[run[-1]])) for run in runs]
        return [" to ".join(both) for both in ends]

    def _labels(self, question: list[str], choices: list[str]) -> list[str]:
        return [self._label(Is(question[0], choice)) for choice in choices]

    def _label(self, term: Is | Has) -> str:
        return f"“{choice_words(self.edition, self.edition.question[term.question])[term.choice]}”"

    def _named(self, question: str) -> str:
        return f"{self.numbers[question]} ({self.edition.question[question].short})"


def _list(parts: list[str], joint: Joint) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {joint} {parts[-1]}"


def _uncapped(title: str) -> str:
    """A fact's title within a sentence. Titles begin with an article or a common noun, so lower case is right."""
    return title[0].lower() + title[1:]
