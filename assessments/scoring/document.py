"""Read an answers document from bytes that anyone may have written, or report every fault in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from bulletin.encoding.carry import LeftBehind, carry
from bulletin.encoding.conditions import Answer
from bulletin.encoding.elections import Calendar, Election
from bulletin.encoding.nearest import nearest
from bulletin.encoding.schema import Edition

from assessments.typed.mending import mended_json, mended_line, mended_text

from .answers import MAX_NOTE, AnswerError, plain, read_answer, read_day, shown, too_long

MAX_BYTES = 1_000_000
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The first bytes of a file that Notepad saved as “Unicode”."""
MAX_FAULTS = 200
"""Faults that are listed; the rest are counted. A mistake in every answer and every note makes fewer."""
MAX_ACCOUNT_TEXT = 200
"""Characters in a platform, a handle or a member's name."""
KEYS = (
    "edition", "revision", "account", "answers", "notes", "as_of", "election", "campaign_ends", "voting_day",
)  # fmt: skip
ACCOUNT_KEYS = ("platform", "handle", "member")


class DocumentFaults(Exception):
    """The bytes are not a valid answers document. `faults` has a line for each fault: place, value, what to write."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Document:
    """A valid answers document. `answers` and `notes` are by question; `answers` has no entry without an answer.

    `voting_day` and `campaign_ends` are as the document gives them; `election` has them already. A document of an
    earlier revision is carried over to `edition`: `left_behind` has the answers that were not, by the earlier
    question, and `changed` the questions whose words changed since.
    """

    edition: Edition
    answers: Mapping[str, Answer]
    notes: Mapping[str, str] = field(default_factory=dict)
    account: Mapping[str, str] = field(default_factory=dict)
    as_of: date | None = None
    election: Election | None = None
    voting_day: date | None = None
    campaign_ends: date | None = None
    left_behind: tuple[LeftBehind, ...] = ()
    changed: frozenset[str] = frozenset()


class _Faults(list[str]):
    def __init__(self) -> None:
        super().__init__()
        self.unlisted = 0

    def add(self, place: str, value: Any, message: str, *, known: Iterable[str] = ()) -> None:
        """Add a fault, and suggest the name in `known` that is nearest to `value`."""
        if len(self) >= MAX_FAULTS:  # finding the nearest name for each fault would take minutes
            self.unlisted += 1
            return
        hint = nearest(value, known) if isinstance(value, str) else ""
        self.append(f"{place}: {shown(value)}: {message}{hint}")

    def lines(self) -> list[str]:
        return [*self, f"and {self.unlisted:,} more faults"] if self.unlisted else list(self)


class _WithRepeats(dict[str, Any]):
    """A JSON object that has some keys more than once: those in `repeated`."""

    repeated: list[str]


def parse_json(raw: bytes) -> Any:
    """Parse JSON, with numbers as Decimal. Raises DocumentFaults, naming the place of the fault."""
    if len(raw) > MAX_BYTES:
        raise DocumentFaults([f"the document has over {MAX_BYTES:,} bytes; at most that many are read"])
    try:
        # Notepad marks the encoding at the beginning of a file.
        text = raw.decode("utf-16" if raw.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        byte = raw[error.start]
        raise DocumentFaults(
            [f"line {line} column {column}: byte 0x{byte:02X} is not UTF-8; save the document as UTF-8"]
        ) from None
    try:
        try:
            return _parsed(text)
        except json.JSONDecodeError as error:
            message = _not_json(text, error)
        return _parsed(mended_json(text))
    except json.JSONDecodeError:
        raise DocumentFaults([message]) from None
    except RecursionError:
        raise DocumentFaults(
            ["not an answers document: brackets inside brackets, too deep to read"]
        ) from None


def _parsed(text: str) -> Any:
    # NaN and Infinity are read as numbers, too. No key accepts them, so the fault names the key.
    # Not strict, because mail programs break lines within a note.
    return json.loads(
        text,
        parse_float=_number,
        parse_int=_number,
        parse_constant=Decimal,
        object_pairs_hook=_object_of,
        strict=False,
    )


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    """The fault of a text that is not JSON: where it is, and what to do."""
    near = shown(text[error.pos : error.pos + 20]) if error.pos < len(text) else "the end"
    if re.search("[“”„]", text):
        return (
            f"line {error.lineno} column {error.colno}: {near}: an email program or word processor changed the "
            f"quotation marks; use the original file"
        )
    return f"line {error.lineno} column {error.colno}: {near}: not JSON ({error.msg})"


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) == len(pairs):
        return unique
    counts = Counter(key for key, _ in pairs)
    with_repeats = _WithRepeats(unique)
    with_repeats.repeated = [key for key in unique if counts[key] > 1]
    return with_repeats


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except (
        InvalidOperation
    ):  # the exponent has too many digits; Infinity is out of every range, so it is refused later
        return Decimal("Infinity")


def read_document(raw: bytes, editions: Mapping[str, Edition], calendar: Calendar) -> Document:
    """Read an answers document. Raises DocumentFaults with a line for every fault.

    The answers of a document of an earlier revision are carried over; one that cannot be is no fault.
    """
    fields = parse_json(raw)
    if not isinstance(fields, dict):
        raise DocumentFaults(
            [f'{shown(fields)}: not an answers document, which looks like {{"edition": …, "answers": …}}']
        )
    faults = _Faults()
    _check_keys(fields, faults)
    edition = _edition(fields, editions, faults)
    old = _revision(fields.get("revision"), edition, faults) if edition else None
    account = _account(fields.get("account"), faults)
    as_of = _day(fields, "as_of", faults)
    voting_day, campaign_ends = _day(fields, "voting_day", faults), _day(fields, "campaign_ends", faults)
    election = _election(fields.get("election"), calendar, faults)
    if election:
        if voting_day and not election.undated:
            faults.add("voting_day", fields["voting_day"], wrong_election(calendar))
        election = election.with_dates(voting_day=voting_day, campaign_ends=campaign_ends)
    raw_answers, raw_notes = _object(fields, "answers", faults), _object(fields, "notes", faults)
    answers: Mapping[str, Answer] = {}
    notes: Mapping[str, str] = {}
    left_behind: tuple[LeftBehind, ...] = ()
    changed: frozenset[str] = frozenset()
    if edition and old:
        answers, raw_notes, left_behind, changed = _carried(raw_answers, raw_notes, old, edition)
    elif edition:
        answers = _answers(raw_answers, edition, faults)
    if edition:
        notes = _notes(raw_notes, edition, faults)
    if faults or not edition:
        raise DocumentFaults(faults.lines())
    return Document(
        edition, answers, notes, account, as_of, election, voting_day, campaign_ends, left_behind, changed
    )


def election_for(
    document: Document,
    calendar: Calendar,
    *,
    as_of: date,
    election: Election | None = None,
    voting_day: date | None = None,
    campaign_ends: date | None = None,
) -> Election:
    """The election of a document, with its days. The rest of the arguments stand in for what it does not say.

    Raises DocumentFaults if the document gives a voting day to an election that has one.
    """
    ends = document.campaign_ends or campaign_ends
    if document.election:
        # A voting day beside another election, without one that it could go with, was meant for this one.
        if voting_day and election is None and not document.election.undated:
            raise DocumentFaults([f'voting_day: "{voting_day}": {wrong_election(calendar)}'])
        return document.election.with_dates(voting_day=document.voting_day or voting_day, campaign_ends=ends)
    chosen = election or calendar.default_for(as_of)
    voting_day = document.voting_day or voting_day
    if voting_day and not chosen.undated:
        raise DocumentFaults([f'voting_day: "{voting_day}": {wrong_election(calendar)}'])
    return chosen.with_dates(voting_day=voting_day, campaign_ends=ends)


def wrong_election(calendar: Calendar) -> str:
    """The message about a voting day of an election that has one already."""
    undated = " or ".join(f'"{election.id}"' for election in calendar.elections if election.undated)
    return (
        f'the calendar has the voting day of this election; leave it out, or give "election": {undated}'
        if undated
        else "the calendar has the voting day of every election; leave it out"
    )


def _check_keys(fields: dict[str, Any], faults: _Faults) -> None:
    for key in fields:
        if key not in KEYS:
            faults.add("document", key, "unknown key", known=KEYS)
    for place, part in [
        ("document", fields),
        *((key, fields.get(key)) for key in ("account", "answers", "notes")),
    ]:
        for key in part.repeated if isinstance(part, _WithRepeats) else ():
            faults.add(place, key, "occurs twice; keep one")
    if "answers" not in fields:
        faults.add(
            "answers", None, 'the document has no answers; {"answers": {}} is a document with none yet'
        )


def _answers(raw: dict[str, Any], edition: Edition, faults: _Faults) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for question, value in _known(raw, "answers", edition, faults):
        try:
            answer = read_answer(edition.question[question], value)
        except AnswerError as error:
            faults.add(f"answers.{question}", value, str(error))
        else:
            if answer is not None:
                answers[question] = answer
    return answers


def _notes(raw: dict[str, Any], edition: Edition, faults: _Faults) -> dict[str, str]:
    notes: dict[str, str] = {}
    for question, value in _known(raw, "notes", edition, faults):
        if value is None:
            continue
        if not isinstance(value, str):
            faults.add(f"notes.{question}", value, "a note is a text")
        elif message := too_long(note := mended_text(value), longest=MAX_NOTE):
            faults.add(f"notes.{question}", value, message)
        elif note:
            notes[question] = note
    return notes


def _read_earlier(raw: dict[str, Any], old: Edition) -> tuple[dict[str, Answer], list[LeftBehind]]:
    """The valid answers to questions of an earlier revision, and all others with what is wrong with them."""
    unknown = [name for name in raw if name not in old.question]
    unread = [
        LeftBehind(
            plain(name), f"revision {old.sheet.revision} has no such question{nearest(name, old.question)}"
        )
        for name in unknown[:MAX_FAULTS]
    ]
    if len(unknown) > MAX_FAULTS:  # finding the nearest name for each would take minutes
        unread.append(LeftBehind("", f"and {len(unknown) - MAX_FAULTS:,} more names"))
    answers: dict[str, Answer] = {}
    for name, value in raw.items():
        if name in old.question:
            try:
                answer = read_answer(old.question[name], value)
            except AnswerError as error:
                unread.append(LeftBehind(name, f"{shown(value)}: {error}"))
            else:
                if answer is not None:
                    answers[name] = answer
    return answers, unread


def _carried(
    raw_answers: dict[str, Any], raw_notes: dict[str, Any], old: Edition, edition: Edition
) -> tuple[Mapping[str, Answer], dict[str, Any], tuple[LeftBehind, ...], frozenset[str]]:
    """The answers and notes of an earlier revision by the later questions, what is left behind, and what changed."""
    answers, unread = _read_earlier(raw_answers, old)
    carried = carry(old, edition, answers)
    left_behind = [*carried.left_behind, *unread]
    named = {left.question for left in left_behind}
    notes: dict[str, Any] = {}
    for name, note in raw_notes.items():
        if name in carried.names:
            notes[carried.names[name]] = note
        elif plain(name) not in named and note is not None and len(left_behind) < 2 * MAX_FAULTS:
            left_behind.append(LeftBehind(plain(name), "Its note has no question to go with."))
    return carried.answers, notes, tuple(left_behind), carried.changed


def _known(raw: dict[str, Any], place: str, edition: Edition, faults: _Faults) -> list[tuple[str, Any]]:
    """The entries whose keys are questions of the edition. Any other key is a fault."""
    for name in raw:
        if name not in edition.question:
            faults.add(place, name, f"{edition.id} has no such question", known=edition.question)
    return [(name, value) for name, value in raw.items() if name in edition.question]


def _object(fields: dict[str, Any], key: str, faults: _Faults) -> dict[str, Any]:
    value = fields.get(key)
    if value is not None and not isinstance(value, dict):
        faults.add(key, value, 'write an object here: {"resources.email": …}')
    return value if isinstance(value, dict) else {}


def _edition(fields: dict[str, Any], editions: Mapping[str, Edition], faults: _Faults) -> Edition | None:
    name = fields.get("edition")
    edition = editions.get(name) if isinstance(name, str) else None
    if edition is None and name is None:
        faults.append(f"edition: the document names no edition; there is {', '.join(editions)}")
        return None
    if edition is None:
        faults.add("edition", name, f"no such edition; there is {', '.join(editions)}", known=editions)
        return None
    return edition


def _revision(number: Any, edition: Edition, faults: _Faults) -> Edition | None:
    """The earlier revision that a document is of. None for the newest, which is meant if it names none."""
    newest, is_number = edition.sheet.revision, isinstance(number, Decimal)
    if number is None or (is_number and number == newest):
        return None
    if is_number and number in edition.earlier:
        return edition.earlier[int(number)]
    revisions = [*map(str, edition.earlier), str(newest)]
    there = f"revision{'s' * (len(revisions) > 1)} {' and '.join(revisions)}"
    faults.add("revision", number, f"{edition.id} is here in {there}; a newer file needs a newer portal")
    return None


def _account(value: Any, faults: _Faults) -> dict[str, str]:
    account: dict[str, str] = {}
    if value is not None and not isinstance(value, dict):
        faults.add("account", value, 'write an object here: {"platform": …, "handle": …, "member": …}')
    for key, text in (value if isinstance(value, dict) else {}).items():
        if key not in ACCOUNT_KEYS:
            faults.add("account", key, "unknown key", known=ACCOUNT_KEYS)
        elif text is None:
            continue
        elif not isinstance(text, str):
            faults.add(f"account.{key}", text, "write a text here")
        elif message := too_long(line := mended_line(text), longest=MAX_ACCOUNT_TEXT):
            faults.add(f"account.{key}", text, message)
        elif line:
            account[key] = line
    return account


def _day(fields: dict[str, Any], key: str, faults: _Faults) -> date | None:
    value = fields.get(key)
    if value is None:
        return None
    try:
        return read_day(value)
    except AnswerError as error:
        faults.add(key, value, str(error))
        return None


def _election(value: Any, calendar: Calendar, faults: _Faults) -> Election | None:
    if value is None:
        return None
    election = calendar.get(value) if isinstance(value, str) else None
    if election is None:
        faults.add("election", value, unknown_election(value, calendar))
    return election


def unknown_election(name: Any, calendar: Calendar) -> str:
    """The message about an election that the calendar does not have."""
    known = [election.id for election in calendar.elections]
    hint = nearest(name, known) if isinstance(name, str) else ""
    return f"no such election; there are {', '.join(known)}{hint}"
