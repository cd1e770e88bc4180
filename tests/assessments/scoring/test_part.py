"""What a shared part of an advisory says, and what it must not reveal about the rest."""

from collections import defaultdict
from itertools import chain, combinations, product

import pytest

from assessments.records.shared import redacted
from assessments.rendering.data import advisory_data
from assessments.rendering.projection import project
from assessments.scoring.advisory import Advisory
from assessments.scoring.document import Document
from assessments.scoring.part import UNSTATED, can_be_shared, shared_part
from tests.tables import advised

VARIED = {
    "account.stage": ("planned", "live"),
    "resources.email": ("yes", "no"),
    "election.use": ("none", "planned", "now"),
    "election.candidate": ("yes",),
    "election.nomination_date": ("2026-06-01", "2026-08-14"),
    "election.plan": ("no",),
    "election.registration": ("no",),
    "conduct.abuse": ("yes", "no"),
}
QUESTIONS = ("account.stage", "resources.email", "election.use", "election.nomination_date")
RULES = ("9", "12", "13a", "13c-i", "14", "17a")


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(names, many) for many in range(len(names) + 1)))


def situations() -> list[Advisory]:
    """The advisories for every combination of VARIED. All other answers are the same in each."""
    return [advised(dict(zip(VARIED, values, strict=True))) for values in product(*VARIED.values())]


def readings(part: Advisory) -> tuple[str, str]:
    """All that a reader of a part gets: its words, and its data."""
    document = Document(part.edition, part.answers, {}, {"handle": "@a"}, part.as_of, part.election)
    return repr(project(part, document)), repr(advisory_data(part))


@pytest.mark.slow
def test_what_is_shared_is_the_same_whatever_was_withheld():
    everything = situations()
    compared = 0
    for questions in subsets(QUESTIONS):
        for rules in subsets(RULES):
            alike = defaultdict(set)
            for advisory in everything:
                picked = tuple((q, advisory.answers.get(q)) for q in questions)
                outcomes = tuple(f.outcome for f in advisory.findings if f.rule.id in rules)
                part = shared_part(advisory, rules=rules, questions=questions)
                alike[picked, outcomes].add(repr(advisory_data(part)))
            compared += len(everything) - len(alike)
            assert {len(variants) for variants in alike.values()} == {1}, (questions, rules)
    assert compared > 10_000


@pytest.mark.parametrize("questions", [(), ("account.stage",), QUESTIONS])
def test_the_words_of_what_is_shared_are_the_same_too(questions):
    alike = defaultdict(set)
    for advisory in situations():
        picked = tuple((q, advisory.answers.get(q)) for q in questions)
        outcomes = tuple(f.outcome for f in advisory.findings if f.rule.id in RULES)
        alike[picked, outcomes].add(readings(shared_part(advisory, rules=RULES, questions=questions)))
    assert {len(variants) for variants in alike.values()} == {1}


def test_a_part_with_everything_picked_says_what_the_whole_says():
    for advisory in situations():
        rules = [f.rule.id for f in can_be_shared(advisory)]
        part = shared_part(advisory, rules=rules, questions=list(advisory.answers))
        assert [(f.rule, f.outcome, f.contact) for f in part.findings] == [
            (f.rule, f.outcome, f.contact) for f in can_be_shared(advisory)
        ]
        assert part.deadlines == advisory.deadlines
        assert part.overall == advisory.overall
        assert part.answers == advisory.answers
        assert (part.score, part.sections) == (advisory.score, advisory.sections)
        assert part.facts.items() <= advisory.facts.items()


@pytest.mark.parametrize("day", ["2026-08-21", "2026-08-22"])
def test_a_filing_date_that_was_shared_is_questioned_as_in_the_whole(day):
    advisory = advised({"election.candidate": "yes", "election.nomination_date": day})
    part = shared_part(advisory, rules=["12"], questions=["election.nomination_date"])
    assert part.questioned == advisory.questioned
    assert bool(part.questioned) == (day == "2026-08-22")
    assert shared_part(advisory, rules=["12"], questions=[]).questioned == ()


def test_the_closing_rule_depends_on_all_others_and_cannot_be_shared():
    advisory = advised({})
    (closing,) = [f.rule.id for f in advisory.findings if f.rule.last]
    assert closing not in [f.rule.id for f in can_be_shared(advisory)]
    assert shared_part(advisory, rules=[closing], questions=[]).findings == ()


@pytest.mark.parametrize(
    ("questions", "contact", "due"),
    [
        ((), "unstated", None),
        (("account.stage",), "unstated", None),
        (("account.stage", "election.use"), "unstated", None),
        (("account.stage", "election.use", "election.nomination_date"), "before_filing", "2026-08-14"),
    ],
)
def test_a_time_is_given_only_if_the_answers_that_decide_it_are_shared(questions, contact, due):
    wished = advised(
        {
            "resources.email": "yes",
            "election.use": "planned",
            "election.candidate": "yes",
            "election.nomination_date": "2026-08-14",
            "election.plan": "no",
        }
    )
    part = shared_part(wished, rules=["13a"], questions=questions)
    assert [f.contact for f in part.findings] == [contact]
    (deadline,) = part.deadlines
    assert (deadline.due and deadline.due.isoformat()) == due
    assert (deadline.text == UNSTATED) is (due is None)
    assert part.overall == "contact_commissioner"


def test_a_finding_rests_on_the_picked_answers_alone_whether_or_not_they_decided_it():
    part = shared_part(advised({"resources.email": "yes"}), rules=["9"], questions=["resources.logo"])
    (finding,) = part.findings
    assert set(finding.rests_on) <= {"resources.logo"}
    assert part.answers == {"resources.logo": "no"}
    assert "uses_city_resources" not in part.facts


@pytest.mark.parametrize(
    ("words", "redacted_note"),
    [
        (("Pat Lee", "Lee Roy"), "Met [blacked out] in May, and lee."),
        (("Roy", "LEE"), "Met Pat [blacked out] [blacked out] in May, and [blacked out]."),
        (("Met", "ac"), "[blacked out] Pat Lee Roy in May, and lee."),
        ((), "Met Pat Lee Roy in May, and lee."),
    ],
)
def test_of_words_to_black_out_that_overlap_nothing_stays(words, redacted_note):
    assert redacted("Met Pat Lee Roy in May, and lee.", words) == redacted_note
