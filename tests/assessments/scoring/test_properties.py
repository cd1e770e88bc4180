"""What is true of every advisory, whatever the answers."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assessments.rendering.data import advisory_data
from assessments.scoring.advisory import Advisory
from assessments.scoring.assess import Situation, assess, settle_asking
from bulletin import shelf
from bulletin.encoding.conditions import UNSURE, Answer
from bulletin.encoding.schema import Question
from tests.tables import BASE, answers_of, edition

# The same examples on every machine and every day, so that no failure is due to chance.
steady = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow],
)

Answers = dict[str, Answer]

EDITION = edition()
QUESTIONS = [question.id for question in EDITION.questions]
DAYS = [date.fromisoformat(day) for day in ("2026-06-30", "2026-07-01", "2026-07-02", "2027-01-01")]
WAYS_OF_CITY_RESOURCES = [
    "resources.email",
    "resources.identity",
    "resources.website",
    "resources.print",
    "resources.logo",
    "resources.contact",
    "resources.devices",
    "resources.people",
]
CONDUCT = ["conduct.abuse", "conduct.workplace", "conduct.reputation", "conduct.capacities"]
WORST_FIRST = [
    "contact_commissioner",
    "action_required",
    "incomplete",
    "improvements_suggested",
    "consistent",
]


def all_answers(question: Question) -> list[Answer]:
    """All answers to one question that can make a difference."""
    unsure: list[Answer] = [UNSURE] if question.may_be_unsure else []
    match question.kind:
        case "date":
            return [*unsure, *DAYS]
        case "money":
            return [*unsure, Decimal("499.99"), Decimal("500.00"), Decimal("500.01")]
        case "choices":
            single: list[Answer] = [(choice,) for choice in question.choices]
            return [*unsure, *single, tuple(question.choices)]
        case _:
            return [*unsure, *question.values]


ANSWERS = {question.id: all_answers(question) for question in EDITION.questions}
PAIRS = [(question, answer) for question, answers in ANSWERS.items() for answer in answers]
NONE_OF_THEM = [(question, None) for question in QUESTIONS]

ORDINARY: Answers = {**answers_of(BASE["answers"]), "election.nomination_date": date(2026, 7, 2)}
CONVERSION = answers_of({"election.use": "planned", "election.supported": "yes", "election.candidate": "yes"})
UNPLANNED: Answers = {**answers_of(BASE["answers"]), **CONVERSION, "election.plan": "no"}
STARTS: list[Answers] = [
    ORDINARY,
    ORDINARY | answers_of({"resources.policies": "no"}),
    ORDINARY | answers_of({"resources.email": "yes", "influence.local": "yes", "gifts.unpaid": "yes"}),
    ORDINARY | answers_of({"election.candidate": "yes", "resources.people": "yes"}),
    ORDINARY | CONVERSION,
    UNPLANNED,
    ORDINARY | answers_of({"election.use": "now", "resources.people": "yes", "account.stage": "planned"}),
    ORDINARY | answers_of({"moderation.removes": "yes", "terms.adopted": "no"}),
]

on_some_day = st.sampled_from(DAYS)
changes = st.lists(st.sampled_from(PAIRS), max_size=30)
full = st.builds(lambda start, changed: start | dict(changed), st.sampled_from(STARTS), changes)
"""Answers to every question, some of which are not asked."""


def without_nothing(answers: dict[str, Answer | None]) -> Answers:
    return {question: answer for question, answer in answers.items() if answer is not None}


partial: st.SearchStrategy[Answers] = st.one_of(
    st.builds(
        lambda start, changed: without_nothing(start | dict(changed)),
        st.sampled_from(STARTS),
        st.lists(st.sampled_from([*PAIRS, *NONE_OF_THEM]), max_size=40),
    ),
    st.builds(dict, changes),
)
"""Answers to some of the questions, from none to nearly all."""


none_of_the_eight: Answers = dict.fromkeys(WAYS_OF_CITY_RESOURCES, "no")
of_the_eight: st.SearchStrategy[Answers] = st.sets(st.sampled_from(WAYS_OF_CITY_RESOURCES), max_size=2).map(
    lambda ways: none_of_the_eight | dict.fromkeys(ways, "yes")
)
"""Yes or no answers to all eight questions on City resources, so that the fact is settled."""


def advise(answers: Answers, day: date) -> Advisory:
    election = shelf.calendar().get("toronto-2026")
    assert election
    return assess(EDITION, answers, as_of=day, election=election)


def record_of(advisory: Advisory, *, without_ignored: bool = False) -> dict[str, Any]:
    record = advisory_data(advisory)
    if without_ignored:
        del record["ignored"]
    return record


@steady
@given(partial, changes, on_some_day)
def test_as_more_is_answered_a_settled_finding_keeps_its_outcome_or_no_longer_applies(before, added, day):
    after = dict(added) | before
    for was, now in zip(advise(before, day).findings, advise(after, day).findings, strict=True):
        if was.outcome in ("unanswered", "check", now.outcome):
            continue
        assert (was.outcome, now.outcome) == ("consistent", "not_applicable"), was.rule.id


@steady
@example(UNPLANNED, [("election.nomination_date", DAYS[2])], DAYS[1])
@given(partial, changes, on_some_day)
def test_as_more_is_answered_a_contact_may_change_its_time_but_is_neither_added_nor_removed_on_the_same_outcome(
    before, added, day
):
    after = dict(added) | before
    for was, now in zip(advise(before, day).findings, advise(after, day).findings, strict=True):
        if was.outcome == now.outcome:
            assert (was.contact is None) == (now.contact is None), was.rule.id


@steady
@given(partial, changes, on_some_day)
def test_as_more_is_answered_a_fact_that_is_known_stays_as_it_is(before, added, day):
    was, now = record_of(advise(before, day))["facts"], record_of(advise(dict(added) | before, day))["facts"]
    assert {name: now[name] for name in was if was[name] is not None} == {
        name: value for name, value in was.items() if value is not None
    }


@settings(steady, max_examples=100)
@given(full, st.permutations(QUESTIONS), on_some_day)
def test_answered_one_by_one_in_any_order_the_end_is_the_same_as_all_together(truth, order, day):
    answers: Answers = {}
    while True:
        asking = settle_asking(
            EDITION.asking_order, Situation(EDITION, answers, campaign_over=day > date(2026, 12, 31))
        )
        following = next((q for q in order if asking[q] == "asked" and q not in answers and q in truth), None)
        if following is None:
            break
        answers[following] = truth[following]
    assert record_of(advise(answers, day)) == record_of(advise(truth, day), without_ignored=True) | {
        "ignored": []
    }


@steady
@given(partial, st.randoms(use_true_random=False), on_some_day)
def test_the_order_in_which_a_document_gives_the_answers_is_of_no_matter(answers, chance, day):
    items = list(answers.items())
    chance.shuffle(items)
    assert record_of(advise(dict(items), day)) == record_of(advise(answers, day))


@steady
@given(partial, changes, on_some_day)
def test_ignored_answers_change_nothing(answers, others, day):
    advisory = advise(answers, day)
    without = {q: answer for q, answer in answers.items() if q not in advisory.ignored}
    altered = answers | {q: answer for q, answer in others if q in advisory.ignored}
    assert record_of(advise(without, day)) == record_of(advisory, without_ignored=True) | {"ignored": []}
    assert record_of(advise(altered, day)) == record_of(advisory)


@steady
@given(full, on_some_day)
def test_with_every_question_answered_no_finding_is_unanswered(answers, day):
    advisory = advise(answers, day)
    assert advisory.unanswered == ()
    assert "unanswered" not in [finding.outcome for finding in advisory.findings]


@steady
@given(partial, on_some_day)
def test_with_every_asked_question_answered_no_finding_is_unanswered(answers, day):
    advisory = advise(answers, day)
    for _ in QUESTIONS:
        answers = answers | {question: ORDINARY[question] for question in advisory.unanswered}
        advisory = advise(answers, day)
        if not advisory.unanswered:
            break
    assert "unanswered" not in [finding.outcome for finding in advisory.findings]


@steady
@given(partial, on_some_day)
def test_something_is_needed_or_to_be_looked_up_exactly_while_a_finding_waits_for_it(answers, day):
    advisory = advise(answers, day)
    outcomes = [finding.outcome for finding in advisory.findings]
    assert bool(advisory.needed) == ("unanswered" in outcomes)
    assert bool(advisory.check) == ("check" in outcomes)
    assert set(advisory.needed) <= set(advisory.unanswered) <= set(advisory.asked)
    assert {answers[question] for question in advisory.check} <= {UNSURE}


@steady
@given(partial, of_the_eight, st.sets(st.sampled_from(WAYS_OF_CITY_RESOURCES)), on_some_day)
def test_more_ways_of_using_city_resources_never_make_the_overall_better(others, eight, more, day):
    # This is only true if each of the eight is answered yes or no: see the next test.
    before = others | eight
    was, now = advise(before, day).overall, advise(before | dict.fromkeys(more, "yes"), day).overall
    assert WORST_FIRST.index(now) <= WORST_FIRST.index(was)


def test_a_city_sign_that_is_certain_ends_the_question_whether_another_is_one_and_the_overall_is_better():
    # While a sign is not answered, the result is incomplete. Once another is certain, it does not matter.
    not_answered = {
        question: answer for question, answer in ORDINARY.items() if question != "resources.email"
    }
    assert advise(not_answered, DAYS[0]).overall == "incomplete"
    assert advise(not_answered | {"resources.website": "yes"}, DAYS[0]).overall == "consistent"


@steady
@given(partial, st.sampled_from(CONDUCT), on_some_day)
def test_a_yes_for_a_no_in_conduct_leads_to_the_commissioner_whatever_the_other_answers(
    answers, question, day
):
    advisory = advise(answers | {question: "yes"}, day)
    assert advisory.overall == WORST_FIRST[0]
    assert [f.rule.id for f in advisory.contacts if question in f.rests_on and f.outcome == "ask"]


@steady
@given(partial, on_some_day)
def test_everything_is_in_the_editions_order_or_the_most_pressing_first_and_nothing_is_repeated(answers, day):
    advisory = advise(answers, day)
    record = record_of(advisory)
    rules = [rule.id for rule in EDITION.rules]
    assert [finding.rule.id for finding in advisory.findings] == rules
    assert list(advisory.facts) == list(EDITION.fact)
    contacts = {finding.rule.id: finding.contact for finding in advisory.contacts}
    forces = {rule.id: ["must", "consider", "should", "note"].index(rule.force) for rule in EDITION.rules}
    times = [None, "now", "before_filing", "before_launch"]
    assert list(contacts) == sorted(
        (rule for rule in rules if rule in contacts),
        key=lambda rule: (times.index(contacts[rule]), forces[rule]),
    )
    deadlines = {deadline.rule.id: deadline for deadline in advisory.deadlines}
    assert len(deadlines) == len(advisory.deadlines)

    def place(rule: str) -> tuple[int, date, int]:
        is_now = deadlines[rule].is_now or contacts.get(rule) == "now"
        due = deadlines[rule].due
        return 0 if is_now else 1 if due else 2, due if due and not is_now else date.max, forces[rule]

    assert list(deadlines) == sorted((rule for rule in rules if rule in deadlines), key=place)
    for questions in (
        *(record[name] for name in ("unanswered", "needed", "check", "ignored")),
        *(advisory.because(finding) for finding in advisory.findings),
    ):
        assert list(questions) == [question for question in QUESTIONS if question in questions]


@steady
@given(partial, on_some_day)
def test_the_counts_of_the_sections_add_up_to_the_score_and_those_to_the_findings(answers, day):
    advisory = advise(answers, day)
    counted = [f.outcome for f in advisory.findings if f.rule.force != "note"]
    assert advisory.score.consistent == counted.count("consistent")
    assert advisory.score.applicable == sum(
        outcome not in ("not_applicable", "unanswered", "information") for outcome in counted
    )
    assert sum(c.consistent for c in advisory.sections.values()) == advisory.score.consistent
    assert sum(c.applicable for c in advisory.sections.values()) == advisory.score.applicable
    assert advisory.complete == (not {"unanswered", "check"} & {f.outcome for f in advisory.findings})


@settings(steady, max_examples=100)
@given(partial, on_some_day)
def test_the_answers_that_a_settled_finding_rests_on_are_enough_to_settle_it(answers, day):
    advisory = advise(answers, day)
    for finding in advisory.findings:
        reasons = advisory.because(finding)
        if finding.rule.last or {None, UNSURE} & set(reasons.values()):
            continue
        again = advise(without_nothing(reasons), day).findings[advisory.findings.index(finding)]
        assert again.outcome == finding.outcome, finding.rule.id


@pytest.mark.parametrize("question", [q.id for q in EDITION.questions if q.may_be_unsure])
def test_not_sure_is_an_answer_and_so_a_question_answered_so_is_not_needed(question):
    not_sure = [advise(start | {question: UNSURE}, DAYS[0]) for start in STARTS]
    asked = [advisory for advisory in not_sure if question in advisory.asked]
    assert asked
    assert not [advisory for advisory in asked if question in advisory.unanswered]
