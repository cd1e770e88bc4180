"""An advisory in words and in reading order.

The page, the PDF and the text all render one Projection, so that they cannot say different things. The JSON in
data.py is the advisory itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Literal

from assessments.rendering.findings import (
    REST_TITLES,
    TONE_OF_OUTCOME,
    Act,
    ActGroup,
    Basis,
    ChangeInWords,
    Group,
    Item,
    ReadingBeyond,
    Rest,
    Tone,
    acts_to_do,
    in_line,
    readings_of,
    rests_of,
)
from assessments.scoring.advisory import WHEN_ORDER, Advisory, Count, Deadline, Finding, When
from assessments.scoring.document import Document
from assessments.scoring.explain import Change, Search, explain, same_act
from assessments.scoring.settled import progress
from assessments.scoring.wording import (
    answer_in_words,
    change_in_words,
    election_in_words,
    in_election,
    long_date,
)
from bulletin.encoding.carry import LeftBehind
from bulletin.encoding.digest import digest
from bulletin.encoding.elections import Election
from bulletin.encoding.filling import filled
from bulletin.encoding.schema import ContactBlock, Edition, NamedFact, Overall

TONE_OF_OVERALL: Mapping[Overall, Tone] = {
    "contact_commissioner": "contact",
    "action_required": "action",
    "incomplete": "unknown",
    "improvements_suggested": "improvement",
    "consistent": "consistent",
}
Whose = Literal["your", "the"]
UNTIL_YOU_KNOW = "Until you have an answer"
"""The heading of what to stop or to leave until the Commissioner answers, or a fact is known."""
UNSTATED = "at a time that was not shared"
"""How a sentence names the time of a contact, for a share without the answers that decide it."""
GIVEN = "You entered {date} as the end of the campaign period for {election}. Confirm it with the City Clerk."
"""The note on a given end of the campaign period, for an edition that has no words for one."""
SUBJECT = ("Platform", "Account")
"""The labels of what names an account in a heading."""
MANY = 3
"""This many answers that make one fact are shown as the fact. The advisory lists every fact with its answers."""


@dataclass(frozen=True)
class SectionOfItems:
    """The findings of one section, with its score."""

    title: str
    count: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class OpenQuestion:
    """A question that is unanswered or answered "unsure", as it is asked, with its citation."""

    question: str
    asks: str
    citation: str


@dataclass(frozen=True)
class StatedFact:
    """A fact, whether it holds, and the answers that decide it."""

    title: str
    truth: str
    because: str


LEFT_BEHIND = "These answers are from an earlier revision of the questions. Answer these questions again."


@dataclass(frozen=True)
class Note:
    """A note that someone wrote on a question."""

    question: str
    short: str
    text: str


@dataclass(frozen=True)
class SharedAnswer:
    """An answer that was shared, with its note if the note was shared too."""

    short: str
    answer: str
    note: str


@dataclass(frozen=True)
class SectionOfAnswers:
    """The shared answers and notes of one section."""

    title: str
    answers: tuple[SharedAnswer, ...]


@dataclass(frozen=True)
class Projection:
    """The whole advisory in words.

    `answer` says in one sentence whether to contact the Commissioner, when, and about how many points; `remarks` has
    what goes with it. `acts` has the points of `to_do`, one entry for one act. `whose` goes before "answers": “your”
    for those who gave them, “the” for readers of a share. `answers` has every answer and note of a share. It is empty
    for a whole advisory, because its readers have pages with the answers.
    `left_behind` has the answers of an earlier revision that were not carried over, with the reason as the text.
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
    answer: str
    remarks: tuple[str, ...]
    headline: str
    meaning: str
    score: str
    contacts: tuple[Group, ...]
    to_do: tuple[Group, ...]
    acts: tuple[ActGroup, ...]
    sections: tuple[SectionOfItems, ...]
    check: tuple[OpenQuestion, ...]
    unanswered: tuple[OpenQuestion, ...]
    ignored: tuple[str, ...]
    left_behind: tuple[Note, ...]
    facts: tuple[StatedFact, ...]
    answers: tuple[SectionOfAnswers, ...]
    notes: tuple[Note, ...]
    whose: Whose
    no_contacts: str
    no_to_do: str
    calendar_note: str | None
    filing_note: str | None
    limits: tuple[str, ...]
    contact_block: ContactBlock
    edition: str
    revision: int
    digest: str

    @property
    def subject(self) -> str:
        """The account as a heading names it: platform and handle, or the document's heading if neither is given."""
        return " ".join(self.subject_parts) or self.heading

    @property
    def subject_parts(self) -> tuple[str, ...]:
        """The platform and the handle, as far as they are given."""
        return tuple(value for label, value in self.account if label in SUBJECT)

    @property
    def member(self) -> str:
        return next((value for label, value in self.account if label == "Member"), "")

    @property
    def called_for(self) -> tuple[SectionOfItems, ...]:
        """The findings that are a point to raise or a thing to do, by section."""
        return tuple(
            replace(section, items=items)
            for section in self.sections
            if (items := tuple(item for item in section.items if item.outcome not in REST_TITLES))
        )

    @property
    def rests(self) -> tuple[Rest, ...]:
        """The findings that are neither a point to raise nor a thing to do."""
        return rests_of([item for section in self.sections for item in section.items])

    @property
    def readings(self) -> tuple[ReadingBeyond, ...]:
        """Each reading beyond the bulletin's words that a finding rests on, once."""
        return readings_of(item for section in self.sections for item in section.items)

    @property
    def acts_to_do(self) -> tuple[Act, ...]:
        """The things to do, without what to leave until there is an answer."""
        return acts_to_do(self.acts)

    @property
    def stamp(self) -> str:
        """The line about the encoding at the foot of every page."""
        return f"{self.edition} · revision {self.revision} · digest {self.digest[:16]}"


def _left(edition: Edition, left: LeftBehind) -> Note:
    question = edition.question.get(left.question)
    return Note(left.question, question.short if question else left.question, left.why)


def cite(paragraphs: Iterable[str]) -> str:
    """A citation like `¶12 and ¶14`. Paragraphs of the commentary are marked: `Commentary C2`."""
    cited = [
        f"Commentary {paragraph}" if paragraph.startswith("C") else f"¶{paragraph}"
        for paragraph in paragraphs
    ]
    return cited[0] if len(cited) == 1 else f"{', '.join(cited[:-1])} and {cited[-1]}" if cited else ""


def of_asked(document: Document, advisory: Advisory) -> Document:
    """A document without the notes on questions that are not asked: like their answers, they do not count."""
    notes = {question: note for question, note in document.notes.items() if question in advisory.asked}
    return replace(document, notes=notes)


def project(
    advisory: Advisory, document: Document, *, whose: Whose = "your", explained: bool = True
) -> Projection:
    """The whole advisory in words; with `explained`, also what would change each point to raise and each action."""
    edition, sheet = advisory.edition, advisory.edition.sheet
    words = sheet.words
    overall = words.overall[advisory.overall]
    search = Search(advisory)
    changes = explain(advisory, search) if explained else {}
    items = {
        finding.rule.id: _item(advisory, finding, whose, changes.get(finding.rule.id, ()))
        for finding in advisory.findings
    }
    named = advisory.election.id in sheet.names_elections
    contacts, acts = _contacts(advisory, items), _acts(advisory, items, same_act(advisory, search))
    no_contacts, score = _no_contacts(advisory), _score(advisory, whose)
    if contacts:
        answer, remarks = answer_of(overall.title, advisory), [score]
    else:
        first, _, rest = no_contacts.partition(". ")
        answer = f"{first.rstrip('.')}."
        remarks = [_result(advisory, overall.title, score, acts), rest]
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
        election=_election(advisory.election),
        overall=advisory.overall,
        tone=TONE_OF_OVERALL[advisory.overall],
        answer=answer,
        remarks=tuple(filter(None, remarks)),
        headline=overall.title,
        meaning=overall.says,
        score=score,
        contacts=contacts,
        to_do=_to_do(advisory, items),
        acts=acts,
        sections=tuple(
            SectionOfItems(
                title=section.title,
                count=_section_count(advisory.sections[section.id]),
                items=tuple(items[f.rule.id] for f in advisory.findings if f.rule.section == section.id),
            )
            for section in edition.sections_with_rules
        ),
        check=tuple(_open_question(advisory, q) for q in advisory.check),
        unanswered=tuple(_open_question(advisory, q) for q in advisory.unanswered),
        ignored=tuple(edition.question[q].short for q in advisory.ignored),
        left_behind=tuple(_left(edition, left) for left in document.left_behind),
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
        no_contacts=no_contacts,
        no_to_do=_no_to_do(advisory),
        calendar_note=None if named and not advisory.election.given else _calendar_note(advisory),
        filing_note=advisory.questioned[0][1] if advisory.questioned else None,
        limits=(*sheet.limits, *([sheet.sharing_limit] if sheet.sharing_limit else [])),
        contact_block=sheet.contact,
        edition=edition.id,
        revision=sheet.revision,
        digest=digest(edition),
    )


def _item(advisory: Advisory, finding: Finding, whose: Whose, change: Change) -> Item:
    edition, rule = advisory.edition, finding.rule
    by_position = sorted(finding.rests_on, key=edition.position.__getitem__)
    words = edition.sheet.words
    return Item(
        rule=rule.id,
        citation=cite(rule.paragraphs),
        title=rule.title,
        section=next(section.title for section in edition.sheet.sections if section.id == rule.section),
        force=words.forces[rule.force],
        outcome=finding.outcome,
        status=words.outcomes[finding.outcome].title.replace("your answers", f"{whose} answers"),
        tone="contact" if finding.contact else TONE_OF_OUTCOME[finding.outcome],
        contact=_contact_time(edition, finding.contact) if finding.contact else None,
        advice=edition.advice[rule.id].for_outcome(finding.outcome),
        because=_because(advisory, finding),
        readings=_readings(advisory, finding),
        change=ChangeInWords(change_in_words(edition, change)),
        ask_again=next(iter([q for q, _ in change] or by_position), ""),
    )


def _readings(advisory: Advisory, finding: Finding) -> tuple[str, ...]:
    if finding.outcome == "not_applicable":
        return ()
    return tuple(f"{r.reading} {r.reason}" for r in advisory.edition.readings_of(finding.rule.id))


def _because(advisory: Advisory, finding: Finding) -> tuple[Basis, ...]:
    """What a finding rests on, short enough to read. If other findings decide it, it names those."""
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
    """The answers to `questions`. A fact stands for MANY or more of them that make it, the largest fact first."""
    facts_in_short = []
    known = [fact for fact in facts if fact.id in advisory.facts]
    for fact in sorted(known, key=lambda fact: -len(advisory.facts[fact.id].rests_on)):
        value, rests_on = advisory.facts[fact.id]
        if len(rests_on) >= MANY and rests_on <= questions:
            facts_in_short.append(Basis(fact.title, _truth(value)))
            questions -= rests_on
    return (*facts_in_short, *_answers(advisory, questions))


def _answers(advisory: Advisory, questions: Iterable[str]) -> tuple[Basis, ...]:
    edition, answers = advisory.edition, advisory.answers
    return tuple(
        Basis(edition.question[question].short, answer_in_words(edition, question, answers.get(question)))
        for question in sorted(questions, key=edition.position.__getitem__)
    )


def _contacts(advisory: Advisory, items: Mapping[str, Item]) -> tuple[Group, ...]:
    groups = []
    filing = advisory.answers.get(advisory.edition.sheet.timing.filing)
    for when in WHEN_ORDER:
        due: list[tuple[Item, str]] = [
            (items[finding.rule.id], advisory.edition.advice[finding.rule.id].about or "")
            for finding in advisory.contacts
            if finding.contact == when
        ]
        if due:
            title = _contact_time(advisory.edition, when)
            if when == "before_filing" and isinstance(filing, date):
                title = f"{title}, on {long_date(filing)}"
            groups.append(Group(title, tuple(due)))
    return tuple(groups)


def _contact_time(edition: Edition, when: When) -> str:
    if when == "unstated":
        return "When is not part of what was shared"
    return edition.sheet.words.contact[when].title


def answer_of(headline: str, advisory: Advisory) -> str:
    """When to contact the Commissioner and about how many points, in one sentence that begins with the headline."""
    counts = Counter(finding.contact for finding in advisory.contacts if finding.contact)
    whens = [when for when in WHEN_ORDER if when in counts]
    first, *later = whens
    number = f"{counts[first]} point{'s' * (counts[first] != 1)}"
    times = [f"{_time_in_sentence(advisory.edition, first)} about {number}"]
    times += [f"about {counts[when]} more {_time_in_sentence(advisory.edition, when)}" for when in later]
    listed = times[0] if len(times) == 1 else f"{', '.join(times[:-1])}, and {times[-1]}"
    return f"{headline} {listed}."


def _time_in_sentence(edition: Edition, when: When) -> str:
    if when == "unstated":
        return UNSTATED
    words = edition.sheet.words.contact[when]
    return words.brief or words.title[0].lower() + words.title[1:]


def _result(advisory: Advisory, headline: str, score: str, acts: tuple[ActGroup, ...]) -> str:
    """What to say below an answer without a contact: the result or what is left, and what to do."""
    count, checks = len(acts_to_do(acts)), len(advisory.check)
    sentences = (
        "" if advisory.overall == "incomplete" else f"{headline}.",
        score,
        f"You have {count} thing{'s' * (count != 1)} to do." if count else "",
        f"{checks} fact{'s are' if checks > 1 else ' is'} left to check." if checks else "",
    )
    return " ".join(filter(None, sentences))


def _to_do(advisory: Advisory, items: Mapping[str, Item]) -> tuple[Group, ...]:
    """What to do, in the advisory's order, and last what to stop or leave until there is an answer.

    Neighbours with the same deadline share a heading. A deadline can appear again further down, because
    gathering all its points would put what should be done before what must be.
    """
    groups = [
        Group(text.rstrip("."), tuple((item := items[d.rule.id], item.advice) for d in same))
        for text, same in groupby(_deadlines(advisory), key=lambda deadline: deadline.text)
    ]
    if meanwhile := tuple((items[rule.id], text) for rule, text in advisory.meanwhile):
        groups.append(Group(UNTIL_YOU_KNOW, meanwhile))
    return tuple(groups)


def _deadlines(advisory: Advisory) -> tuple[Deadline, ...]:
    deadlines = advisory.deadlines
    if advisory.edition.sheet.engine > 1:
        return deadlines
    # Its advisories have them in the edition's order, so they are gathered.
    texts = [deadline.text for deadline in deadlines]
    return tuple(sorted(deadlines, key=lambda d: (not d.is_now, d.due or date.max, texts.index(d.text))))


def _acts(
    advisory: Advisory, items: Mapping[str, Item], together: tuple[tuple[str, ...], ...]
) -> tuple[ActGroup, ...]:
    """What to do, with the rules that ask for the same act by the same deadline (`together`) as one entry.

    Each heading comes once: what is due now first, then by date, and what has no date last. All that is due now
    shares a heading, if the edition has words for it.
    """
    words = advisory.edition.sheet.deadlines
    firsts = {rules[0]: rules for rules in together}

    def heading(deadline: Deadline) -> str:
        return words.heading_now if deadline.is_now and words.heading_now else deadline.text.rstrip(".")

    def act(deadline: Deadline) -> Act:
        same = tuple(items[rule] for rule in firsts[deadline.rule.id])
        is_said = heading(deadline) != words.heading_now or deadline.text == words.launch.live
        return Act(same[0].title, same, "" if is_said else deadline.text)

    by_heading: dict[str, list[Deadline]] = {}
    for deadline in _deadlines(advisory):
        if deadline.rule.id in firsts:
            by_heading.setdefault(heading(deadline), []).append(deadline)
    groups = [
        ActGroup(title, tuple(act(deadline) for deadline in same))
        for title, same in sorted(by_heading.items(), key=_when)
    ]
    leave: dict[str, list[Item]] = {}
    for rule, text in advisory.meanwhile:
        leave.setdefault(text, []).append(items[rule.id])
    if leave:
        acts_to_leave = (Act(text, tuple(same), is_to_do=False) for text, same in leave.items())
        groups.append(ActGroup(UNTIL_YOU_KNOW, tuple(acts_to_leave)))
    return tuple(groups)


def _when(group: tuple[str, list[Deadline]]) -> tuple[bool, date]:
    """Where the things to do under one heading come: now, by a date, or without one."""
    _, deadlines = group
    return not deadlines[0].is_now, deadlines[0].due or date.max


def _open_question(advisory: Advisory, name: str) -> OpenQuestion:
    question = in_election(advisory.edition.question[name], advisory.election)
    return OpenQuestion(question.id, question.asks, cite(question.paragraphs))


def _truth(value: bool | None) -> str:
    return {True: "Yes", False: "No", None: "Not known yet"}[value]


def _score(advisory: Advisory, whose: Whose) -> str:
    """The score in words, or the number of questions left.

    Where there is something to raise, to do or to answer, a count of what is fine would falsely reassure, so it is
    left out.
    """
    count, left = advisory.score, len(advisory.unanswered)
    if left:
        return f"{left} question{'s are' if left > 1 else ' is'} left. Your answers may add to this result."
    if advisory.overall in ("contact_commissioner", "action_required"):
        return ""
    if not count.applicable:
        return "There are too few answers to count any rule yet."
    which = "that apply" if advisory.complete else "counted so far"
    rules = f"{count.consistent} of the {count.applicable} rules {which}"
    return f"Based on {whose} answers, the account is consistent with {rules}."


def _section_count(count: Count) -> str:
    return f"{count.consistent} of {count.applicable} consistent" if count.applicable else "nothing counted"


def _no_to_do(advisory: Advisory) -> str:
    nothing = advisory.edition.sheet.words.nothing
    if advisory.contacts:
        return nothing.to_do_but_contact
    if advisory.unanswered and nothing.to_do_too_early:
        return nothing.to_do_too_early
    return nothing.to_do if advisory.complete else nothing.to_do_so_far


def _no_contacts(advisory: Advisory) -> str:
    nothing = advisory.edition.sheet.words.nothing
    if advisory.unanswered and nothing.contact_too_early and not progress(advisory).contact_settled:
        return nothing.contact_too_early
    return nothing.contact if advisory.complete else nothing.contact_so_far


def _election(election: Election) -> str:
    """The election with the voting day of a by-election and the end of the campaign period, where they are known."""
    name = election.name
    if election.undated and election.voting_day:
        name += f" on {long_date(election.voting_day)}"
    if election.campaign_ends is None:
        return name
    return f"{name}; campaign period to {long_date(election.campaign_ends)}"


def _calendar_note(advisory: Advisory) -> str | None:
    """Where the end of the campaign period comes from, and that it should be confirmed."""
    election, sheet = advisory.election, advisory.edition.sheet
    if election.campaign_ends is None:
        return filled(sheet.no_end_note or "", {"election": election_in_words(election)}) or None
    note = (sheet.given_note or GIVEN) if election.given else sheet.calendar_note
    words = {"election": election_in_words(election), "date": long_date(election.campaign_ends)}
    text = filled(note, words)
    if not election.confirmed and not election.undated and not election.given:
        text += f" These dates are not yet confirmed (last checked on {long_date(election.last_confirmed)})."
    return text
