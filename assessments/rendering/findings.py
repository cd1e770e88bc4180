"""Findings in words, in reading order: points to raise, things to do, and all the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from bulletin.encoding.schema import Outcome

Tone = Literal["contact", "action", "improvement", "consistent", "unknown", "plain"]
"""The five statuses that have a colour and an icon, and `plain` for all others."""

TONE_OF_OUTCOME: Mapping[Outcome, Tone] = {
    "ask": "contact",
    "action": "action",
    "improvement": "improvement",
    "consistent": "consistent",
    "check": "unknown",
    "unanswered": "unknown",
    "information": "plain",
    "not_applicable": "plain",
}
REST_TITLES: Mapping[Outcome, tuple[str, str]] = {
    "check": ("1 point depends on a fact to check", "{} points depend on facts to check"),
    "information": ("1 point for information", "{} points for information"),
    "unanswered": ("1 point depends on questions left", "{} points depend on questions left"),
    "consistent": ("1 point with nothing to do", "{} points with nothing to do"),
    "not_applicable": ("1 point does not apply", "{} points do not apply"),
}
"""The outcomes that are neither a point to raise nor a thing to do, in reading order: one title for each."""


@dataclass(frozen=True)
class Basis:
    """One thing that a finding rests on: an answer, a fact that several answers make, or other findings."""

    short: str
    answer: str

    def __str__(self) -> str:
        return f"{self.short}: {self.answer}"


def in_line(because: Iterable[Basis]) -> str:
    """All of `because` on one line, like `Stage of the account: In use; City logo or mark: No`."""
    return "; ".join(map(str, because))


@dataclass(frozen=True)
class ChangeInWords:
    """What would settle a finding: the edition's words for each answer that would have to change, in order.

    As text it is a sentence, or for several answers a sentence and a numbered list. It is empty, and false, if no
    such change is known. A template shows `opening`, then `each` as a list.
    """

    words: tuple[str, ...] = ()

    @property
    def opening(self) -> str:
        if not self.words:
            return ""
        if len(self.words) == 1:
            return f"This point is settled once {self.words[0]}."
        return "This point is settled once all of these are so:"

    @property
    def each(self) -> tuple[str, ...]:
        """A sentence for each of several answers; empty for one, which `opening` names."""
        if len(self.words) < 2:
            return ()
        return tuple(f"{words[0].upper()}{words[1:]}." for words in self.words)

    def __bool__(self) -> bool:
        return bool(self.words)

    def __str__(self) -> str:
        numbered = (f"({number}) {sentence}" for number, sentence in enumerate(self.each, 1))
        return " ".join((self.opening, *numbered))


@dataclass(frozen=True)
class Item:
    """One finding in words.

    `readings` are those beyond the bulletin's words that it rests on, with their reasons. `change` is what
    would settle it. `ask_again` is the question to answer again once the member has acted.
    """

    rule: str
    citation: str
    title: str
    section: str
    force: str
    outcome: Outcome
    status: str
    tone: Tone
    contact: str | None
    advice: str
    because: tuple[Basis, ...]
    readings: tuple[str, ...] = ()
    change: ChangeInWords = ChangeInWords()
    ask_again: str = ""

    def line_key(self) -> tuple[object, ...]:
        """The words of the finding without its name. Findings with equal keys can share a line."""
        return self.advice, self.because, self.contact, self.readings

    @property
    def alone(self) -> tuple[Item]:
        """The finding by itself, where a template lists several."""
        return (self,)

    @property
    def rests_on(self) -> str:
        return in_line(self.because)


@dataclass(frozen=True)
class ReadingBeyond:
    """A reading beyond the bulletin's words, with the citations of the findings that rest on it."""

    text: str
    citation: str


@dataclass(frozen=True)
class Group:
    """Things to do, to leave, or to contact the Commissioner about, at one time. Each item comes with its text."""

    when: str
    items: tuple[tuple[Item, str], ...]


@dataclass(frozen=True)
class Act:
    """One thing to do or to leave: the findings that it is for.

    `text` begins with the verb. `due` says when, where the heading does not. `is_to_do` is false for what to leave
    until there is an answer.
    """

    text: str
    items: tuple[Item, ...]
    due: str = ""
    is_to_do: bool = True

    @property
    def tone(self) -> Tone:
        return TONE_OF_OUTCOME[self.items[0].outcome]

    @property
    def status(self) -> str:
        return self.items[0].status

    @property
    def change(self) -> ChangeInWords:
        """What would settle the findings, which is the same for all of them."""
        return self.items[0].change

    @property
    def citation(self) -> str:
        """The citations of all the findings, each once."""
        cited = list(dict.fromkeys(item.citation for item in self.items))
        return cited[0] if len(cited) == 1 else f"{', '.join(cited[:-1])} and {cited[-1]}"

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(item.rule for item in self.items)


@dataclass(frozen=True)
class ActGroup:
    """Things to do at one time, or to leave until there is an answer."""

    heading: str
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class MergedFinding:
    """Neighbouring findings with the same words. `own_basis` is what they rest on beyond the common basis."""

    items: tuple[Item, ...]
    own_basis: str

    @property
    def names(self) -> str:
        return "; ".join(f"{item.title} ({item.force.lower()}, {item.citation})" for item in self.items)

    @property
    def advice(self) -> str:
        return self.items[0].advice

    @property
    def readings(self) -> tuple[str, ...]:
        return self.items[0].readings


@dataclass(frozen=True)
class RestSection:
    """The findings of one section with one outcome. `common_basis` has the answers that all of them rest on."""

    title: str
    common_basis: str
    findings: tuple[MergedFinding, ...]


@dataclass(frozen=True)
class Rest:
    """All findings with one outcome that asks for nothing now. `title` counts them."""

    title: str
    status: str
    tone: Tone
    sections: tuple[RestSection, ...]


def acts_to_do(groups: Iterable[ActGroup]) -> tuple[Act, ...]:
    """The things to do, without what to leave until there is an answer."""
    return tuple(act for group in groups for act in group.acts if act.is_to_do)


def readings_of(items: Iterable[Item]) -> tuple[ReadingBeyond, ...]:
    """Each reading that any of the findings rests on, once."""
    cited: dict[str, dict[str, None]] = {}
    for item in items:
        for reading in item.readings:
            cited.setdefault(reading, {})[item.citation] = None
    return tuple(ReadingBeyond(text, ", ".join(citations)) for text, citations in cited.items())


def rests_of(items: Sequence[Item]) -> tuple[Rest, ...]:
    """The findings that are neither a point to raise nor a thing to do, by outcome and then by section."""
    rests = []
    for outcome, (singular, plural) in REST_TITLES.items():
        same = [item for item in items if item.outcome == outcome]
        if same:
            title = singular if len(same) == 1 else plural.format(len(same))
            by_section = groupby(same, key=lambda item: item.section)
            sections = tuple(_rest_section(section, tuple(group)) for section, group in by_section)
            rests.append(Rest(title, same[0].status, TONE_OF_OUTCOME[outcome], sections))
    return tuple(rests)


def _rest_section(title: str, items: tuple[Item, ...]) -> RestSection:
    merged = [tuple(same) for _, same in groupby(items, key=Item.line_key)]
    bases = [set(same[0].because) for same in merged]
    common = set.intersection(*bases) if len(bases) > 1 else set()
    return RestSection(
        title=title,
        common_basis=in_line(basis for basis in merged[0][0].because if basis in common),
        findings=tuple(
            MergedFinding(same, in_line(basis for basis in same[0].because if basis not in common))
            for same in merged
        ),
    )
