"""Moments on Toronto's clock, in summer, in winter, and when clocks change."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.template import Context, Template

from assessments.records.clock import day_in_pdf, moment_in_json, moment_in_table, moment_in_words

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"


@pytest.mark.parametrize(
    ("moment", "words", "table", "json"),
    [
        (
            datetime(2026, 11, 30, 2, 30, tzinfo=UTC),
            "29 November 2026, 21:30 EST",
            "2026-11-29 21:30 EST",
            "2026-11-29T21:30:00-05:00",
        ),
        (
            datetime(2026, 7, 1, 15, 0, tzinfo=UTC),
            "1 July 2026, 11:00 EDT",
            "2026-07-01 11:00 EDT",
            "2026-07-01T11:00:00-04:00",
        ),
        # The hour that comes twice.
        (
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
            "1 November 2026, 01:30 EDT",
            "2026-11-01 01:30 EDT",
            "2026-11-01T01:30:00-04:00",
        ),
        (
            datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
            "1 November 2026, 01:30 EST",
            "2026-11-01 01:30 EST",
            "2026-11-01T01:30:00-05:00",
        ),
    ],
)
def test_a_moment_has_torontos_zone(moment, words, table, json):
    assert (moment_in_words(moment), moment_in_table(moment), moment_in_json(moment)) == (words, table, json)


def test_the_date_of_a_document_has_its_offset():
    assert day_in_pdf(date(2026, 5, 10)) == "2026-05-10T00:00:00-04:00"
    assert day_in_pdf(date(2026, 12, 1)) == "2026-12-01T00:00:00-05:00"


SAVED_JUST_NOW = {"assessments/_saved.html", "assessments/_question_problems.html"}
"""Beside a question, a time says how long ago something was saved."""


def test_every_template_says_a_moment_with_its_zone():
    without = {
        str(path.relative_to(TEMPLATES))
        for path in TEMPLATES.rglob("*.*")
        if re.search(r"""(?:\||now )(?:date|time)?:?["'][^"']*[GHgh]:i""", path.read_text())
    }
    assert without == SAVED_JUST_NOW


def test_the_filter_of_templates_says_a_moment_and_nothing_of_none():
    at = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
    shown = Template("{% load words %}{{ at|moment }}, {{ nothing|moment }}.").render(Context({"at": at}))
    assert shown == "1 July 2026, 11:00 EDT, ."
