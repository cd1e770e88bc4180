"""A second reading of the specification, written from it alone, to compare with the engine's (test_reference.py).

It shares no code with the engine and reads nothing of the edition: the tables below have the specification's own
order and words, and the logic follows them. `advise` gives the parts of the advisory's JSON that do not depend on
wording.
Where the specification leaves room for two readings, a comment marked READING says which one is taken.

A condition is in the words of the tables: `x is a|b` means that x is a or b, `x has a|b` that the list has a or b,
and `x yes` that x is yes. `and` binds before `or`. A line that begins with spaces continues the one before.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, cached_property
from typing import Any


@dataclass(frozen=True)
class Election:
    """One election of the calendar. What the calendar does not say is None."""

    ends: date | None = None
    opens: date | None = None
    closes: date | None = None
    year: int | None = None


ELECTIONS = {
    "toronto-2022": Election(date(2022, 12, 31), date(2022, 5, 2), date(2022, 8, 19), 2022),
    "toronto-2026": Election(date(2026, 12, 31), date(2026, 5, 1), date(2026, 8, 21), 2026),
    "toronto-2030": Election(date(2030, 12, 31), None, date(2030, 8, 16), 2030),
    "by-election": Election(),
}

# id, with ● if it can be looked up | kind, or its choices | asked when
QUESTION_TABLE = """
account.stage | planned live | always
resources.email ● | ynu | always
resources.identity ● | ynu | always
resources.website ● | ynu | always
resources.print ● | ynu | always
resources.logo ● | ynu | always
resources.contact ● | ynu | always
resources.devices ● | ynu | always
resources.people | ynu | always
resources.policies | ynu | uses_city_resources
election.use | none undecided planned now earlier unsure | always
election.referendum | ynu | always
election.candidate | ynu | always
election.nomination_date | date | election.candidate yes
election.separate | ynu | election.candidate yes and election.use is none|undecided and not campaign_over
election.supported | ynu | re_election
election.place | ynu | helped
election.help | ynu | helped
election.plan | ynu | converting
election.publications | ynu | converting
election.profile | ynu | converting
election.registration | ynu | converting
election.website | ynu | converting
election.team | ynu | converting
election.notice | ynu | converting
election.label | ynu | converting
election.keep | ynu | converting
political.promotes | ynu | uses_city_resources
influence.regular | ynu | uses_city_resources
influence.local | ynu | always
influence.even_handed | ynu | influence.local yes
conduct.abuse | ynu | always
conduct.workplace | ynu | always
conduct.reputation | ynu | always
conduct.capacities | ynu | always
confidential.meetings | ynu | always
confidential.disclosure | ynu | always
confidential.requests | ynu | always
gifts.lobbyist | ynu | always
gifts.unpaid | ynu | always
gifts.value | money | gifts.unpaid yes
gifts.other | ynu | always
terms.adopted | ynu | always
terms.public | ynu | terms.adopted yes
terms.content | ynu | terms.adopted yes
terms.resources | ynu | terms.adopted yes
terms.posting | ynu | terms.adopted yes
terms.requests | ynu | terms.adopted yes
terms.removal | ynu | terms.adopted yes
terms.blocking | ynu | terms.adopted yes
terms.appeal | ynu | terms.adopted yes
moderation.removes | ynu | always
moderation.grounds | choices | moderation.removes yes
moderation.police | ynu | always
moderation.impact | ynu | moderation.removes yes
moderation.criticism | ynu | moderation.removes yes
moderation.process | ynu | moderation.removes yes
moderation.provider | ynu | always
"""

# fact | holds when
FACT_TABLE = """
city_sign | resources.email yes or resources.identity yes or resources.website yes or resources.print yes or
    resources.logo yes or resources.contact yes or resources.devices yes
uses_city_resources | city_sign or resources.people yes
re_election | election.use is planned|now|earlier
campaign_use | election.use is now or election.referendum yes
conversion | re_election and (election.supported yes or uses_city_resources)
campaign_over | campaign_over
steps_done | election.publications yes and election.profile yes and election.registration yes and election.website
    yes and election.team yes and election.notice yes and election.label yes and resources.print no and
    resources.identity no and resources.logo no and resources.contact no and resources.email no and
    resources.website no and resources.devices no and election.help no and election.place no
terms_complete | terms.adopted yes and terms.public yes and terms.content yes and terms.resources yes and
    terms.posting yes and terms.requests yes and terms.removal yes and terms.blocking yes and terms.appeal yes
conduct_concern | conduct.abuse yes or conduct.workplace yes or conduct.reputation yes or conduct.capacities yes
    or (moderation.removes yes and moderation.impact yes)
"""

# READING: the specification's table of rules names no paragraphs. Taken: the rule's number, with the bulletin's
# letters where the bulletin has them (13 and 23). Rule 9 cites 9 alone, though its question cites 5 and 9.
# rule | force | applies | met | unsure | contact | paragraphs
RULE_TABLE = """
8 | note | uses_city_resources | - | information | - | 8
9 | must | uses_city_resources | resources.policies yes | check | - | 9
10 | note | re_election or election.referendum yes or election.candidate yes | - | information | - | 10
11 | must | campaign_use | not city_sign | ask | now | 11
11-place | must | campaign_use | election.place no and resources.devices no | check | now | 11
11-help | must | campaign_use | election.help no | ask | now | 11
12 | should | election.candidate yes and election.use is none|undecided and not campaign_over | election.separate
    yes | check | - | 12
13-undecided | note | election.use is undecided and not campaign_over | - | information | - | 13(a)
13a | must | converting | election.plan yes | ask | before_filing | 13(a)
13b | must | converting | election.publications yes and resources.print no | check | - |
    13(b)
13c-i | must | converting | election.profile yes and resources.identity no and
    resources.logo no and resources.contact no | check | - | 13(c)(i)
13c-ii | must | converting | election.registration yes and resources.email no | check | - |
    13(c)(ii)
13c-iii | must | converting | election.website yes and resources.website no | check | - |
    13(c)(iii)
13c-iv | must | converting | election.team yes and resources.devices no and election.help no
    and election.place no | check | - | 13(c)(iv)
13c-v | must | converting | election.notice yes | check | - | 13(c)(v)
13c-vi | must | converting | election.label yes | check | - | 13(c)(vi)
14 | must | converting | election.keep yes and (steps_done or not election.use is earlier) |
    check | before_filing | 14
14-over | note | campaign_over and (re_election or election.candidate yes) | - | information | - | 12, 14
15 | must | uses_city_resources | political.promotes no | ask | now | 15
16 | must | uses_city_resources | influence.regular no | ask | now | 16
16-even | should | influence.local yes | influence.even_handed yes | check | - | 16
17a | consider | always | conduct.abuse no | ask | - | 17
17b | consider | always | conduct.workplace no | ask | - | 17
17c | consider | always | conduct.reputation no and conduct.capacities no | ask | - | 17
18 | note | conduct_concern | - | information | - | 18
19 | should | always | confidential.meetings no | check | - | 19
20 | must | always | confidential.disclosure no | ask | now! | 20
20-requests | should | always | confidential.requests no | check | - | 20
21 | must | always | gifts.other no | ask | now! | 21
21a | should | always | gifts.lobbyist no | ask | now! | 21
21b | should | gifts.unpaid yes | gifts.value at most 500.00 | ask | now! | 21
22 | should | always | terms.adopted yes | check | - | 22
22-public | should | terms.adopted yes | terms.public yes | check | - | 22
23a | should | terms.adopted yes | terms.content yes | check | - | 23(a)
23b | should | terms.adopted yes | terms.resources yes | check | - | 23(b)
23c-i | should | terms.adopted yes | terms.posting yes | check | - | 23(c)(i)
23c-ii | should | terms.adopted yes | terms.requests yes | check | - | 23(c)(ii)
23c-iii | should | terms.adopted yes | terms.removal yes | check | - | 23(c)(iii)
23c-iv | should | terms.adopted yes | terms.blocking yes | check | - | 23(c)(iv)
23c-v | should | terms.adopted yes | terms.appeal yes | check | - | 23(c)(v)
24 | note | terms_complete and not conduct_concern and not election.use is earlier | - | as above | - | 24
C2 | note | moderation.removes yes and moderation.grounds has abuse|crime | - | information | - | C2
C3 | note | moderation.removes yes and moderation.grounds has false_harmful | - | information | - | C3
C4 | note | moderation.removes yes and moderation.grounds has spam | - | information | - | C4
C6 | note | moderation.removes yes and moderation.grounds has disagreement | - | information | - | C6
C2-police | should | always | moderation.police yes | check | - | C2
C5 | should | always | moderation.provider yes | check | - | C5
C8 | consider | moderation.removes yes | moderation.impact no | ask | - | C8
C8-process | should | moderation.removes yes | moderation.process yes | check | - | C8
C9 | note | moderation.removes yes and moderation.criticism yes | - | information | - | C9
C-other | should | moderation.removes yes and moderation.grounds has other | terms.adopted yes and terms.removal
    yes and terms.blocking yes | check | - | 2, 23(c)(iii), 23(c)(iv)
"""

YNU = ("yes", "no", "unsure")
GROUNDS = ("abuse", "crime", "false_harmful", "spam", "disagreement", "other")
SHORT = {
    "helped": "campaign_use or (conversion and not campaign_over)",
    "converting": "conversion and not campaign_over",
}
OPTIONAL = frozenset({"election.nomination_date"})
STAGE_Q, USE_Q, DATE_Q = "account.stage", "election.use", "election.nomination_date"
LAST_RULE = "24"
SECTIONS = (
    ("resources", ("8", "9")),
    ("election", ("10", "11", "12", "13", "14")),
    ("political", ("15",)),
    ("influence", ("16",)),
    ("conduct", ("17", "18")),
    ("confidential", ("19", "20")),
    ("gifts", ("21",)),
    ("terms", ("22", "23", "24")),
    ("moderation", ("C",)),
)
FORCE_ORDER = ("must", "consider", "should", "note")
WHEN_ORDER = ("now", "before_filing", "before_launch")
BY_FORCE = {"must": "action", "should": "improvement", "consider": "ask"}
COUNTED_IN_SCORE = frozenset({"consistent", "action", "improvement", "ask", "check"})


# The tables, ready for use

Node = tuple[Any, ...]
Questions = frozenset[str]
NOBODY: Questions = frozenset()


def _rows(text: str) -> list[list[str]]:
    joined = text.strip().replace("\n    ", " ")
    return [
        [SHORT.get(cell.strip(), cell.strip()) for cell in row.split(" | ")] for row in joined.splitlines()
    ]


def _term(question: str, tokens: list[str]) -> Node:
    match tokens.pop(0):
        case "yes" | "no" as answer:
            return ("is", question, (answer,))
        case "at":
            tokens.pop(0)  # most
            return ("at most", question, Decimal(tokens.pop(0)))
        case verb:
            return (str(verb), question, tuple(tokens.pop(0).split("|")))


def _parse(text: str) -> Node:
    """Read a condition in the words of the tables as a tree."""
    tokens = re.findall(r"[()]|[^\s()]+", text)

    def joined(word: str, name: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while tokens and tokens[0] == word:
            tokens.pop(0)
            parts.append(part())
        return parts[0] if len(parts) == 1 else (name, *parts)

    def either() -> Node:
        return joined("or", "any", lambda: joined("and", "all", single))

    def single() -> Node:
        match tokens.pop(0):
            case "not":
                return ("not", single())
            case "(":
                inner = either()
                tokens.pop(0)
                return inner
            case word if "." in word:
                return _term(word, tokens)
            case word:
                return ("fact", word)

    tree = either()
    assert not tokens, f"not read to the end: {text}"
    return tree


@dataclass(frozen=True)
class Rule:
    """One row of the rules table."""

    id: str
    force: str
    applies: Node
    met: Node | None
    unsure: str
    contact: str
    paragraphs: tuple[str, ...]


_QUESTION_ROWS, _RULE_ROWS = _rows(QUESTION_TABLE), _rows(RULE_TABLE)
QUESTIONS = tuple(row[0].removesuffix(" ●") for row in _QUESTION_ROWS)
LOOKED_UP = frozenset(row[0].removesuffix(" ●") for row in _QUESTION_ROWS if row[0].endswith("●"))
KINDS = dict(zip(QUESTIONS, (row[1] for row in _QUESTION_ROWS), strict=True))
ASKED = dict(zip(QUESTIONS, (_parse(row[2]) for row in _QUESTION_ROWS), strict=True))
FACTS = {name: _parse(text) for name, text in _rows(FACT_TABLE)}
RULES = tuple(
    Rule(
        row[0],
        row[1],
        _parse(row[2]),
        None if row[3] == "-" else _parse(row[3]),
        row[4],
        row[5].replace("-", ""),
        tuple(row[6].split(", ")),
    )
    for row in _RULE_ROWS
)
PLACE = {rule.id: number for number, rule in enumerate(RULES)}


def _domain(question: str) -> tuple[Any, ...]:
    """Every answer to a question, as far as any condition can tell answers apart."""
    match KINDS[question]:
        case "ynu":
            return YNU
        case "money":
            return ("500.00", "500.01", "unsure")
        case "choices":
            subsets = (list(c) for n in range(1, 7) for c in itertools.combinations(GROUNDS, n))
            return (*subsets, "unsure")
        case "date":
            return ()
        case choices:
            return tuple(choices.split())


DOMAINS = {question: _domain(question) for question in QUESTIONS}


@cache
def _cone(node: Node) -> Questions:
    """Every question that can bear on a condition, or on whether one of those questions is asked."""
    found: set[str] = set()
    pending = [node]
    while pending:
        part = pending.pop()
        if part[0] in {"any", "all", "not"}:
            pending.extend(part[1:])
        elif part[0] == "fact":
            if part[1] not in {"always", "campaign_over"}:
                pending.append(FACTS[part[1]])
        elif part[1] not in found:
            found.add(part[1])
            pending.append(ASKED[part[1]])
    return frozenset(found)


# Three-valued logic


@dataclass(frozen=True)
class Truth:
    """True, false or undetermined, and why: the questions that decided it, or those in its way."""

    value: bool | None
    why: Questions = NOBODY


def _joined(parts: Iterable[Truth], decides: bool) -> Truth:
    """Kleene's any (decides is True) or all (decides is False)."""
    parts = list(parts)
    for wanted in (decides, None):
        those = [part for part in parts if part.value is wanted]
        if those:
            return Truth(wanted, NOBODY.union(*(part.why for part in those)))
    return Truth(not decides, NOBODY.union(*(part.why for part in parts)))


class View:
    """Which questions are asked with some answers, and which of the answers count."""

    def __init__(self, given: dict[str, Any], campaign_over: bool) -> None:
        self.given = given
        self.over = campaign_over
        self.counts = given
        while True:
            self._facts: dict[str, Truth] = {}
            self.asking = {question: self.truth(node) for question, node in ASKED.items()}
            self.status = {question: self._status(truth) for question, truth in self.asking.items()}
            # READING: "repeated until nothing changes" starts again from all answers each time, so that an
            # answer dropped in an early round could come back. With these conditions both readings agree.
            kept = {q: a for q, a in given.items() if self.status[q] != "not asked"}
            if kept == self.counts:
                break
            self.counts = kept

    def _status(self, truth: Truth) -> str:
        if truth.value is not None:
            return "asked" if truth.value else "not asked"
        return "pending" if self.open_in(truth.why) else "asked"

    def open_in(self, questions: Questions) -> Questions:
        """Those of the questions that have no answer that counts."""
        return frozenset(q for q in questions if q not in self.counts)

    def truth(self, node: Node) -> Truth:
        """The value of a condition."""
        sort = node[0]
        if sort in {"any", "all"}:
            return _joined((self.truth(part) for part in node[1:]), sort == "any")
        if sort == "not":
            inner = self.truth(node[1])
            return Truth(None if inner.value is None else not inner.value, inner.why)
        if sort == "fact":
            return self.fact(node[1])
        answer = self.counts.get(node[1])
        value = None if answer in (None, "unsure") else _holds(node, answer)
        return Truth(value, frozenset({node[1]}))

    def fact(self, name: str) -> Truth:
        """The value of a fact."""
        if name == "always":
            return Truth(True)
        if name == "campaign_over":
            return Truth(self.over)
        if name not in self._facts:
            self._facts[name] = self.truth(FACTS[name])
        return self._facts[name]

    def traced(self, questions: Questions) -> Questions:
        """The asked, unanswered questions that the open ones among these stand for."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = list(self.open_in(questions))
        while waiting:
            question = waiting.pop()
            if question in seen:
                continue
            seen.add(question)
            if self.status[question] == "asked" and question not in OPTIONAL:
                found.add(question)
            elif self.status[question] == "pending":
                waiting.extend(self.open_in(self.asking[question].why))
        return frozenset(found)

    def with_answer(self, question: str, answer: Any) -> View:
        """The same with one more answer."""
        return View(self.given | {question: answer}, self.over)


def _holds(node: Node, answer: Any) -> bool:
    """Whether an answer passes the test of a single question. An unsure one never does."""
    if answer == "unsure":
        return False
    if node[0] == "at most":
        return bool(Decimal(answer) <= node[2])
    if node[0] == "has":
        return any(value in answer for value in node[2])
    return bool(answer in node[2])


# The findings


@dataclass(frozen=True)
class Finding:
    """One rule's outcome. `way` is what is in its way, `spared` marks a check that ● made out of an ask."""

    rule: Rule
    outcome: str
    because: Questions
    way: Questions = NOBODY
    contact: str = ""  # as in the rules table, before the timing
    spared: bool = False


def _judge(rule: Rule, view: View) -> Finding:
    """One finding, by the table of outcomes (for all rules but the last one)."""
    applies = view.truth(rule.applies)
    met = view.truth(rule.met) if rule.met else Truth(True)
    if applies.value is False:
        return Finding(rule, "not_applicable", applies.why)
    if rule.met and met.value is True:
        # READING: where `applies` is true it is a part that decided (were it false, the outcome would be
        # another); where it is undetermined it decided nothing, and what is in its way is not in `because`.
        return Finding(rule, "consistent", met.why | (applies.why if applies.value else NOBODY))
    if applies.value and (rule.met is None or met.value is False):
        outcome = BY_FORCE[rule.force] if rule.met else "information"
        because = applies.why | met.why
        contact = rule.contact
        if outcome == "ask":
            contact = contact or "now"
        return Finding(rule, outcome, because, contact=contact)
    way = NOBODY.union(*(truth.why for truth in (applies, met) if truth.value is None))
    # READING: `because` of an undetermined outcome names pending questions themselves, untraced, and both
    # sorts in the way (unsure and open), but not the parts that are determined.
    if view.open_in(way):
        return Finding(rule, "unanswered", way, way)
    if rule.unsure == "ask":
        if way <= LOOKED_UP:
            return Finding(rule, "check", way, way, spared=True)
        return Finding(rule, "ask", way, way, rule.contact or "now")
    return Finding(rule, rule.unsure, way, way)


def _judge_last(rule: Rule, view: View, others: list[Finding]) -> Finding:
    """Rule 24, the first that holds."""

    def theirs(chosen: Callable[[Finding], bool]) -> Questions | None:
        those = [finding.because for finding in others if chosen(finding)]
        return NOBODY.union(*those) if those else None

    applies = view.truth(rule.applies)
    way = applies.why if applies.value is None else NOBODY
    # READING: of the others, those count that make a line hold: the actions and contacts, and so on. An `unanswered`
    # has both what is in the rule's own way and what is in theirs.
    if applies.value is False:
        return Finding(rule, "not_applicable", applies.why)
    because = theirs(lambda finding: finding.outcome == "action" or bool(finding.contact))
    if because is not None:
        return Finding(rule, "not_applicable", because)
    because = theirs(lambda finding: finding.outcome == "unanswered")
    if view.open_in(way) or because is not None:
        return Finding(rule, "unanswered", way | (because or NOBODY), way)
    if applies.value is None:
        return Finding(rule, "not_applicable", way)
    because = theirs(lambda finding: finding.outcome == "check")
    if because is not None:
        return Finding(rule, "check", because)
    return Finding(rule, "information", applies.why)


def _findings(view: View) -> list[Finding]:
    """All findings, in the table's order."""
    last = next(rule for rule in RULES if rule.id == LAST_RULE)
    others = [_judge(rule, view) for rule in RULES if rule is not last]
    return sorted([*others, _judge_last(last, view, others)], key=lambda finding: PLACE[finding.rule.id])


# Contacts and deadlines


@dataclass(frozen=True)
class Case:
    """Answers and the day on which they are assessed."""

    view: View
    as_of: date

    @property
    def filing(self) -> date | None:
        """The filing date, where it has an answer that counts."""
        answer = self.view.counts.get(DATE_Q)
        return date.fromisoformat(answer) if answer else None

    @property
    def ahead(self) -> bool:
        """Whether a filing date is known and still to come."""
        return self.filing is not None and self.filing > self.as_of

    @cached_property
    def futures(self) -> list[tuple[Questions, Case]]:
        """Every way to answer questions on which the time of a contact can hang, with those questions."""
        questions, ways = sorted(_timing_questions(self.view)), []
        for answers in itertools.product(*((None, *DOMAINS[question]) for question in questions)):
            more = {q: a for q, a in zip(questions, answers, strict=True) if a is not None}
            ways.append((frozenset(more), replace(self, view=View(self.view.given | more, self.view.over))))
        return ways

    @property
    def launch_is_ahead(self) -> bool:
        """Whether the account is planned (not answered counts as live)."""
        return self.view.counts.get(STAGE_Q) == "planned"

    def when(self, finding: Finding) -> str | None:
        """When the Commissioner should be contacted for a finding, or None."""
        when = finding.contact
        if when == "before_filing" and not (self.view.counts.get(USE_Q) == "planned" and self.ahead):
            when = "now"
        if when == "now" and self.launch_is_ahead:
            when = "before_launch"
        return when.removesuffix("!") or None

    def kind_of_time(self, finding: Finding) -> str:
        """The kind of time by which an action or improvement is due."""
        rule = finding.rule.id
        if rule == "14":
            return "until"
        if rule == "13b":
            return "at_once" if self.view.counts.get(USE_Q) in {"now", "earlier"} else "before_use"
        if rule in {"12", "13a"} or rule.startswith("13c-"):
            # READING: a filing date of today is not ahead, hence has passed; 12 "from that date" is overdue
            # once the date has passed; 13a with a passed date is overdue like 13c. Not known: among the rest.
            if self.filing is None:
                return "from_filing" if rule == "12" else "before_filing"
            return "by_date" if self.ahead else "overdue"
        if self.launch_is_ahead and finding.rule.contact != "now!":  # 20, 21, 21a and 21b
            return "before_launch"
        return "at_once"


def _contacts(case: Case, findings: list[Finding]) -> list[Finding]:
    """The findings that carry a contact, in the contacts' order."""
    carried = [finding for finding in findings if case.when(finding)]
    return sorted(
        carried,
        key=lambda finding: (WHEN_ORDER.index(case.when(finding) or ""), _by_force(finding)),
    )


def _by_force(finding: Finding) -> tuple[int, int]:
    return FORCE_ORDER.index(finding.rule.force), PLACE[finding.rule.id]


def _deadlines(case: Case, findings: list[Finding]) -> list[dict[str, Any]]:
    """The deadlines, in their order, each with its kind of time in place of the text."""
    rows = []
    for finding in findings:
        if finding.outcome not in {"action", "improvement"}:
            continue
        kind = case.kind_of_time(finding)
        # READING: 13a whose contact is `now` though a filing date is ahead (use now or earlier) keeps that
        # date as `due`, since its text names it; only its place in the order is that of "at once".
        due = case.filing.isoformat() if kind == "by_date" and case.filing else None
        first = kind in {"at_once", "overdue"} or case.when(finding) == "now"
        group = 0 if first else 1 if kind == "by_date" else 2
        row = {"rule": finding.rule.id, "due": due, "kind": kind}
        rows.append(((group, due if group == 1 else "", _by_force(finding)), row))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


# Settled, and the question to ask next


def _residual(node: Node, view: View) -> Any:
    """What of a condition is still open, in a form that is equal for equal futures.

    True and False are decided; "unsure", "unsure ●" and "dead" (a question that is not asked) stay
    undetermined for good; anything else may still change.
    """
    sort = node[0]
    if sort == "fact":
        if node[1] in {"always", "campaign_over"}:
            return view.fact(node[1]).value
        return _residual(FACTS[node[1]], view)
    if sort == "not":
        inner = _residual(node[1], view)
        return not inner if isinstance(inner, bool) else inner if isinstance(inner, str) else ("not", inner)
    if sort in {"any", "all"}:
        decides = sort == "any"
        parts = {_residual(part, view) for part in node[1:]} - {not decides}
        if decides in parts:
            return decides
        if "unsure" in parts:
            parts.discard("unsure ●")
        if len(parts) < 2:
            return parts.pop() if parts else not decides
        return (sort, frozenset(parts))
    return _residual_of_term(node, view)


def _residual_of_term(node: Node, view: View) -> Any:
    question = node[1]
    if view.status[question] == "not asked":
        return "dead"
    if question not in view.counts:
        return node
    value: Any = _holds(node, view.counts[question])
    if view.counts[question] == "unsure":
        value = "unsure ●" if question in LOOKED_UP else "unsure"
    return value if view.status[question] == "asked" else (node, value)


KNOWN: dict[Any, bool] = {}
"""What `_can_carry` gave, by rule and state."""


def _can_carry(rule: Rule, view: View) -> bool:
    """Whether a rule can come to carry a contact, by trying every answer to what is in its way.

    Stops where the outcome is no longer `unanswered`, since from then on it keeps its contact, or its lack of
    one (the property that encoding.md states). Two states with the same residue have the same futures.
    """
    if not (rule.contact or rule.unsure == "ask" or rule.force == "consider"):
        return False  # a rule that never carries one
    finding = _judge(rule, view)
    if finding.contact or finding.outcome != "unanswered":
        return bool(finding.contact)
    cone = _cone(rule.applies) | (_cone(rule.met) if rule.met else NOBODY)
    unsettled = [q for q in QUESTIONS if q in cone and (view.status[q] == "pending" or q not in view.counts)]
    state = (
        rule.id,
        _residual(rule.applies, view),
        _residual(rule.met, view) if rule.met else True,
        tuple((q, _residual(ASKED[q], view)) for q in unsettled),
    )
    if state not in KNOWN:
        branches = view.traced(finding.way)
        question = min(branches, key=QUESTIONS.index) if branches else ""
        KNOWN[state] = bool(branches) and any(
            _can_carry(rule, view.with_answer(question, answer)) for answer in DOMAINS[question]
        )
    return KNOWN[state]


def _timing_questions(view: View) -> Questions:
    """The asked, unanswered questions on which the time of a contact can hang."""
    bearing = frozenset({STAGE_Q, USE_Q})
    if DATE_Q in view.counts:  # an optional question without an answer stays so
        bearing |= _cone(ASKED[DATE_Q])
    return view.traced(bearing)


def _when_can_change(case: Case, finding: Finding) -> bool:
    """Whether further answers can change when a contact, once carried, is due."""
    when = case.when(finding)
    return any(later.when(_judge(finding.rule, later.view)) != when for _, later in case.futures)


def _changes_when(case: Case, finding: Finding) -> Questions:
    """The asked questions whose answer can change when a contact is due."""
    # READING: a question counts where one answer to it changes the time by itself.
    when = case.when(finding)
    return NOBODY.union(
        *(
            more
            for more, later in case.futures
            if len(more) == 1 and later.when(_judge(finding.rule, later.view)) != when
        )
    )


def _settled_and_next(
    case: Case, findings: list[Finding], unanswered: list[str]
) -> tuple[dict[str, bool], str | None]:
    """Whether the contacts, and everything, can no longer change; and the question to ask next."""
    view = case.view
    moving = []  # for each rule that keeps the contacts from being settled, the questions in its way
    for finding in findings:
        rule = finding.rule
        if finding.contact:
            if _when_can_change(case, finding):
                moving.append(_changes_when(case, finding))
        elif _can_carry(rule, view):
            moving.append(view.traced(finding.way))
    settled = {
        "contact": not moving,
        "all": not moving and all(finding.outcome != "unanswered" for finding in findings),
    }
    if moving and STAGE_Q in unanswered:
        return settled, STAGE_Q
    # READING: rule 24, while `unanswered`, counts here with what is in its own way alone, as for `needed`.
    blocked = [view.traced(finding.way) for finding in findings if finding.outcome == "unanswered"]
    for ways in (moving, blocked):
        tally = Counter(question for way in ways for question in way)
        if tally:
            return settled, min(tally, key=lambda question: (-tally[question], QUESTIONS.index(question)))
    return settled, unanswered[0] if unanswered else None


# The whole


def _date_in(document: dict[str, Any], key: str) -> date | None:
    return date.fromisoformat(document[key]) if document.get(key) else None


def advise(document: dict[str, Any], *, as_of: date) -> dict[str, Any]:
    """The parts of the advisory's JSON that do not depend on wording, for a valid answers document of revision 2.

    A deadline has no text, `meanwhile` is a list of rules, and `questioned` (absent if empty) one of questions.
    """
    as_of = _date_in(document, "as_of") or as_of
    dated = [(name, entry) for name, entry in ELECTIONS.items() if entry.ends]
    # READING: the default election goes by the calendar's end, not by the end that the person gives.
    default = next((name for name, entry in dated if entry.ends and entry.ends >= as_of), dated[-1][0])
    name = document.get("election") or default
    chosen = ELECTIONS[name]
    given, voting_day = _date_in(document, "campaign_ends"), _date_in(document, "voting_day")
    ends = given or (voting_day + timedelta(days=45) if voting_day else chosen.ends)
    answers = {q: document["answers"].get(q) for q in QUESTIONS}
    # An empty list is no answer.
    view = View({q: a for q, a in answers.items() if a not in (None, [])}, ends is not None and as_of > ends)
    case = Case(view, as_of)

    findings = _findings(view)
    outcomes = {finding.outcome for finding in findings}
    contacts = _contacts(case, findings)
    unanswered = [
        q for q in QUESTIONS if view.status[q] == "asked" and q not in view.counts and q not in OPTIONAL
    ]
    needed = NOBODY.union(*(view.traced(f.way) for f in findings if f.outcome == "unanswered"))
    to_check = NOBODY.union(*(f.way for f in findings if f.outcome == "check"))  # rule 24 has none
    settled, following = _settled_and_next(case, findings, unanswered)
    # READING: the checks that ● made out of an ask stand in the table's order, after the asks.
    meanwhile = [f for f in contacts if f.outcome == "ask"] + [f for f in findings if f.spared]
    if contacts:
        overall = "contact_commissioner"
    elif "action" in outcomes:
        overall = "action_required"
    elif outcomes & {"unanswered", "check"}:
        overall = "incomplete"
    else:
        overall = "improvements_suggested" if "improvement" in outcomes else "consistent"

    result: dict[str, Any] = {
        "election": {
            "id": name,
            "campaign_ends": ends.isoformat() if ends else None,
            "given": given is not None,
        },
        "overall": overall,
        "complete": not outcomes & {"unanswered", "check"},
        "score": _score(findings),
        "facts": {fact: view.fact(fact).value for fact in FACTS},
        "contact": [{"when": case.when(finding), "rule": finding.rule.id} for finding in contacts],
        "deadlines": _deadlines(case, findings),
        "meanwhile": [finding.rule.id for finding in meanwhile],
        "settled": settled,
        "next": following,
        "findings": [
            {
                "rule": finding.rule.id,
                "paragraphs": list(finding.rule.paragraphs),
                "force": finding.rule.force,
                "outcome": finding.outcome,
                "contact": case.when(finding),
                "because": {q: view.counts.get(q) for q in QUESTIONS if q in finding.because},
            }
            for finding in findings
        ],
        "unanswered": unanswered,
        "needed": [q for q in QUESTIONS if q in needed],
        "check": [q for q in QUESTIONS if q in to_check],
        "ignored": [q for q in QUESTIONS if q in view.given and q not in view.counts],
    }
    if voting_day:
        result["election"]["voting_day"] = voting_day.isoformat()
    if _is_questioned(case, chosen, voting_day):
        result["questioned"] = [DATE_Q]
    return result


def _is_questioned(case: Case, chosen: Election, voting_day: date | None) -> bool:
    """Whether the filing date lies outside the chosen election's nomination days."""
    # READING: only a date that counts is questioned. Where the calendar has no opening day, it is 1 May of
    # the year.
    filing = case.filing
    if filing is None:
        return False
    if chosen.year is None:
        return voting_day is not None and filing > voting_day
    opens = chosen.opens or date(chosen.year, 5, 1)
    return filing < opens or (chosen.closes is not None and filing > chosen.closes)


def _score(findings: list[Finding]) -> dict[str, Any]:
    """How many of the rules that apply are consistent, overall and for each section with rules."""

    def count(those: list[Finding]) -> dict[str, Any]:
        applicable = [f for f in those if f.rule.force != "note" and f.outcome in COUNTED_IN_SCORE]
        return {
            "consistent": sum(finding.outcome == "consistent" for finding in applicable),
            "applicable": len(applicable),
        }

    section_of = {number: section for section, numbers in SECTIONS for number in numbers}
    sections: dict[str, list[Finding]] = {section: [] for section, _ in SECTIONS}
    for finding in findings:
        number = re.match(r"\d+|C", finding.rule.id)
        sections[section_of[number.group() if number else ""]].append(finding)
    return count(findings) | {"sections": {section: count(those) for section, those in sections.items()}}
