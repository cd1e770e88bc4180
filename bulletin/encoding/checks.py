"""Checks across the files of an edition: every name exists, conditions fit their questions, there are no cycles,
every outcome has advice, and every question and fact is used. Each check records its faults at their places.

An entry that the schema refused is None here, and a file that could not be read has no entries. The names in both
still count as known and as used, so that one mistake makes one fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .conditions import AtMost, Condition, Fact, Has, Term
from .digest import ENGINES
from .nearest import nearest
from .schema import (
    CALENDAR,
    CAMPAIGN_OVER,
    Across,
    Advice,
    NamedFact,
    Paragraph,
    Pointer,
    Question,
    Reading,
    Rule,
    Sheet,
    TimingQuestions,
)
from .source import Place, Source

NEEDS_CHOICES = ("choice", "choices")
MAX_CHAIN = 20
"""Facts and questions in the longest chain where each rests on the next. Toronto's longest chain has five."""


def entries(value: Any) -> list[Any]:
    """The entries of `value` if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


@dataclass(frozen=True)
class EditionFiles:
    """The five files of an edition, as far as they could be read. An entry that the schema refused is None."""

    sources: Mapping[str, Source]
    sheet: Sheet | None
    timing: TimingQuestions | None
    across: Across | None
    facts: tuple[NamedFact | None, ...]
    readings: tuple[Reading | None, ...]
    paragraphs: tuple[Paragraph | None, ...]
    questions: tuple[Question | None, ...]
    rules: tuple[Rule | None, ...]
    advice: Mapping[str, Advice | None]

    def raw(self, file: str, key: str | None = None) -> list[Any] | None:
        """The unvalidated entries of a file, or of one key in it. None if they cannot be read."""
        content = self.sources[file].content
        if key is not None:
            content = content.get(key) if isinstance(content, dict) else None
        return content if isinstance(content, list) else None

    def ids(self, file: str, key: str | None = None) -> list[str] | None:
        """The ids of those entries, valid or not. None if they cannot be read."""
        raw = self.raw(file, key)
        return None if raw is None else _ids(raw)


def check_edition(files: EditionFiles) -> None:
    """Record every fault that only shows when the files are read together."""
    for file in ("paragraphs", "questions", "rules"):
        check_unique_ids(files.sources[file], files.raw(file), ())
    for key in ("facts", "sections"):
        check_unique_ids(files.sources["edition"], files.raw("edition", key), (key,))
    names = _Names(files)
    stated = tuple(_stated_conditions(files))
    for source, place, condition in stated:
        for term in dict.fromkeys(condition.terms()):
            if wrong := names.wrong_with(term):
                source.fault(place, wrong)
    _check_sheet(files, names)
    _check_questions(files)
    _check_rules(files)
    _check_citations(files)
    _check_carried(files)
    _check_advice(files)
    _check_cycles(files)
    _check_use(files, stated)


def _ids(raw: list[Any]) -> list[str]:
    return [e["id"] for e in raw if isinstance(e, dict) and isinstance(e.get("id"), str)]


def check_unique_ids(source: Source, raw: Any, place: Place) -> None:
    """Record each id that an earlier entry of a list has already."""
    seen: set[str] = set()
    for at, entry in enumerate(entries(raw)):
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in seen:
            source.fault((*place, at, "id"), f"`{name}` occurs twice; use each id once")
        elif isinstance(name, str):
            seen.add(name)


class _Names:
    """The questions and facts that a condition may name."""

    def __init__(self, files: EditionFiles) -> None:
        self.questions = {question.id: question for question in files.questions if question}
        self.question_ids = files.ids("questions")
        self.facts = files.ids("edition", "facts")

    def unknown_question(self, name: str) -> str | None:
        known = self.question_ids
        if known is None or name in known:
            return None
        return f"no question is called `{name}`{nearest(name, known)}"

    def wrong_with(self, term: Term) -> str | None:
        if isinstance(term, Fact):
            if self.facts is None or term.name in self.facts:
                return None
            return f"no fact is called `{term.name}`{nearest(term.name, self.facts)}"
        question = self.questions.get(term.question)
        if question is None:
            return self.unknown_question(term.question)
        if isinstance(term, AtMost):
            if question.kind != "money":
                return f"`{term}`: `at most` is for money; `{question.id}` is of kind {question.kind}"
            return None
        fits = ("choices",) if isinstance(term, Has) else ("ynu", "choice")
        if question.kind not in fits:
            right = {"choices": "`has`", "money": "`at most`", "date": "nothing at all"}
            wanted = right.get(question.kind, "`is`")
            return f"`{term}`: a question of kind {question.kind} is compared with {wanted}"
        if question.values and term.choice not in question.values:
            hint = nearest(term.choice, question.values)
            return f"`{term}`: `{question.id}` has no choice `{term.choice}`{hint}"
        return None


Stated = tuple[tuple["Source", "Place", Condition], ...]


def _stated_conditions(files: EditionFiles) -> Iterator[tuple[Source, Place, Condition]]:
    """Every condition of the edition, with its source and place."""
    sheet = files.sources["edition"]
    for at, fact in enumerate(files.facts):
        if fact and not isinstance(fact.when, str):
            yield sheet, ("facts", at, "when"), fact.when
    for part, keys in (
        (files.timing, ("planned", "wished")),
        (files.across, ("signs", "supported", "candidate")),
    ):
        for key in keys if part else ():
            yield sheet, ("timing" if part is files.timing else "across", key), getattr(part, key)
    for at, contradiction in enumerate(files.sheet.contradictions if files.sheet else ()):
        yield sheet, ("contradictions", at, "when"), contradiction.when
    for at, question in enumerate(files.questions):
        if question:
            yield files.sources["questions"], (at, "asked"), question.asked
    yield from _conditions_of_rules(files)


def _conditions_of_rules(files: EditionFiles) -> Iterator[tuple[Source, Place, Condition]]:
    for at, rule in enumerate(files.rules):
        if rule:
            yield files.sources["rules"], (at, "applies"), rule.applies
            if rule.met is not None:
                yield files.sources["rules"], (at, "met"), rule.met


def _check_sheet(files: EditionFiles, names: _Names) -> None:
    source = files.sources["edition"]
    if files.timing:
        filing = files.timing.filing
        if wrong := names.unknown_question(filing):
            source.fault(("timing", "filing"), wrong)
        elif filing in names.questions and names.questions[filing].kind != "date":
            source.fault(("timing", "filing"), f"`{filing}` must be a question of kind date")
    for at, fact in enumerate(files.facts):
        if fact and (fact.id == CAMPAIGN_OVER) != (fact.when == CALENDAR):
            source.fault(
                ("facts", at, "when"),
                f"the calendar sets only `{CAMPAIGN_OVER}`; write a condition for any other fact",
            )
    if files.sheet:
        _check_whole_sheet(files, files.sheet, names)


def _check_whole_sheet(files: EditionFiles, sheet: Sheet, names: _Names) -> None:
    source = files.sources["edition"]
    if sheet.engine not in ENGINES:
        known = " or ".join(map(str, ENGINES))
        source.fault(("engine",), f"unknown engine {sheet.engine}; write {known}")
    for at, contradiction in enumerate(sheet.contradictions):
        for question in contradiction.questions:
            if wrong := names.unknown_question(question):
                source.fault(("contradictions", at, "questions"), wrong)
    _check_readings(files, sheet)
    for key, wanted in (("overall", 5), ("outcomes", 8), ("forces", 4), ("contact", 4)):
        if len(getattr(sheet.words, key)) != wanted:
            source.fault(("words", key), f"write words for all {wanted}")


def _check_readings(files: EditionFiles, sheet: Sheet) -> None:
    source, rules = files.sources["edition"], files.ids("rules")
    for at, reading in enumerate(sheet.readings):
        for rule in reading.rules:
            if rules is not None and rule not in rules:
                source.fault(("readings", at, "rules"), f"no rule is called `{rule}`{nearest(rule, rules)}")


def _check_questions(files: EditionFiles) -> None:
    source, sections = files.sources["questions"], files.ids("edition", "sections")
    for at, question in enumerate(files.questions):
        if question is None:
            continue
        if wrong := _unknown_section(question.section, sections):
            source.fault((at, "id"), wrong)
        if (question.kind in NEEDS_CHOICES) != bool(question.choices):
            message = "give choices for the kinds choice and choices only"
            source.fault((at, "choices"), message)
        if question.unsure and question.kind in ("ynu", "date"):
            message = "remove this; ynu can always be unsure, and a date never"
            source.fault((at, "unsure"), message)
        if "unsure" in question.choices:
            message = "write `unsure: true` instead of a choice of that name"
            source.fault((at, "choices", "unsure"), message)
        if question.look_up and not question.may_be_unsure:
            source.fault((at, "look_up"), "mark only a question whose answer can be unsure")
        if question.rest_is_no and not (question.together and question.kind == "ynu"):
            source.fault(
                (at, "rest_is_no"), "only a ynu question of a group, `together`, can be among the rest"
            )
        _check_changed(source, at, question)


def _check_changed(source: Source, at: int, question: Question) -> None:
    if question.can_change and question.kind not in ("ynu", "choice"):
        source.fault((at, "can_change"), "only a question of kind ynu or choice can be marked")
    elif question.can_change and not question.changed:
        message = "the words for this are missing; write `changed` with each answer that may be proposed"
        source.fault((at, "can_change"), message)
    elif question.changed and not question.can_change:
        source.fault((at, "changed"), "remove this, or mark the question `can_change: true`")
    else:
        for value in question.changed:
            if value not in question.values:
                message = f"`{question.id}` has no answer `{value}`{nearest(value, question.values)}"
                source.fault((at, "changed", value), message)


def _unknown_section(name: str, sections: list[str] | None) -> str | None:
    if sections is None or name in sections:
        return None
    return f"no section is called `{name}`{nearest(name, sections)}"


def _check_rules(files: EditionFiles) -> None:
    source, sections = files.sources["rules"], files.ids("edition", "sections")
    last = [at for at, rule in enumerate(files.rules) if rule and rule.last]
    for at in last[1:]:
        source.fault((at, "last"), "mark only one rule as last")
    for at, rule in enumerate(files.rules):
        if rule is None:
            continue
        if wrong := _unknown_section(rule.section, sections):
            source.fault((at, "section"), wrong)
        if (rule.force == "note") != (rule.met is None):
            source.fault((at, "met"), "a note has no `met`; every other rule has one")
        if rule.last and rule.force != "note":
            source.fault((at, "last"), "the last rule must be a note")
        if rule.last and rule.unsure != "check":
            source.fault((at, "unsure"), "write check; the last rule depends on the checks of the others")
        if rule.contact == "before_acting" and rule.force != "note":
            source.fault((at, "contact"), "`before_acting` is for notes")
        if rule.deadline == "at_once" and files.sheet and not files.sheet.deadlines.at_once:
            source.fault((at, "deadline"), "edition.yaml has no words for it; write `deadlines.at_once`")


def _check_citations(files: EditionFiles) -> None:
    raw = files.raw("paragraphs")
    if raw is None:
        return
    citable = set(_ids(raw))
    for entry in raw:
        if isinstance(entry, dict) and isinstance(points := entry.get("points"), dict):
            citable |= {f"{entry.get('id')}{point}" for point in points}
    citing: tuple[tuple[str, Place, Iterable[Question | Rule | Reading | None]], ...] = (
        ("questions", (), files.questions),
        ("rules", (), files.rules),
        ("edition", ("readings",), files.readings),
    )
    cited: list[tuple[str, Place, str]] = [
        (file, (*place, at, "paragraphs"), citation)
        for file, place, citing_entries in citing
        for at, entry in enumerate(citing_entries)
        for citation in (entry.paragraphs if entry else ())
    ]
    for name in ("shared", "alone", "apart"):
        pointer: Pointer | None = getattr(files.across, name, None)
        place = ("across", name, "paragraphs")
        cited += [("edition", place, citation) for citation in (pointer.paragraphs if pointer else ())]
    for file, at_place, citation in cited:
        if citation not in citable:
            message = f"no paragraph is numbered {citation}{nearest(citation, citable)}"
            files.sources[file].fault(at_place, message)


def _check_carried(files: EditionFiles) -> None:
    """Record each paragraph that no rule cites and that has no `no_rule` to say why."""
    raw = files.raw("rules")
    if raw is None:
        return
    rules = [rule for rule in raw if isinstance(rule, dict)]
    cited = [str(citation) for rule in rules for citation in entries(rule.get("paragraphs"))]
    carried = {citation.partition("(")[0] for citation in cited}
    for at, paragraph in enumerate(files.paragraphs):
        if paragraph and not paragraph.no_rule and paragraph.id not in carried:
            message = "no rule cites this paragraph; say why in `no_rule`"
            files.sources["paragraphs"].fault((at,), message)


def _check_advice(files: EditionFiles) -> None:
    source, rule_ids = files.sources["advice"], files.ids("rules")
    if rule_ids is None or not isinstance(source.content, dict):
        return
    for rule_id in files.advice:
        if rule_id not in rule_ids:
            source.fault((rule_id,), f"no rule is called `{rule_id}`{nearest(rule_id, rule_ids)}")
    for rule in files.rules:
        if rule is None:
            continue
        outcomes = rule.outcomes(look_up=_can_be_looked_up(files, rule))
        if rule.id not in files.advice:
            wanted = ", ".join(outcomes)
            source.fault((), f"rule {rule.id} has no advice; write a text for {wanted}")
        elif texts := files.advice[rule.id]:
            needed = {*outcomes, *(("about",) if rule.may_carry_contact else ())}
            if rule.may_ask and files.sheet and files.sheet.engine > 1:
                needed.add("meanwhile")
            _check_texts(source, rule, texts, needed)


def _can_be_looked_up(files: EditionFiles, rule: Rule) -> bool:
    """Whether any question that the rule turns on, directly or through facts, is marked `look_up`."""
    facts = {fact.id: fact.when for fact in files.facts if fact and not isinstance(fact.when, str)}
    marked = {question.id for question in files.questions if question and question.look_up}
    seen: set[str] = set()
    waiting = [condition for condition in (rule.applies, rule.met) if condition is not None]
    while waiting:
        names = {name for name in _names_in(waiting.pop()) if name not in seen}
        seen |= names
        waiting += [facts[name] for name in names if name in facts]
    return bool(seen & marked)


def _check_texts(source: Source, rule: Rule, texts: Advice, wanted: set[str]) -> None:
    # Any rule may have a text for the staff.
    given = {key for key, text in texts if text is not None} - {"staff"}
    for key in sorted(wanted - given):
        source.fault((rule.id,), f"the text for `{key}` is missing; the rule can have this outcome")
    for key in sorted(given - wanted):
        message = f"this rule never has the outcome `{key}`; remove the text"
        source.fault((rule.id, key), message)


def _check_cycles(files: EditionFiles) -> None:
    """Record facts that rest on themselves, and questions that are asked depending on their own answer.

    Each round removes the names that rest on no remaining name. If a round can remove none, there is a circle.
    This is not recursive, because a chain may still be long here; too long a chain is refused, so that recursion
    is safe everywhere else.
    """
    places: dict[str, tuple[Source, Place]] = {}
    waiting: dict[str, list[str]] = {}
    for at, fact in enumerate(files.facts):
        if fact and not isinstance(fact.when, str):
            places[fact.id] = files.sources["edition"], ("facts", at, "when")
            waiting[fact.id] = _names_in(fact.when)
    for at, question in enumerate(files.questions):
        if question:
            places[question.id] = files.sources["questions"], (at, "asked")
            waiting[question.id] = _names_in(question.asked)
    rounds = 0
    while waiting:
        ready = [name for name, needs in waiting.items() if not any(n in waiting for n in needs)]
        rounds += 1
        if ready and rounds > MAX_CHAIN:
            source, place = places[ready[0]]
            message = (
                f"depends on a chain of more than {MAX_CHAIN} facts and questions; state it more directly"
            )
            source.fault(place, message)
            return
        if not ready:
            ready = _circle(waiting)
            source, place = places[ready[0]]
            loop = " -> ".join([*ready, ready[0]])
            source.fault(place, f"is circular: {loop}; break it at one of them")
        for name in ready:
            del waiting[name]


def _circle(waiting: Mapping[str, list[str]]) -> list[str]:
    """One circle among `waiting`, where every name rests on another of its names."""
    path: dict[str, None] = {}
    name = next(iter(waiting))
    while name not in path:
        path[name] = None
        name = next(needed for needed in waiting[name] if needed in waiting)
    names = list(path)
    return names[names.index(name) :]


def _names_in(condition: Condition) -> list[str]:
    return [term.name if isinstance(term, Fact) else term.question for term in condition.terms()]


def _check_use(files: EditionFiles, stated: Stated) -> None:
    facts = files.raw("edition", "facts")
    questions, rules = files.raw("questions"), files.raw("rules")
    if facts is None or questions is None or rules is None or files.timing is None:
        return
    used = {files.timing.filing}
    for _, _, condition in stated:
        used |= set(_names_in(condition))
    for entry in (*facts, *questions, *rules):  # refused entries count as using what they name, too
        for key in ("when", "asked", "applies", "met"):
            if isinstance(entry, dict) and isinstance(text := entry.get(key), str):
                used |= set(re.findall(r"[a-z][a-z0-9_.]*", text))
    for at, question in enumerate(files.questions):
        if question and question.id not in used:
            message = "nothing uses this question; use it in a rule or remove it"
            files.sources["questions"].fault((at, "id"), message)
    for at, fact in enumerate(files.facts):
        if fact and fact.id not in used:
            message = "nothing uses this fact; use it in a rule or remove it"
            files.sources["edition"].fault(("facts", at, "id"), message)
