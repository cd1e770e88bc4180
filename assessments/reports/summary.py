"""A share on a page or two, for the Commissioner's file: a function of what was shared and asked alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.template.loader import render_to_string
from django.utils import timezone

from assessments.pdf.authenticity import RECORD_NAME, Proof
from assessments.pdf.press import Enclosed, print_pdf
from assessments.pdf.typeset import Typeset, typeset
from assessments.records.desk_facts import account_of
from assessments.records.shared import BLACKED_OUT, shared_projection
from assessments.rendering.documents import print_css, printed_proof
from assessments.rendering.projection import Group, Item, Tone
from assessments.scoring.wording import long_date
from bulletin.encoding.schema import Edition

MOST = 8
"""Points in a list; a longer one says how many more the full document has."""
MOST_WORDS, MOST_LINES = 600, 8
"""Characters and lines of what a member asks; the portal has it in full."""
MOST_TITLES = 4
"""Findings that a question names."""
LONGEST_NAME = 60
ROOM = 50
"""Lines that two pages have for what is asked and for both lists."""
WIDE, WIDEST, COLUMN = 105, 60, 30
"""Characters that a line surely holds: of our own words, of whatever anybody writes, and of names in a column."""
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
    """Points that share a time."""

    head: str
    points: tuple[tuple[Item, str], ...]


@dataclass(frozen=True)
class Listed:
    """The first of some points, by their time, and how many more there are."""

    groups: tuple[Points, ...]
    more: int


@dataclass(frozen=True)
class Summary:
    """A share in short, in words that are fit to print."""

    title: str
    bookmark: str
    office: Typeset
    details: tuple[tuple[str, Typeset], ...]
    tone: Tone
    headline: str
    meaning: str
    contacts: Listed
    to_do: Listed
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
        written = [self.office, *(value for _, value in self.details), *self.question]
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
    about = asked.about if asked else ()
    given = told["account"]
    office, member = _fitted(told["office"]), _fitted(given.get("member", ""))
    account = _fitted(account_of(told))
    blacked = sum(BLACKED_OUT in note for note in told["notes"].values())
    room = ROOM - sum(1 + len(line.text) // WIDEST for line in words)
    # What stands around a question.
    room -= 4 if words else 0
    # The office stands in the heading, where a line is twice as high.
    room -= sum(len(one.text) // COLUMN for one in (office, office, account, member))
    contacts, room = _listed(whole.contacts, room)
    to_do, _ = _listed(whole.to_do, room)
    named = [one.text.replace("\u200b", "") for one in (office, account) if one.text]
    day = long_date(shared_on.date())
    return Summary(
        title=f"Summary of a part that was shared: {', '.join(named)}, {day}",
        bookmark=", ".join([*named, day]),
        office=office,
        details=(
            ("Account", account if account.text else Typeset("not named")),
            *((("Member", member),) if member.text else ()),
            ("Shared on", Typeset(f"{day}, {shared_on:%H:%M}")),
            ("As of", Typeset(whole.as_of_text)),
            ("Election", Typeset(whole.election)),
        ),
        tone=whole.tone,
        headline=whole.headline,
        meaning=whole.meaning,
        contacts=contacts,
        to_do=to_do,
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
        question=words,
        is_cut=is_cut,
        about=about[:MOST_TITLES],
        more_about=max(0, len(about) - MOST_TITLES),
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
        "title": summaries[0].title
        if len(summaries) == 1
        else f"Summaries of {len(summaries)} parts that were shared",
        "created": json.loads(summaries[0].proof.record)["shared_at"][:10],
    }
    return render_to_string("sharing/summary_pdf.html", context)


def _listed(groups: Sequence[Group], room: int) -> tuple[Listed, int]:
    """The first points that have room, in lines; and the room that is left."""
    found: list[Points] = []
    left = MOST
    for group in groups:
        room -= 2  # its head
        shown = []
        for item, says in group.items:
            lines = 1 + len(f"{item.citation} {item.title}: {says}") // WIDE
            if not left or lines > room:
                # What comes later is not told before it.
                left = 0
                break
            shown.append((item, says))
            left, room = left - 1, room - lines
        if shown:
            found.append(Points(group.when, tuple(shown)))
    more = sum(len(group.items) for group in groups) - sum(len(group.points) for group in found)
    return Listed(tuple(found), more), room


def _counted(outcomes: Iterable[str]) -> tuple[int, ...]:
    counts = Counter(outcomes)
    named = tuple(counts.pop(outcome, 0) for outcome, _ in COLUMNS)
    return (*named, counts.total())


def _cut(text: str) -> tuple[tuple[Typeset, ...], bool]:
    """A text's first lines, fit to print, and whether there was more.

    Counted as printed, since the name of a character takes far more room than the character.
    """
    lines = [typeset(line) for line in text.splitlines() if line.strip()]
    kept, left = [], MOST_WORDS
    for line in lines[:MOST_LINES]:
        if left > 0:
            kept.append(_shortened(line, left))
            left -= len(line.text)
    return tuple(kept), kept != lines


def _fitted(text: str) -> Typeset:
    """A name fit to print on a line or two."""
    whole = typeset(" ".join(text.split()))
    short = _shortened(whole, LONGEST_NAME)
    return short if short == whole else replace(short, text=f"{short.text}…")


def _shortened(whole: Typeset, most: int) -> Typeset:
    """The beginning of a text, up to a word's end if one is near, and never within a character's name."""
    if len(whole.text) <= most:
        return whole
    short = whole.text[:most]
    if whole.unprintable and short.rfind("[") > short.rfind("]"):
        short = short[: short.rfind("[")]
    elif (end := short.rfind(" ")) > most - 40:
        short = short[:end]
    short = short.rstrip()
    names = tuple(name for name in whole.unprintable if f"[{name}]" in short)
    return replace(whole, text=short, unprintable=names)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
