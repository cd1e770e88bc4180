"""A share on one or two pages, for the Commissioner's file. It depends only on what was shared and asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.template.loader import render_to_string
from django.utils import timezone

from assessments.pdf.authenticity import RECORD_NAME, Proof
from assessments.pdf.press import Enclosed, print_collection, print_pdf
from assessments.pdf.typeset import Typeset, typeset
from assessments.records.clock import moment_in_words
from assessments.records.desk_facts import account_of
from assessments.records.shared import BLACKED_OUT, shared_projection
from assessments.rendering.documents import print_css, printed_proof
from assessments.rendering.findings import Group, Item, Tone
from assessments.scoring.wording import long_date
from bulletin.encoding.schema import Edition

MAX_POINTS = 8
"""Points in a list; a longer list says how many more the full document has."""
MAX_CHARACTERS, MAX_LINES = 600, 8
"""Characters and lines of the member's question; the portal shows all of it."""
MAX_TITLES = 4
"""Findings that the question names."""
MAX_NAME = 60
"""Characters of a name."""
ROOM = 50
"""Lines that two pages have for the question and for both lists."""
OUR_LINE, WRITTEN_LINE, COLUMN_LINE = 105, 60, 30
"""Characters that always fit on a line: of our own words, of what anybody writes, and of names in a column."""
MAX_SUMMARIES = 100
"""Summaries in one document."""
COLUMNS = (
    ("action", "Action needed"),
    ("improvement", "Should change"),
    ("ask", "Ask"),
    ("check", "To check"),
    ("consistent", "Consistent"),
)
"""The outcomes that have a column in the table of counts, and its heading. All others share one column."""


@dataclass(frozen=True)
class AskedFor:
    """What a member asks with a share: `about` are the titles of findings."""

    question: str
    about: tuple[str, ...]
    needed_by: date | None


@dataclass(frozen=True)
class PointGroup:
    """Points with the same time, such as "Now": each a finding with what to do or to ask."""

    heading: str
    points: tuple[tuple[Item, str], ...]


@dataclass(frozen=True)
class PointList:
    """The first points in order of time, and how many more there are."""

    groups: tuple[PointGroup, ...]
    more: int


@dataclass(frozen=True)
class Summary:
    """A short form of a share, in words that our fonts can print."""

    title: str
    bookmark: str
    office: Typeset
    details: tuple[tuple[str, Typeset], ...]
    tone: Tone
    headline: str
    meaning: str
    contacts: PointList
    to_do: PointList
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
        """The names of the characters that none of our fonts has."""
        texts = [self.office, *(value for _, value in self.details), *self.question]
        return list(dict.fromkeys(name for text in texts for name in text.unprintable))


WITHHELD = "Other points, answers and notes were not shared or do not apply. Draw no conclusions from that."


def summarize(record: str, edition: Edition, proof: Proof, asked: AskedFor | None = None) -> Summary:
    """The summary of a share's record; `edition` is the edition that the record names."""
    content, projection = json.loads(record), shared_projection(record, edition, asks=asked is not None)
    shared_on = timezone.localtime(datetime.fromisoformat(content["shared_at"]))
    question, is_cut = _cut(asked.question if asked else "")
    about = asked.about if asked else ()
    office, member = _fitted(content["office"]), _fitted(content["account"].get("member", ""))
    account = _fitted(account_of(content))
    blacked_out = sum(BLACKED_OUT in note for note in content["notes"].values())
    room = ROOM - sum(1 + len(line.text) // WRITTEN_LINE for line in question)
    # The lines around the question, such as its heading.
    room -= 4 if question else 0
    # The office counts twice: it is in the heading, where a line is twice as high.
    room -= sum(len(name.text) // COLUMN_LINE for name in (office, office, account, member))
    contacts, room = _listed(projection.contacts, room)
    to_do, _ = _listed(projection.to_do, room)
    names = [name.text.replace("\u200b", "") for name in (office, account) if name.text]
    day = long_date(shared_on.date())
    return Summary(
        title=f"Summary of a shared self-check: {', '.join(names)}, {day}",
        bookmark=", ".join([*names, day]),
        office=office,
        details=(
            ("Account", account if account.text else Typeset("not named")),
            *((("Member", member),) if member.text else ()),
            ("Shared on", Typeset(moment_in_words(shared_on))),
            ("As of", Typeset(projection.as_of_text)),
            ("Election", Typeset(projection.election)),
        ),
        tone=projection.tone,
        headline=projection.headline,
        meaning=projection.meaning,
        contacts=contacts,
        to_do=to_do,
        counts=tuple(
            (section.title, _counted(item.outcome for item in section.items))
            for section in projection.sections
        ),
        shared=(
            _number(len(content["outcomes"]), "finding"),
            _number(len(content["answers"]), "answer"),
            _number(len(content["notes"]), "note")
            + (f", words blacked out in {blacked_out} of them" if blacked_out else ""),
        ),
        withheld=WITHHELD,
        question=question,
        is_cut=is_cut,
        about=about[:MAX_TITLES],
        more_about=max(0, len(about) - MAX_TITLES),
        needed_by=long_date(asked.needed_by) if asked and asked.needed_by else "",
        stamp=projection.stamp,
        edition=projection.bulletin,
        proof=proof,
    )


def summary_pdf(summary: Summary) -> bytes:
    """The PDF of a summary, with the record that it was made from embedded. Raises PressError."""
    proof = summary.proof
    enclosed = Enclosed(RECORD_NAME, "application/json", proof.about, proof.record)
    return print_pdf(_html([summary]), css=print_css("summary.css"), enclosed=enclosed)


def summaries_pdf(summaries: Sequence[Summary]) -> bytes:
    """Up to 100 summaries as one document with a bookmark for each. Raises PressError.

    They are printed together, not joined afterwards, so that the document stays tagged.
    """
    if not 0 < len(summaries) <= MAX_SUMMARIES:
        raise ValueError(f"{len(summaries)} summaries in one document; 1 to {MAX_SUMMARIES} can be")
    return print_collection(_html(summaries), documents=len(summaries), css=print_css("summary.css"))


def _html(summaries: Sequence[Summary]) -> str:
    context = {
        "summaries": [(summary, printed_proof(summary.proof)) for summary in summaries],
        # The QR code is only on a summary that is printed by itself.
        "squares": len(summaries) == 1,
        "columns": [title for _, title in COLUMNS] + ["Other"],
        "title": summaries[0].title
        if len(summaries) == 1
        else f"Summaries of {len(summaries)} shared self-checks",
        "created": timezone.localdate(
            datetime.fromisoformat(json.loads(summaries[0].proof.record)["shared_at"])
        ),
    }
    return render_to_string("sharing/summary_pdf.html", context)


def _listed(groups: Sequence[Group], room: int) -> tuple[PointList, int]:
    """The first points that fit into `room` lines, and the lines that are left."""
    shown_groups: list[PointGroup] = []
    left = MAX_POINTS
    for group in groups:
        room -= 2  # its heading
        shown = []
        for item, text in group.items:
            lines = 1 + len(f"{item.citation} {item.title}: {text}") // OUR_LINE
            if not left or lines > room:
                # Nothing that is due later may be listed in place of this point.
                left = 0
                break
            shown.append((item, text))
            left, room = left - 1, room - lines
        if shown:
            shown_groups.append(PointGroup(group.when, tuple(shown)))
    count = sum(len(group.points) for group in shown_groups)
    return PointList(tuple(shown_groups), sum(len(group.items) for group in groups) - count), room


def _counted(outcomes: Iterable[str]) -> tuple[int, ...]:
    counts = Counter(outcomes)
    columns = tuple(counts.pop(outcome, 0) for outcome, _ in COLUMNS)
    return (*columns, counts.total())


def _cut(text: str) -> tuple[tuple[Typeset, ...], bool]:
    """A text's first lines, fit to print, and whether there is more.

    Characters are counted as printed: the name of a character that no font has is far longer than the character.
    """
    lines = [typeset(line) for line in text.splitlines() if line.strip()]
    kept, left = [], MAX_CHARACTERS
    for line in lines[:MAX_LINES]:
        if left > 0:
            kept.append(_shortened(line, left))
            left -= len(line.text)
    return tuple(kept), kept != lines


def _fitted(text: str) -> Typeset:
    """A name fit to print on a line or two."""
    whole = typeset(" ".join(text.split()))
    short = _shortened(whole, MAX_NAME)
    return short if short == whole else replace(short, text=f"{short.text}…")


def _shortened(whole: Typeset, longest: int) -> Typeset:
    """A text cut to `longest` characters: at the end of a word if one is near, never within a character's name."""
    if len(whole.text) <= longest:
        return whole
    short = whole.text[:longest]
    if whole.unprintable and short.rfind("[") > short.rfind("]"):
        short = short[: short.rfind("[")]
    elif (end := short.rfind(" ")) > longest - 40:
        short = short[:end]
    short = short.rstrip()
    names = tuple(name for name in whole.unprintable if f"[{name}]" in short)
    return replace(whole, text=short, unprintable=names)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
