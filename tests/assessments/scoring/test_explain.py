"""What would settle a finding: each change does, none smaller does, and of equal ones it is the first."""

from collections.abc import Iterator
from itertools import combinations, product
from random import Random

import pytest

from assessments.rendering.data import advisory_data
from assessments.scoring.advisory import Advisory, Finding
from assessments.scoring.assess import Situation, assess, find, settle_asking
from assessments.scoring.explain import MAX_CHANGES, SETTLED, Change, explain, same_act
from assessments.scoring.part import can_be_shared, shared_part
from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.schema import Outcome, Question, Rule
from tests.assessments.scoring.test_settled import STATES, advise, member
from tests.tables import advised, advised_row, answers_of, edition, rows_of_changes

Answers = dict[str, Answer]
ROWS = list(rows_of_changes())
QUESTIONS = edition().question


def with_changes(advisory: Advisory, change: Change) -> Advisory:
    """The advisory after a change, as `manage.py advise` would give it."""
    return assess(
        edition(), {**advisory.given, **dict(change)}, as_of=advisory.as_of, election=advisory.election
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


def test_rules_that_one_change_settles_are_one_act_where_the_first_of_them_is_due():
    still_to_do = {"election.place": "yes", "election.publications": "no"}
    advisory = advised({"election.use": "now", "election.supported": "yes", **still_to_do})
    assert [deadline.rule.id for deadline in advisory.deadlines] == ["11-place", "13b", "13c-iv"]
    assert same_act(advisory) == (("11-place", "13c-iv"), ("13b",))


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
        self.advisory, self.rule = advisory, rule
        own = set(edition().questions_behind(rule.applies, rule.met))
        self.candidates = [
            question
            for question in edition().questions
            if question.id in own and question.can_change and question.id in advisory.answers
        ]
        self.asked_before = closure(own)

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
        situation = Situation(edition(), {**self.advisory.given, **dict(change)}, campaign_over=over)
        settle_asking(self.asked_before, situation)
        return find(self.rule, situation)[0]

    def rank(self, change: Change) -> tuple[int, int, list[int], list[int]]:
        """How good a change is: its size, what it leads to, and its place. The best is the least."""
        place = [edition().position[question] for question, _ in change]
        values = [QUESTIONS[question].values.index(value) for question, value in change]
        return len(change), SETTLED.index(self.outcome_after(change)), place, values


def closure(questions: set[str]) -> list[Question]:
    """Some questions, with those that decide whether they are asked, in the order in which they are settled."""
    wanted, waiting = set[str](), list(questions)
    while waiting:
        question = waiting.pop()
        if question not in wanted:
            wanted.add(question)
            waiting += edition().questions_behind(QUESTIONS[question].asked)
    return [question for question in edition().asking_order if question.id in wanted]


def check_against_brute_force(number: int, at_most: int) -> None:
    random = Random(4)  # noqa: S311 - nothing is kept secret with it
    proposed = absent = 0
    for answers in random_drafts(number):
        advisory = advise(answers)
        changes = explain(advisory)
        needing = [finding for finding in advisory.findings if needs_a_change(finding)]
        assert list(changes) == [f.rule.id for f in needing if f.rule.id in changes]
        for finding in needing:
            rule, change = finding.rule, changes.get(finding.rule.id)
            rivals = Rivals(advisory, rule)
            best = rivals.best(len(change) if change else MAX_CHANGES, at_most, random)
            if change:
                after = {f.rule.id: f.outcome for f in with_changes(advisory, change).findings}
                assert after[rule.id] in SETTLED, (rule.id, answers)
                assert best is None or rivals.rank(change) <= rivals.rank(best), (rule.id, best, answers)
            else:
                assert best is None, (rule.id, best, answers)
            proposed, absent = proposed + bool(change), absent + (change is None)
    assert min(proposed, absent) > number / 4


def test_each_change_settles_its_rule_none_smaller_does_and_it_is_the_first_of_its_size():
    check_against_brute_force(200, at_most=60)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_set_of_changes_at_all_is_better_than_what_is_proposed():
    check_against_brute_force(600, at_most=100_000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_set_of_changes_is_better_for_twenty_thousand_drafts():
    check_against_brute_force(20_000, at_most=60)
