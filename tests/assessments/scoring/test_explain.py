"""What would settle a finding: each change does, none smaller does, and of equal ones it is the first."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations, product
from random import Random
from typing import Any

import pytest

from assessments.rendering.data import advisory_data
from assessments.scoring.advisory import Advisory, Finding
from assessments.scoring.assess import Situation, assess, find, settle_asking
from assessments.scoring.explain import MAX_CHANGES, SETTLED, Change, explain, same_act
from assessments.scoring.part import can_be_shared, shared_part
from assessments.scoring.wording import change_in_words
from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.digest import canonical
from bulletin.encoding.loader import load_edition
from bulletin.encoding.schema import Edition, Outcome, Question, Rule
from tests.assessments.scoring.test_settled import STATES, advise, member
from tests.bulletin.minimal import MINIMAL
from tests.bulletin.test_proof import condition
from tests.tables import advised, advised_row, answers_of, edition, rows_of_changes

Answers = dict[str, Answer]
ROWS = list(rows_of_changes())
MOST_SECONDS = 0.3
"""Seconds of the processor that a page may take for it. Most take some thousandths."""
QUESTIONS = edition().question


def with_changes(advisory: Advisory, change: Change) -> Advisory:
    """The advisory after a change, as `manage.py advise` would give it."""
    return assess(
        advisory.edition, {**advisory.given, **dict(change)}, as_of=advisory.as_of, election=advisory.election
    )


def needs_a_change(finding: Finding) -> bool:
    return finding.contact is not None or finding.outcome == "action"


# --- Rule by rule (tests/cases/changes.yaml) ----------------------------------


@pytest.mark.parametrize(("rule", "row"), ROWS, ids=[f"{rule}: {row['case']}" for rule, row in ROWS])
def test_in_this_case_this_change_would_settle_the_rule(rule, row):
    advisory = advised_row(row)
    assert needs_a_change(next(finding for finding in advisory.findings if finding.rule.id == rule))
    changes = explain(advisory)
    assert changes.get(rule, ()) == tuple(row.get("change", {}).items())


def test_the_table_has_every_rule_that_can_lead_to_an_action_or_a_contact_in_the_editions_order():
    leading = [r for r in edition().rules if r.may_carry_contact or "action" in edition().outcomes(r)]
    assert list(dict.fromkeys(rule for rule, _ in ROWS)) == [rule.id for rule in leading]


def test_rules_with_different_deadlines_are_apart_although_one_change_settles_them():
    still_to_do = {"election.place": "yes", "election.publications": "no"}
    advisory = advised({"election.use": "now", "election.supported": "yes", **still_to_do})
    assert [deadline.rule.id for deadline in advisory.deadlines] == ["11-place", "13b", "13c-iv"]
    changes = explain(advisory)
    assert changes["11-place"] == changes["13c-iv"]
    assert same_act(advisory) == (("11-place",), ("13b",), ("13c-iv",))


def test_what_one_should_do_is_one_act_too_where_one_change_settles_it():
    given = {
        "moderation.removes": "yes",
        "moderation.grounds": ["other"],
        "terms.removal": "no",
        "terms.public": "no",
    }
    advisory = advised(given)
    assert same_act(advisory) == (("22-public",), ("23c-iii", "C-other"))
    assert explain(advisory) == {}


def test_a_share_has_no_changes_and_each_of_its_deadlines_is_alone():
    whole = advised({"resources.email": "yes", "resources.policies": "no", "election.use": "now"})
    rules = [finding.rule.id for finding in can_be_shared(whole)]
    part = shared_part(whole, rules=rules, questions=list(whole.answers))
    assert explain(whole)
    assert explain(part) == {}
    assert "change" not in advisory_data(part, explained=True)
    assert same_act(part) == tuple((deadline.rule.id,) for deadline in part.deadlines)


def test_an_edition_whose_answers_cannot_be_changed_has_no_changes():
    first = edition().earlier[1]
    advisory = advise(answers_of({"resources.email": "yes", "resources.policies": "no"}), first)
    assert advisory.overall == "action_required"
    assert explain(advisory) == {}


# --- In words -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        (["resources.email"], ("the registration does not use a toronto.ca email address",)),
        (
            ["resources.email", "resources.logo"],
            (
                "the registration does not use a toronto.ca email address",
                "the account does not use the City's logo or marks",
            ),
        ),
    ],
)
def test_a_change_in_words_has_the_words_of_each_answer(questions, words):
    assert change_in_words(edition(), [(question, "no") for question in questions]) == words


# --- By brute force -----------------------------------------------------------


def random_drafts(number: int) -> Iterator[Answers]:
    """Answers as members give them, answers by chance, and conversions with much that is left or unsure."""
    random = Random(17)  # noqa: S311 - nothing is kept secret with it
    for at in range(number):
        answers = {question: random.choice(STATES[question]) for question in STATES}
        match at % 4:
            case 0:
                answers = member(random)
            case 1:
                blank = random.random() / 2
                answers = {q: answer for q, answer in answers.items() if random.random() > blank}
            case 2:
                few = {q.id: random.choice(["yes", "no", "no", "no", UNSURE]) for q in SIGNS}
                answers |= few | {"election.use": random.choice(["planned", "now", "earlier"])}
            case 3:
                good = {q: random.choice(["yes", "yes", "yes", "no", UNSURE]) for q in STEPS}
                answers |= good | dict.fromkeys((q.id for q in SIGNS), "no")
                answers |= {"election.use": random.choice(["planned", "now", "earlier"])}
                answers |= {random.choice(SIGNS).id: random.choice(["yes", UNSURE]) for _ in range(2)}
        yield answers


SIGNS = [question for question in QUESTIONS.values() if question.together == "signs"]
STEPS = [q.id for q in QUESTIONS.values() if q.together == "steps"] + ["election.plan", "election.supported"]


class Rivals:
    """Every other set of changes that could settle a rule, tried without a thought of what can matter to it."""

    def __init__(self, advisory: Advisory, rule: Rule) -> None:
        self.advisory, self.rule, self.edition = advisory, rule, advisory.edition
        own = set(self.edition.questions_behind(rule.applies, rule.met))
        self.candidates = [
            question
            for question in self.edition.questions
            if question.id in own and question.can_change and question.id in advisory.answers
        ]
        self.asked_before = closure(self.edition, own)

    def best(self, longest: int, at_most: int, random: Random) -> Change | None:
        """The best that settles the rule. Of those of one size, at most so many are tried, chosen by chance."""
        for size in range(1, longest + 1):
            settling: dict[Outcome, Change] = {}
            changes = list(self.changes_of(size))
            if len(changes) > at_most:
                changes = [changes[at] for at in sorted(random.sample(range(len(changes)), at_most))]
            for change in changes:
                settling.setdefault(self.outcome_after(change), change)
            for outcome in SETTLED:
                if outcome in settling:
                    return settling[outcome]
        return None

    def changes_of(self, size: int) -> Iterator[Change]:
        """The sets of a size, by the questions' order, then by the values'."""
        for some in combinations(self.candidates, size):
            others = [
                [value for value in question.values if value != self.advisory.answers[question.id]]
                for question in some
            ]
            for values in product(*others):
                yield tuple(zip([question.id for question in some], values, strict=True))

    def outcome_after(self, change: Change) -> Outcome:
        over = self.advisory.election.is_over(self.advisory.as_of)
        situation = Situation(self.edition, {**self.advisory.given, **dict(change)}, campaign_over=over)
        settle_asking(self.asked_before, situation)
        return find(self.rule, situation)[0]

    def rank(self, change: Change) -> tuple[int, int, list[int], list[int]]:
        """How good a change is: its size, what it leads to, and its place. The best is the least."""
        position, question = self.edition.position, self.edition.question
        values = [question[name].values.index(value) for name, value in change]
        place = [position[name] for name, _ in change]
        return len(change), SETTLED.index(self.outcome_after(change)), place, values


def closure(edition: Edition, questions: set[str]) -> list[Question]:
    """Some questions, with those that decide whether they are asked, in the order in which they are settled."""
    wanted, waiting = set[str](), list(questions)
    while waiting:
        question = waiting.pop()
        if question not in wanted:
            wanted.add(question)
            waiting += edition.questions_behind(edition.question[question].asked)
    return [question for question in edition.asking_order if question.id in wanted]


def check_against_brute_force(advisories: Iterable[Advisory], at_most: int) -> Counter[int]:
    """Compare every change with its rivals. How many findings have a change of each size (none: 0)."""
    random, sizes = Random(4), Counter[int]()  # noqa: S311 - nothing is kept secret with it
    for advisory in advisories:
        changes = explain(advisory)
        needing = [finding for finding in advisory.findings if needs_a_change(finding)]
        assert list(changes) == [f.rule.id for f in needing if f.rule.id in changes]
        for finding in needing:
            rule, change = finding.rule, changes.get(finding.rule.id)
            rivals = Rivals(advisory, rule)
            best = rivals.best(len(change) if change else MAX_CHANGES, at_most, random)
            case = (rule.id, change, best, advisory.given)
            if change:
                after = {f.rule.id: f.outcome for f in with_changes(advisory, change).findings}
                assert after[rule.id] in SETTLED, case
                assert best is None or rivals.rank(change) <= rivals.rank(best), case
            else:
                assert best is None, case
            sizes[len(change or ())] += 1
    return sizes


def check_drafts(number: int, *, at_most: int) -> None:
    sizes = check_against_brute_force(map(advise, random_drafts(number)), at_most)
    assert min(sizes[size] for size in range(MAX_CHANGES)) > number / 20
    assert sizes[MAX_CHANGES]


def test_each_change_settles_its_rule_none_smaller_does_and_it_is_the_first_of_its_size():
    check_drafts(200, at_most=60)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_set_of_changes_at_all_is_better_than_what_is_proposed():
    check_drafts(60, at_most=100_000)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_set_of_changes_is_better_for_two_thousand_drafts():
    check_drafts(2_000, at_most=60)


# --- By brute force, in editions made by chance -------------------------------
#
# In Toronto's edition no change is ever proposed for what it lets count; in these, some are.

NAMES = ["q.a", "q.b", "q.c", "q.d", "q.e", "q.f"]
THREE = {"a": "A", "b": "B", "c": "C"}


def small_edition(
    questions: list[dict[str, Any]], facts: dict[str, str], rules: list[dict[str, Any]]
) -> Edition:
    """The small edition with more questions, and with other facts and rules."""
    content = json.loads(canonical(load_edition(MINIMAL)))
    words = {"short": "A", "paragraphs": [], "asks": "A?", "hint": "B"}
    content["questions"] += [
        {"kind": "ynu", "asked": "always", **words, **question} for question in questions
    ]
    content["sheet"]["facts"] += [{"id": name, "title": "F", "when": when} for name, when in facts.items()]
    titled = {"title": "R", "section": "account", "paragraphs": ["1"], "phrase": "r", "contact": "now"}
    content["rules"] = [{**titled, **rule} for rule in rules]
    content["advice"] = {rule["id"]: {} for rule in rules}
    return Edition.model_validate(content)


def edition_by_chance(random: Random) -> Edition:
    """An edition of six questions and three rules, in which most answers can be changed."""
    questions, leaves = [], list[str]()
    for name in NAMES:
        choices = THREE if random.random() < 0.3 else {}
        values = list(choices) or ["yes", "no"]
        asked = condition(random, leaves, depth=1) if random.random() < 0.6 else "always"
        kind = {"kind": "choice", "choices": choices, "unsure": True} if choices else {}
        marks = changeable_to(*values) if random.random() < 0.8 else {}
        questions.append({"id": name, "asked": asked, **kind, **marks})
        leaves += [f"{name} is {value}" for value in values]
    rules = []
    for at in range(3):
        force = random.choice(["must", "consider", "note"])
        applies = random.choice([condition(random, leaves), "always", "f"])
        rule = {"id": f"R{at}", "force": force, "unsure": random.choice(["ask", "check"]), "applies": applies}
        met = random.choice([condition(random, leaves), condition(random, leaves), "f"])
        rules.append(rule if force == "note" else {**rule, "met": met})
    return small_edition(questions, {"f": condition(random, leaves)}, rules)


def changeable_to(*values: str) -> dict[str, Any]:
    """The marks of a question whose answer can be changed to any of `values`."""
    return {"can_change": True, "changed": dict.fromkeys(values, "it does")}


def change_of(met: str, answers: Answers, *questions: dict[str, Any]) -> Change | None:
    """What would settle a rule that always applies, in a small edition with these questions."""
    rule = {"id": "R", "force": "must", "unsure": "check", "applies": "always", "met": met}
    return explain(advise(answers, small_edition(list(questions), {}, [rule]))).get("R")


def test_a_change_may_let_an_answer_count_that_was_given_when_its_question_was_asked():
    own = [{"id": "q.a", **changeable_to("yes")}, {"id": "q.d", **changeable_to("yes")}]
    others = [{"id": "q.b", "asked": "q.a is yes"}, {"id": "q.c"}]
    answers: Answers = {"q.a": "no", "q.b": "yes", "q.c": "no", "q.d": "no"}
    follow_up = "(q.b is yes and q.d is yes)"
    both = (("q.a", "yes"), ("q.d", "yes"))
    assert change_of(f"{follow_up} or (q.a is yes and q.c is yes)", answers, *own, *others) == both
    # What decides whether it is asked has to be the rule's own, too.
    assert change_of(follow_up, answers, *own, *others) is None


def test_an_answer_without_words_is_not_proposed():
    assert change_of("q.a is yes", {"q.a": "no"}, {"id": "q.a", **changeable_to("yes")}) == (("q.a", "yes"),)
    assert change_of("q.a is yes", {"q.a": "no"}, {"id": "q.a", **changeable_to("no")}) is None


def advisories_by_chance(editions: int, drafts: int) -> Iterator[Advisory]:
    random = Random(23)  # noqa: S311 - nothing is kept secret with it
    for _ in range(editions):
        on = edition_by_chance(random)
        for _ in range(drafts):
            answers = {n: random.choice([*on.question[n].values, UNSURE]) for n in NAMES}
            yield advise({n: answer for n, answer in answers.items() if random.random() < 0.9}, on)


def test_in_editions_made_by_chance_too_each_change_is_the_best_of_all():
    sizes = check_against_brute_force(advisories_by_chance(100, 5), at_most=100_000)
    assert min(sizes[0], sizes[1], sizes[2]) > 10
    assert sizes[3]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_in_many_editions_made_by_chance_too_each_change_is_the_best_of_all():
    assert check_against_brute_force(advisories_by_chance(300, 10), at_most=100_000)[MAX_CHANGES]


# --- How long it takes --------------------------------------------------------


def test_no_page_waits_for_what_would_change_it():
    slowest = 0.0
    for answers in random_drafts(100):
        advisory = advise(answers)
        began = time.process_time()
        explain(advisory)
        same_act(advisory)
        slowest = max(slowest, time.process_time() - began)
    assert slowest < MOST_SECONDS
