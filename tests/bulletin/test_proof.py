"""What the proof finds in an edition: nothing in ours, each planted fault, and all that trying every answer finds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from io import StringIO
from itertools import product
from random import Random
from typing import Any, NamedTuple, get_args

import pytest
from django.core.checks.registry import registry
from django.core.management import CommandError, call_command

from assessments.scoring.advisory import traced
from assessments.scoring.answers import read_answer
from assessments.scoring.assess import Asking, Situation, Timing, find, find_closing, settle_asking
from bulletin import apps, shelf
from bulletin.encoding import variables
from bulletin.encoding.conditions import UNSURE, Always, Answer, Condition, Fact, parse
from bulletin.encoding.digest import canonical
from bulletin.encoding.loader import load_edition
from bulletin.encoding.masks import States
from bulletin.encoding.proof import Flaw, FlawKind, outcomes_of, prove
from bulletin.encoding.schema import Edition, Question, Rule
from bulletin.encoding.variables import OVER
from tests.bulletin.minimal import MINIMAL, edition_with
from tests.tables import EDITION, Row, edition, election, table

EARLIER = shelf.HERE / "editions" / EDITION / "earlier" / "1.json"
DAY = date(2026, 1, 5)


@cache
def sound(name: str) -> Edition:
    """One of the editions that have no flaw."""
    if name == "minimal":
        return load_edition(MINIMAL)
    return (
        edition() if name == "on file" else Edition.model_validate(json.loads(EARLIER.read_text())["content"])
    )


FAULTS = table("proof_faults.yaml")
SOUND = ["minimal", "revision 1", "on file"]


@pytest.mark.parametrize("name", SOUND)
def test_our_editions_have_no_flaw(name):
    assert [str(flaw) for flaw in prove(sound(name))] == []


def with_conditions(conditions: Mapping[str, str]) -> Edition:
    """Toronto's edition with other conditions. `rules.12.applies` is what rule 12 applies to."""
    content = json.loads(canonical(edition()))
    for place, condition in conditions.items():
        entries, _, rest = place.partition(".")
        entry, _, key = rest.rpartition(".")
        next(given for given in content[entries] if given["id"] == entry)[key] = condition
    changed = Edition.model_validate(content)
    for rule in changed.rules:  # so that the loader finds no fault in the advice
        texts = {key for key, text in changed.advice[rule.id] if text is not None}
        assert texts - {"about", "meanwhile", "staff"} == set(changed.outcomes(rule))
    return changed


def as_row(flaw: Flaw, line: str) -> Row:
    """A flaw as the table has it."""
    row: Row = {"kind": flaw.kind, "line": line}
    if flaw.answers is not None:
        row["answers"] = flaw.answers
    if flaw.campaign_over is not None:
        row["over"] = "yes" if flaw.campaign_over else "no"
    return row


@pytest.mark.parametrize("row", FAULTS["minimal"], ids=lambda row: row["case"])
def test_this_slip_passes_the_loader_and_the_proof_names_it_with_its_place(row, tmp_path):
    edition = load_edition(edition_with(tmp_path, *row["slips"]))
    assert [as_row(flaw, flaw.located(tmp_path)) for flaw in prove(edition)] == row["finds"]


@pytest.mark.slow
@pytest.mark.parametrize("row", FAULTS["toronto"], ids=lambda row: row["case"])
def test_this_condition_in_torontos_edition_is_named(row):
    assert [as_row(flaw, str(flaw)) for flaw in prove(with_conditions(row["set"]))] == row["finds"]


def test_each_kind_of_flaw_is_planted():
    kinds = {flaw["kind"] for rows in FAULTS.values() for row in rows for flaw in row["finds"]}
    assert kinds | {"too_large"} == set(get_args(FlawKind))


def test_a_rule_that_rests_on_more_states_than_can_be_tried_is_named_and_its_questions_are_not(monkeypatch):
    monkeypatch.setattr(variables, "MAX_STATES", 15)
    wrong = (
        "this rests on 16 states of its questions or more, too many to try; make it rest on fewer questions"
    )
    assert [str(flaw).removesuffix(" or choices") for flaw in prove(load_edition(MINIMAL))] == [
        f"rules.yaml rules[1]: {wrong}",
        f"questions.yaml questions[account.filed].asked: {wrong}",
    ]


# What an operator sees


@pytest.fixture
def on_file(tmp_path, monkeypatch):
    """Toronto's edition on file, and the small one with two flaws."""
    folder = tmp_path / "editions" / "minimal-1"
    folder.mkdir(parents=True)
    slips = [{"in": "advice.yaml", "replace": "Give it back.", "by": "Give back $20."}]
    slips.append({"in": "questions.yaml", "replace": "asked: official", "by": "asked: campaign_over"})
    edition_with(folder, *slips)
    (folder / "elections.yaml").unlink()
    (tmp_path / "editions" / EDITION).symlink_to(shelf.HERE / "editions" / EDITION)
    (tmp_path / "elections.yaml").symlink_to(shelf.HERE / "elections.yaml")
    monkeypatch.setattr(shelf, "HERE", tmp_path)
    shelf.editions.cache_clear()
    yield
    shelf.editions.cache_clear()


def test_the_check_has_each_flaw_with_its_place_and_an_answers_file_that_shows_it(on_file):
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("load_editions", "--check", stdout=out)
    assert out.getvalue() == f"{EDITION}, revision {edition().sheet.revision}: no faults\n"
    head, stuck, document, amount = str(refused.value).splitlines()
    assert head == "The editions have faults:"
    assert stuck.startswith("minimal-1/rules.yaml:1:3 rules[1]: the rule always stays `unanswered`")
    assert json.loads(document) == {
        "edition": "minimal-1",
        "answers": {"account.logo": "yes"},
        "election": "toronto-2026",
        "as_of": "2026-12-31",
    }
    assert amount.startswith(
        "minimal-1/advice.yaml:11:3 2.improvement: the rule compares with $10.00, not with $20"
    )


def test_only_the_check_for_a_deployment_proves_the_editions(on_file):
    assert [(error.id, error.msg.count("\n")) for error in apps.editions_work()] == [("bulletin.E001", 3)]
    check: Any = apps.editions_work
    assert check in registry.get_checks(include_deployment_checks=True)
    assert check not in registry.get_checks()


def test_the_check_for_a_deployment_has_nothing_to_say_of_our_editions():
    assert apps.editions_work() == []


# What scoring says of one state


class State(NamedTuple):
    """What scoring finds for a rule with some answers."""

    outcome: str
    is_stuck: bool
    asking: Mapping[str, Asking]
    situation: Situation


def state_of(edition: Edition, rule: Rule, answers: Mapping[str, Answer], *, over: bool) -> State:
    situation = Situation(edition, answers, campaign_over=over)
    asking = settle_asking(edition.asking_order, situation)
    if rule.last:
        timing = Timing(edition, situation, DAY, election("toronto-2026"))
        finding = find_closing(rule, situation, [], timing)
        outcome, in_the_way = finding.outcome, finding.in_the_way
    else:
        outcome, _, in_the_way = find(rule, situation)
    pending = {
        name: situation.weigh(edition.question[name].asked).rests_on
        for name, state in asking.items()
        if state == "pending" and name not in situation.answers
    }
    can_be_answered = any(
        asking[name] == "asked" and name not in situation.answers and not edition.question[name].optional
        for name in traced(in_the_way, pending)
    )
    return State(outcome, outcome == "unanswered" and not can_be_answered, asking, situation)


def drawn(states: States, random: Random) -> tuple[int, dict[str, Answer], bool]:
    """A state by chance: its number, all its answers, and whether the campaign period is over."""
    number, answers, over = 0, dict[str, Answer](), False
    for variable in states.variables:
        kinds = sorted({kind for state in variable.states for kind in state}, key=str)
        given = {question.id: random.choice(kinds) for question in variable.questions}
        state = frozenset(given.values()) or random.choice(variable.states)
        over = over or (state == OVER and not variable.questions)
        number += variable.position[state] * variable.stride
        answers |= {question: kind for question, kind in given.items() if kind is not None}
    return number, answers, over


@pytest.mark.parametrize("name", SOUND)
def test_masks_and_scoring_agree_on_random_states(name):
    edition, random, tried = sound(name), Random(name), 0  # noqa: S311 - nothing is kept secret with it
    for rule in edition.rules:
        states = States(edition, rule.applies, *([rule.met] if rule.met else []))
        outcomes = outcomes_of(rule, states)
        stuck = outcomes["unanswered"] & ~states.weigh(rule.applies).answerable
        if rule.met:
            stuck &= ~states.weigh(rule.met).answerable
        for _ in range(100):
            number, answers, over = drawn(states, random)
            state = state_of(edition, rule, answers, over=over)
            assert [outcome for outcome, mask in outcomes.items() if mask >> number & 1] == [state.outcome]
            assert bool(stuck >> number & 1) == state.is_stuck
            for variable in states.variables:
                for question in variable.questions:
                    asked = states.weigh(question.asked)
                    asking = "not_asked" if asked.false >> number & 1 else "asked"
                    asking = "pending" if asked.unanswered >> number & 1 else asking
                    assert state.asking[question.id] == asking
            tried += 1
    assert tried == 100 * len(edition.rules)


# Every answer tried, in editions made by chance

NAMES = ["q.a", "q.b", "q.c", "q.d"]


def by_chance(random: Random, *, together: bool) -> Edition:
    """An edition of four questions and three rules, mostly with flaws. `together`: three only count jointly."""
    content = json.loads(canonical(load_edition(MINIMAL)))
    content["questions"] += questions_by_chance(random, together)
    leaves = [leaf for names in ([NAMES[:3]] if together else NAMES[:3]) for leaf in leaves_about(names)]
    leaves += leaves_about("q.d")
    content["sheet"]["facts"] += [{"id": "f", "title": "F", "when": condition(random, leaves)}]
    words = {"title": "R", "section": "account", "paragraphs": ["1"], "phrase": "r"}
    content["rules"], content["advice"] = [], {}
    for at in range(3):
        rule: dict[str, Any] = {
            "id": f"R{at}",
            **words,
            "force": random.choice(["must", "should", "consider", "note"]),
        }
        rule["unsure"] = random.choice(["ask", "check", "information"])
        rule["applies"] = random.choice([condition(random, leaves), "always", "f"])
        if rule["force"] == "note":
            rule["last"] = at == 2
        else:
            rule["met"] = random.choice([condition(random, leaves), "f"])
        content["rules"].append(rule)
        content["advice"][rule["id"]] = {}
    return Edition.model_validate(content)


def questions_by_chance(random: Random, together: bool) -> list[dict[str, Any]]:
    questions: list[dict[str, Any]] = []
    for at, name in enumerate(NAMES):
        marks: dict[str, Any] = {"kind": "ynu", "look_up": random.random() < 0.5}
        marks |= {"optional": random.random() < 0.15, "asked": "always"}
        leaves = leaves_about("q.d") if together else [leaf for n in NAMES[:at] for leaf in leaves_about(n)]
        if random.random() < 0.6:
            marks["asked"] = condition(random, leaves, depth=1)
        if name == "q.d":
            marks |= {"kind": "money", "unsure": True, "look_up": False}
            marks |= {"asked": "always"} if together else {}
        elif together and questions:
            other: dict[str, Any] = random.choice(
                [{}, {"look_up": False}, {"optional": True}, {"asked": "always"}]
            )
            marks = {**questions[0], **other}
        questions.append({**marks, "id": name, "short": "A", "paragraphs": [], "asks": "A?", "hint": "B"})
    return questions


def leaves_about(names: str | list[str]) -> list[str]:
    """The terms about a question, or about several at once."""
    if names == "q.d":
        return ["q.d at most 5.00", "q.d at most 9.00"]
    several = [names] if isinstance(names, str) else names
    return [
        f"({joint.join(f'{name} is {value}' for name in several)})"
        for joint, value in product((" and ", " or "), ("yes", "no"))
    ]


def condition(random: Random, leaves: list[str], *, depth: int = 2) -> str:
    shape = random.random()
    if not leaves or shape < 0.08:
        return random.choice(["always", "campaign_over"])
    if depth == 0 or shape < 0.3:
        return random.choice(leaves)
    if shape < 0.4:
        return f"not ({condition(random, leaves, depth=depth - 1)})"
    parts = [condition(random, leaves, depth=depth - 1) for _ in range(random.choice([2, 2, 3]))]
    return f"({random.choice([' and ', ' or ']).join(parts)})"


def values_of(question: Question) -> list[Answer | None]:
    unsure: list[Answer | None] = [UNSURE] if question.may_be_unsure else []
    given = ["0", "5", "5.01", "9", "9.01"] if question.kind == "money" else list(question.values)
    return [None, *[read_answer(question, value) for value in given], *unsure]


class Tried:
    """What is wrong with an edition by trying every answer to its four questions, one state after another."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.values = {name: values_of(edition.question[name]) for name in NAMES}
        self.ways = [(*way, over) for *way, over in product(*self.values.values(), (False, True))]
        self.states = {rule.id: {way: self.state(rule, way) for way in self.ways} for rule in edition.rules}
        self.flaws: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
        """For each kind of flaw and its place, the ways to answer that show it. For some kinds there are none."""
        for rule in edition.rules:
            self.try_rule(rule)
        conditions: dict[Condition, str] = {}
        for place, condition in self.conditions():
            if not isinstance(condition, Always | Fact) and condition not in conditions:
                conditions[condition] = place
                self.try_condition(place, condition)
        self.try_effect()

    def state(self, rule: Rule, way: tuple[Any, ...]) -> State:
        return state_of(self.edition, rule, self.answers(way), over=way[-1])

    def answers(self, way: tuple[Any, ...]) -> dict[str, Answer]:
        return {name: value for name, value in zip(NAMES, way, strict=False) if value is not None}

    def conditions(self) -> Iterator[tuple[str, Condition]]:
        for rule in self.edition.rules:
            yield f"rules.yaml rules[{rule.id}].applies", rule.applies
            if rule.met:
                yield f"rules.yaml rules[{rule.id}].met", rule.met
        for name in NAMES:
            yield f"questions.yaml questions[{name}].asked", self.edition.question[name].asked
        yield "edition.yaml facts[f].when", parse(str(self.edition.fact["f"].when))

    def add(self, kind: str, place: str, *ways: tuple[Any, ...]) -> None:
        self.flaws[kind, place] += ways

    def try_rule(self, rule: Rule) -> None:
        place, states = f"rules.yaml rules[{rule.id}]", self.states[rule.id]
        outcomes = {state.outcome for state in states.values()}
        for outcome in self.edition.outcomes(rule):
            if outcome not in outcomes and not (rule.last and outcome == rule.unsure):
                self.add("unreached", f"{place} {outcome}")
        for way, state in states.items():
            if state.is_stuck:
                self.add("stuck", place, way)
            allowed = {state.outcome} | ({"not_applicable"} if state.outcome == "consistent" else set())
            if state.outcome != "unanswered" and any(
                states[after].outcome not in allowed for after in self.with_one_more(way)
            ):
                self.add("changed", place, way)

    def with_one_more(self, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        for at, name in enumerate(NAMES):
            if way[at] is None:
                for value in self.values[name][1:]:
                    yield (*way[:at], value, *way[at + 1 :])

    def try_condition(self, place: str, condition: Condition) -> None:
        verdict = {
            way: state.situation.weigh(condition).value
            for way, state in next(iter(self.states.values())).items()
        }
        for way, value in verdict.items():
            if value is None:
                definite = [
                    [v for v in self.values[name][1:] if v != UNSURE] if given in (None, UNSURE) else [given]
                    for name, given in zip(NAMES, way, strict=False)
                ]
                completed = {verdict[(*full, way[-1])] for full in product(*definite)}
                if len(completed) == 1 and completed != {None}:
                    self.add("undetermined", f"{place} {str(*completed).lower()}", way)

    def try_effect(self) -> None:
        states = list(self.states.values())

        def what(way: tuple[Any, ...]) -> tuple[Any, ...]:
            asking = states[0][way].asking
            asked = [states[0][way].situation.weigh(self.edition.question[n].asked).value for n in asking]
            return (*[by_way[way].outcome for by_way in states], *asked)

        for at, name in enumerate(NAMES):
            rest: dict[tuple[Any, ...], set[tuple[Any, ...]]] = defaultdict(set)
            for way in self.ways:
                if not {None, UNSURE} & set(way):
                    rest[*way[:at], *way[at + 1 :]].add(what(way))
            if all(len(seen) == 1 for seen in rest.values()):
                self.add("without_effect", f"questions.yaml questions[{name}]")


def place_of(flaw: Flaw) -> tuple[str, str]:
    place = f"{flaw.file}.yaml {flaw.entry}"
    if flaw.kind == "unreached":
        place += f" {flaw.message.split('`')[1]}"
    if flaw.kind == "undetermined":
        place += f" {flaw.message.split('although it is ')[1].split()[0]}"
    return flaw.kind, place


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_the_proof_finds_what_trying_every_answer_finds(seed):
    edition = by_chance(Random(seed), together=seed % 2 == 1)  # noqa: S311 - nothing is kept secret with it
    flaws = {place_of(flaw): flaw for flaw in prove(edition) if "account." not in flaw.entry}
    tried = Tried(edition)
    assert flaws.keys() == tried.flaws.keys()
    for place, ways in tried.flaws.items():
        given = flaws[place].answers
        assert (given is None) == (not ways)
        if given is not None:
            answers = {name: read_answer(edition.question[name], value) for name, value in given.items()}
            shown = [*map(answers.get, NAMES)]
            over = flaws[place].campaign_over
            assert any((*shown, value) in ways for value in ([False, True] if over is None else [over]))
            assert len(answers) == min(len(tried.answers(way)) for way in ways)
