"""What a reader is given of an advisory, in words and in reading order.

The page, the PDF and the text all render one Projection, so that they cannot say different things; the JSON
(`data`) is the advisory itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Literal

from assessments.scoring.advisory import Advisory, Count, Finding, When
from assessments.scoring.assess import TO_DO
from assessments.scoring.document import Document
from assessments.scoring.part import UNSTATED
from assessments.scoring.wording import answer_in_words, long_date
from bulletin.encoding.digest import digest
from bulletin.encoding.schema import ContactBlock, Edition, NamedFact, Outcome, Overall, Question, Titled

Tone = Literal["contact", "action", "improvement", "consistent", "unknown", "plain"]
"""The five statuses that have a colour and an icon, and the plain rest."""

TONE_OF_OVERALL: Mapping[Overall, Tone] = {
    "contact_commissioner": "contact",
    "action_required": "action",
    "incomplete": "unknown",
    "improvements_suggested": "improvement",
    "consistent": "consistent",
}
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
Whose = Literal["your", "the"]
CONTACT_ORDER: tuple[When, ...] = ("now", "before_acting", "before_filing", "before_launch", "unstated")
"""The most pressing first."""
READING_ORDER: tuple[Outcome, ...] = (
    "ask",
    "action",
    "improvement",
    "check",
    "information",
    "consistent",
    "unanswered",
    "not_applicable",
)
"""How a section tells its findings: what asks for something first."""

MANY = 3
"""So many answers that make one fact are told as the fact; the advisory lists every fact with what makes it."""


@dataclass(frozen=True)
class Basis:
    """Something that a finding rests on, in a few words: an answer, a fact that several answers make, or findings."""

    short: str
    answer: str

    def __str__(self) -> str:
        return f"{self.short}: {self.answer}"


def in_line(because: Iterable[Basis]) -> str:
    """`Stage of the account: In use; City logo or mark: No`."""
    return "; ".join(map(str, because))


@dataclass(frozen=True)
class Item:
    """One finding in words."""

    rule: str
    citation: str
    title: str
    force: str
    outcome: Outcome
    status: str
    tone: Tone
    contact: str | None
    advice: str
    because: tuple[Basis, ...]

    def said(self) -> tuple[str, tuple[Basis, ...], str | None]:
        """What is said of it, its name aside: findings of which the same is said can share a line."""
        return self.advice, self.because, self.contact


@dataclass(frozen=True)
class Group:
    """Things to do or to ask about that share a time."""

    when: str
    says: str
    items: tuple[tuple[Item, str], ...]


@dataclass(frozen=True)
class Alike:
    """Neighbouring findings of which the very same is said; `own` is what they do not share with their group."""

    items: tuple[Item, ...]
    own: str

    @property
    def names(self) -> str:
        return "; ".join(f"{item.citation} {item.title} ({item.force.lower()})" for item in self.items)

    @property
    def contact(self) -> str | None:
        return self.items[0].contact

    @property
    def advice(self) -> str:
        return self.items[0].advice


@dataclass(frozen=True)
class Alikes:
    """The findings of a section with one outcome.

    `shared` are the answers that all of them rest on. `told_above`: their advice stands under what to do.
    """

    status: str
    tone: Tone
    told_above: bool
    shared: str
    findings: tuple[Alike, ...]

    @property
    def citations(self) -> tuple[str, ...]:
        """The paragraphs that the findings are about, each once."""
        return tuple(dict.fromkeys(item.citation for finding in self.findings for item in finding.items))


@dataclass(frozen=True)
class SectionOfItems:
    """The findings of one section, with its count."""

    title: str
    count: str
    items: tuple[Item, ...]

    @property
    def groups(self) -> tuple[Alikes, ...]:
        """The findings by outcome, the most pressing first; within one, in the bulletin's order."""
        return tuple(
            _alikes(found)
            for outcome in READING_ORDER
            if (found := [i for i in self.items if i.outcome == outcome])
        )


def _alikes(items: list[Item]) -> Alikes:
    alike = [tuple(same) for _, same in groupby(items, key=Item.said)]
    every = [set(same[0].because) for same in alike]
    common = set.intersection(*every) if len(every) > 1 else set()
    return Alikes(
        status=items[0].status,
        tone=TONE_OF_OUTCOME[items[0].outcome],
        told_above=items[0].outcome in TO_DO,
        shared=in_line(basis for basis in alike[0][0].because if basis in common),
        findings=tuple(
            Alike(same, in_line(basis for basis in same[0].because if basis not in common)) for same in alike
        ),
    )


@dataclass(frozen=True)
class LookUp:
    """A question still open, as it is asked, and the paragraphs that it is about."""

    question: str
    asks: str
    citation: str


@dataclass(frozen=True)
class StatedFact:
    """A fact, whether it holds, and the answers that say so."""

    title: str
    truth: str
    because: str


@dataclass(frozen=True)
class Note:
    """What someone wrote beside a question."""

    question: str
    short: str
    text: str


@dataclass(frozen=True)
class Given:
    """An answer that was shared, and the note beside it if that was shared as well."""

    short: str
    answer: str
    note: str


@dataclass(frozen=True)
class SectionOfAnswers:
    """What was shared of the answers and notes of one section."""

    title: str
    answers: tuple[Given, ...]


@dataclass(frozen=True)
class Projection:
    """The whole advisory in words.

    `whose` are the answers: “your” to those who gave them, “the” to whoever they are shared with. `answers` are those
    of a part that was shared, every one of them, with the notes; whoever sees the whole has pages for them.
    """

    title: str
    heading: str
    bulletin: str
    account: tuple[tuple[str, str], ...]
    as_of: date
    as_of_text: str
    election: str
    overall: Overall
    tone: Tone
    headline: str
    meaning: str
    score: str
    contacts: tuple[Group, ...]
    to_do: tuple[Group, ...]
    sections: tuple[SectionOfItems, ...]
    check: tuple[LookUp, ...]
    unanswered: tuple[LookUp, ...]
    ignored: tuple[str, ...]
    facts: tuple[StatedFact, ...]
    answers: tuple[SectionOfAnswers, ...]
    notes: tuple[Note, ...]
    whose: Whose
    no_contacts: str
    no_to_do: str
    calendar_note: str | None
    filing_note: str | None
    limits: tuple[str, ...]
    office: ContactBlock
    edition: str
    revision: int
    digest: str

    @property
    def stamp(self) -> str:
        """What the foot of every page says of the encoding."""
        return f"{self.edition} · revision {self.revision} · digest {self.digest[:16]}"


def cite(paragraphs: Iterable[str]) -> str:
    """`¶12 and ¶14`; paragraphs of the commentary are said to be so: `commentary C2`."""
    cited = [f"commentary {one}" if one.startswith("C") else f"¶{one}" for one in paragraphs]
    return cited[0] if len(cited) == 1 else f"{', '.join(cited[:-1])} and {cited[-1]}" if cited else ""


def project(advisory: Advisory, document: Document, *, whose: Whose = "your") -> Projection:
    """The advisory for whoever may see all of it."""
    edition, sheet = advisory.edition, advisory.edition.sheet
    words = sheet.words
    overall = words.overall[advisory.overall]
    items = {finding.rule.id: _item(advisory, finding, whose) for finding in advisory.findings}
    named = advisory.election.id in sheet.names_elections
    return Projection(
        title="Social media self-check: advisory",
        heading="Advisory on a social media account",
        bulletin=f"{sheet.title}, Interpretation Bulletin, version {sheet.version}, {long_date(sheet.issued)}",
        account=tuple(
            (label, document.account[key])
            for key, label in (("member", "Member"), ("platform", "Platform"), ("handle", "Account"))
            if key in document.account
        ),
        as_of=advisory.as_of,
        as_of_text=long_date(advisory.as_of),
        election=f"{advisory.election.name}; campaign period to {long_date(advisory.election.campaign_ends)}",
        overall=advisory.overall,
        tone=TONE_OF_OVERALL[advisory.overall],
        headline=overall.title,
        meaning=overall.says,
        score=_score(advisory, whose),
        contacts=_contacts(advisory, items),
        to_do=_to_do(advisory, items),
        sections=tuple(
            SectionOfItems(
                title=section.title,
                count=_section_count(advisory.sections[section.id]),
                items=tuple(items[f.rule.id] for f in advisory.findings if f.rule.section == section.id),
            )
            for section in edition.sections_with_rules
        ),
        check=tuple(_look_up(edition.question[q]) for q in advisory.check),
        unanswered=tuple(_look_up(edition.question[q]) for q in advisory.unanswered),
        ignored=tuple(edition.question[q].short for q in advisory.ignored),
        facts=tuple(
            StatedFact(
                fact.title,
                _truth(advisory.facts[fact.id].value),
                in_line(
                    _in_short(advisory, advisory.facts[fact.id].rests_on, edition.facts_behind(fact.when))
                ),
            )
            for fact in sheet.facts
            if fact.id in advisory.facts
        ),
        answers=(),
        notes=tuple(
            Note(q.id, q.short, document.notes[q.id]) for q in edition.questions if q.id in document.notes
        ),
        whose=whose,
        no_contacts=words.nothing.contact if advisory.complete else words.nothing.contact_so_far,
        no_to_do=_no_to_do(advisory),
        calendar_note=None if named else _calendar_note(advisory),
        filing_note=_filing_note(advisory),
        limits=sheet.limits,
        office=sheet.contact,
        edition=edition.id,
        revision=sheet.revision,
        digest=digest(edition),
    )


def _item(advisory: Advisory, finding: Finding, whose: Whose) -> Item:
    edition, rule = advisory.edition, finding.rule
    words = edition.sheet.words
    return Item(
        rule=rule.id,
        citation=cite(rule.paragraphs),
        title=rule.title,
        force=words.forces[rule.force],
        outcome=finding.outcome,
        status=words.outcomes[finding.outcome].title.replace("your answers", f"{whose} answers"),
        tone="contact" if finding.contact else TONE_OF_OUTCOME[finding.outcome],
        contact=_when(edition, finding.contact).title if finding.contact else None,
        advice=edition.advice[rule.id].for_outcome(finding.outcome),
        because=_because(advisory, finding),
    )


def _because(advisory: Advisory, finding: Finding) -> tuple[Basis, ...]:
    """What a finding rests on, short enough to read.

    A finding that other findings decide names them.
    """
    if finding.decided_by:
        return (
            Basis(
                "The findings on",
                "; ".join(dict.fromkeys(cite(rule.paragraphs) for rule in finding.decided_by)),
            ),
        )
    facts = advisory.edition.facts_behind(finding.rule.applies, finding.rule.met)
    return _in_short(advisory, finding.rests_on, facts)


def _in_short(advisory: Advisory, questions: frozenset[str], facts: Iterable[NamedFact]) -> tuple[Basis, ...]:
    """The answers to `questions`, those that make one of `facts` told as that fact, the widest first."""
    told = []
    known = [fact for fact in facts if fact.id in advisory.facts]
    for fact in sorted(known, key=lambda fact: -len(advisory.facts[fact.id].rests_on)):
        value, rests_on = advisory.facts[fact.id]
        if len(rests_on) >= MANY and rests_on <= questions:
            told.append(Basis(fact.title, _truth(value)))
            questions -= rests_on
    return (*told, *_answers(advisory, questions))


def _answers(advisory: Advisory, questions: Iterable[str]) -> tuple[Basis, ...]:
    edition, answers = advisory.edition, advisory.answers
    return tuple(
        Basis(edition.question[question].short, answer_in_words(edition, question, answers.get(question)))
        for question in sorted(questions, key=edition.position.__getitem__)
    )


def _contacts(advisory: Advisory, items: Mapping[str, Item]) -> tuple[Group, ...]:
    groups = []
    filing = advisory.answers.get(advisory.edition.sheet.timing.filing)
    for when in CONTACT_ORDER:
        due: list[tuple[Item, str]] = [
            (items[finding.rule.id], advisory.edition.advice[finding.rule.id].about or "")
            for finding in advisory.contacts
            if finding.contact == when
        ]
        if due:
            titled = _when(advisory.edition, when)
            title = titled.title
            if when == "before_filing" and isinstance(filing, date):
                title = f"{title}, on {long_date(filing)}"
            groups.append(Group(title, titled.says, tuple(due)))
    return tuple(groups)


def _when(edition: Edition, when: When) -> Titled:
    if when == "unstated":
        return Titled(title="When is not part of what was shared", says=UNSTATED)
    return edition.sheet.words.contact[when]


def _to_do(advisory: Advisory, items: Mapping[str, Item]) -> tuple[Group, ...]:
    """What to do, by when: at once first, then by date, then what only words can tell."""
    groups: dict[str, list[tuple[Item, str]]] = {}
    order: dict[str, tuple[bool, date]] = {}
    for deadline in advisory.deadlines:
        item = items[deadline.rule.id]
        groups.setdefault(deadline.text, []).append((item, item.advice))
        order[deadline.text] = (not deadline.at_once, deadline.due or date.max)
    return tuple(
        Group(text.rstrip("."), "", tuple(groups[text])) for text in sorted(groups, key=order.__getitem__)
    )


def _look_up(question: Question) -> LookUp:
    return LookUp(question.id, question.asks, cite(question.paragraphs))


def _truth(value: bool | None) -> str:
    return {True: "Yes", False: "No", None: "Not known yet"}[value]


def _score(advisory: Advisory, whose: Whose) -> str:
    """The count in words, and how much is still open: on a part of the answers it counts a part of the rules."""
    count, left = advisory.score, len(advisory.unanswered)
    which = "that apply" if advisory.complete else "counted so far"
    said = f"{count.consistent} of the {count.applicable} rules {which} are consistent on {whose} answers."
    if not count.applicable:
        said = "No rule can be counted yet."
    if left:
        said += f" {left} question{'s are' if left > 1 else ' is'} still open, and more may come up."
    return said


def _section_count(count: Count) -> str:
    return f"{count.consistent} of {count.applicable} consistent" if count.applicable else "nothing counted"


def _no_to_do(advisory: Advisory) -> str:
    nothing = advisory.edition.sheet.words.nothing
    if advisory.contacts:
        return nothing.to_do_but_contact
    return nothing.to_do if advisory.complete else nothing.to_do_so_far


def _filing_note(advisory: Advisory) -> str | None:
    """A word of warning where the filing date is no day for filing in the election chosen."""
    sheet, election = advisory.edition.sheet, advisory.election
    filing = advisory.answers.get(sheet.timing.filing)
    first, last = election.nominations_open, election.nominations_close
    if not isinstance(filing, date) or ((first is None or first <= filing) and filing <= last):
        return None
    days = f"from {long_date(first)} to {long_date(last)}" if first else f"until {long_date(last)}"
    note = sheet.filing_note.replace("{date}", long_date(filing)).replace("{days}", days)
    return note.replace("{election}", f"the {election.name}")


def _calendar_note(advisory: Advisory) -> str:
    election = advisory.election
    note = advisory.edition.sheet.calendar_note
    text = note.replace("{election}", f"the {election.name}").replace(
        "{date}", long_date(election.campaign_ends)
    )
    if not election.confirmed:
        text += (
            f" These dates are not yet confirmed (last looked at on {long_date(election.last_confirmed)})."
        )
    return text
