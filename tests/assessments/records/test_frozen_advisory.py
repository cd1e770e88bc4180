"""An advisory read back from its record is the advisory that was frozen."""

import json
from dataclasses import replace
from typing import Any

import pytest

from assessments.records.attested import canonical
from assessments.records.frozen_advisory import advisory_from
from assessments.rendering.data import advisory_data
from assessments.scoring.advisory import Advisory, Finding
from assessments.scoring.part import can_be_shared, shared_part
from tests.tables import advised_row, rows_of_rules, rows_of_situations

SITUATIONS = rows_of_situations()


def read_back(advisory: Advisory) -> Advisory:
    return advisory_from(
        json.loads(canonical(advisory_data(advisory))),
        advisory.edition,
        as_of=advisory.as_of,
        election=advisory.election,
        answers=advisory.given,
        is_part=advisory.is_part,
    )


def without_the_way(advisory: Advisory) -> Advisory:
    """The advisory but for what keeps its findings open, which only scoring and drafts use."""
    findings = tuple(Finding(*f[:4], frozenset(), f.decided_by) for f in advisory.findings)
    return replace(advisory, findings=findings, pending={})


def assert_reads_back(advisory: Advisory) -> None:
    assert without_the_way(read_back(advisory)) == without_the_way(advisory)
    assert advisory_data(read_back(advisory)) == advisory_data(advisory)


@pytest.mark.parametrize("row", SITUATIONS, ids=[row["case"] for row in SITUATIONS])
def test_the_advisory_of_each_situation_is_read_back_whole_and_in_part(row: dict[str, Any]):
    advisory = advised_row(row)
    if not advisory.unanswered:
        assert_reads_back(advisory)
    rules = [finding.rule.id for finding in can_be_shared(advisory)]
    part = shared_part(advisory, rules=rules[::2], questions=list(advisory.answers)[::3])
    assert_reads_back(part)


def test_the_advisory_of_each_rules_case_is_read_back():
    complete = 0
    for _, row in rows_of_rules():
        advisory = advised_row(row)
        if not advisory.unanswered:
            assert_reads_back(advisory)
            complete += 1
    assert complete > 100
