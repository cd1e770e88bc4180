"""A share on a page or two, for the Commissioner's file: a function of what was shared and asked alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.template.loader import render_to_string
from django.utils import timezone

from assessments.reports.pdf import print_css, printed_proof
from assessments.reports.press import Enclosed, print_pdf
from assessments.reports.projection import Group, Tone
from assessments.reports.proof import RECORD_NAME, Proof
from assessments.reports.shared import BLACKED_OUT, shared_projection
from assessments.reports.typeset import Typeset, typeset
from assessments.scoring.wording import long_date
from bulletin.encoding.schema import Edition

MOST = 8
"""Points in a list; a longer one says how many more the full document has."""
MOST_WORDS = 700
"""Characters of what a member asks; the portal has it in full."""
LONGEST_NAME = 90
AT_ONCE = 100
"""Summaries in one document."""
COLUMNS = (
    ("action", "Action"),
    ("improvement", "Improvement"),
    ("ask", "Ask"),
    ("check", "Look up"),
    ("consistent", "Consistent"),
)
"""The outcomes that are counted, as a table's head names them; all others count as other."""


@dataclass(frozen=True)
class AskedFor:
    """What a member asks with a share."""

    question: str
    about: tuple[str, ...]
    needed_by: date | None


@dataclass(frozen=True)
class Points:
    """Some points under a head, and how many more there are."""

    head: str
    points: tuple[tuple[str, str], ...]
    more: int


@dataclass(frozen=True)
class Summary:
    """A share in short, in words that are fit to print."""

    heading: str
    details: tuple[tuple[str, Typeset], ...]
    tone: Tone
    headline: str
    meaning: str
    contacts: tuple[Points, ...]
    to_do: tuple[Points, ...]
    counts: tuple[tuple[str, tuple[int, ...]], ...]
    shared: tuple[str, ...]
    withheld: str
    question: tuple[Typeset, ...]
    is_cut: bool
    about: tuple[str, ...]
    more_about: int
    needed_by: str
    stamp: str
    edition: str
    proof: Proof

    @property
    def unprintable(self) -> list[str]:
        """The characters that no font of ours has, by their names."""
        written = [*(value for _, value in self.details), *self.question]
        return list(dict.fromkeys(name for one in written for name in one.unprintable))


WITHHELD = (
    "Findings, answers and notes that are not counted here were not shared, or did not come up. Nothing follows "
    "from what is not here."
)


def summarize(record: str, edition: Edition, proof: Proof, asked: AskedFor | None = None) -> Summary:
    """What a record of a share says, in short; `edition` is the one that it names."""
    told, whole = json.loads(record), shared_projection(record, edition)
    shared_on = timezone.localtime(datetime.fromisoformat(told["shared_at"]))
    words, is_cut = _cut(asked.question if asked else "")
    about = tuple(asked.about) if asked else ()
    account = " ".join(filter(None, (told["account"].get(key, "") for key in ("platform", "handle"))))
    blacked = sum(BLACKED_OUT in note for note in told["notes"].values())
    return Summary(
        heading=f"Summary: {_short(told['office'])}",
        details=(
            ("Account", typeset(_short(account) or "not named")),
            *(
                (("Member", typeset(_short(told["account"]["member"]))),)
                if told["account"].get("member")
                else ()
            ),
            ("Shared on", typeset(f"{long_date(shared_on.date())}, {shared_on:%H:%M}")),
            ("As of", typeset(whole.as_of_text)),
            ("Election", typeset(whole.election)),
        ),
        tone=whole.tone,
        headline=whole.headline,
        meaning=whole.meaning,
        contacts=_points(whole.contacts),
        to_do=_points(whole.to_do),
        counts=tuple(
            (section.title, _counted(item.outcome for item in section.items)) for section in whole.sections
        ),
        shared=(
            _many(len(told["outcomes"]), "finding"),
            _many(len(told["answers"]), "answer"),
            _many(len(told["notes"]), "note")
            + (f", words blacked out in {blacked} of them" if blacked else ""),
        ),
        withheld=WITHHELD,
        question=tuple(typeset(line) for line in words.splitlines() if line.strip()),
        is_cut=is_cut,
        about=about[:MOST],
        more_about=max(0, len(about) - MOST),
        needed_by=long_date(asked.needed_by) if asked and asked.needed_by else "",
        stamp=whole.stamp,
        edition=whole.bulletin,
        proof=proof,
    )


def summary_pdf(summary: Summary) -> bytes:
    """The PDF of a summary; it carries the record that it was made from. Raises PressError."""
    proof = summary.proof
    enclosed = Enclosed(RECORD_NAME, "application/json", proof.about, proof.record)
    return print_pdf(_html([summary]), css=print_css("summary.css"), enclosed=enclosed)


def summaries_pdf(summaries: Sequence[Summary]) -> bytes:
    """Up to 100 summaries as one document with a bookmark for each, printed at once so that it stays tagged.

    Raises PressError.
    """
    if not 0 < len(summaries) <= AT_ONCE:
        raise ValueError(f"{len(summaries)} summaries in one document; 1 to {AT_ONCE} can be")
    return print_pdf(_html(summaries), css=print_css("summary.css"), documents=len(summaries))


def _html(summaries: Sequence[Summary]) -> str:
    context = {
        "summaries": [(one, printed_proof(one.proof)) for one in summaries],
        # What is scanned stands on each summary's own paper.
        "squares": len(summaries) == 1,
        "columns": [title for _, title in COLUMNS] + ["Other"],
        "title": summaries[0].heading
        if len(summaries) == 1
        else f"{len(summaries)} summaries of what was shared",
        "created": json.loads(summaries[0].proof.record)["shared_at"][:10],
    }
    return render_to_string("share/summary_pdf.html", context)


def _points(groups: Iterable[Group]) -> tuple[Points, ...]:
    """Groups of points, cut short together."""
    found, left = [], MOST
    for group in groups:
        shown = tuple((item.citation, item.title) for item, _ in group.items[:left])
        found.append(Points(group.when, shown, len(group.items) - len(shown)))
        left -= len(shown)
    return tuple(found)


def _counted(outcomes: Iterable[str]) -> tuple[int, ...]:
    counts = Counter(outcomes)
    named = tuple(counts.pop(outcome, 0) for outcome, _ in COLUMNS)
    return (*named, counts.total())


def _cut(text: str) -> tuple[str, bool]:
    """A text's first lines and words."""
    lines = "\n".join(line for line in text.splitlines() if line.strip())
    short = "\n".join(lines.splitlines()[:10])[:MOST_WORDS]
    return short, short != lines


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
