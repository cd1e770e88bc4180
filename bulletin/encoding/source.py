"""Read YAML as plain text data, with the line and column of every key and value, so that faults say where they are.

Every scalar is read as text, so that YAML does not turn `no`, `on` or 13 into another type. Anything that hides
meaning or is too large is a fault.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

MAX_BYTES = 250_000
"""Bytes in one file. Toronto's largest has about 40,000."""
MAX_VALUES = 10_000
"""Values in one file, keys included. Toronto's largest has about 1,200."""
MAX_ENTRIES = 500
"""Entries in one list, or keys in one mapping. Toronto's longest list has 58."""
MAX_DEPTH = 12
"""Levels of YAML inside one another. The schema needs six."""
MAX_MESSAGE = 500
"""Characters in the message of one fault."""

Place = tuple[str | int, ...]


@dataclass
class Source:
    """One file as plain data, with the line and column of every key and value in it."""

    name: str
    content: Any = None
    marks: dict[Place, tuple[int, int]] = field(default_factory=dict)
    faults: list[tuple[tuple[int, int], str]] = field(default_factory=list)

    def fault(self, place: Place, message: str) -> None:
        """Record a fault at `place`, or at the nearest enclosing place that the file has."""
        known = place
        while known not in self.marks and known:
            known = known[:-1]
        self.note(self.marks.get(known, (1, 1)), f"{self.words(place)}{message}")

    def note(self, at: tuple[int, int], message: str) -> None:
        """Record a fault at a line and column. Its message is put on one line and cut at MAX_MESSAGE."""
        line = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in message[:MAX_MESSAGE])
        self.faults.append((at, line if len(message) <= MAX_MESSAGE else f"{line}..."))

    def words(self, place: Place) -> str:
        """A place in words, like `rules[11-place].applies: `. A list entry is named by its id, if it has one."""
        text, value = "", self.content
        if place and isinstance(place[0], int):
            text = Path(self.name).stem
        for step in place:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
            if isinstance(step, int):
                name = value.get("id") if isinstance(value, dict) else None
                text += f"[{name[:60] if isinstance(name, str) and name else step + 1}]"
            else:
                text += f".{step[:60]}" if text else step[:60]
        return f"{text}: " if text else ""

    def lines(self) -> list[str]:
        return [f"{self.name}:{line}:{column} {message}" for (line, column), message in sorted(self.faults)]


def read(path: Path) -> Source:
    """Read a file as text-only data. Anything wrong with it as YAML is recorded among its faults."""
    source = Source(path.name)
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        source.fault((), f"the file cannot be read ({error.strerror})")
        return source
    if raw is None:
        source.fault((), f"the file has more than {MAX_BYTES:,} bytes; make it shorter")
        return source
    try:
        text = raw.decode("utf-8")
        events = _events(text, source)
        if events and not source.faults:
            rest = iter(events)
            source.content = _plain(next(rest), rest, (), source)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start + 1} is not UTF-8; save the file as UTF-8"
        source.note((line, error.start - raw.rfind(b"\n", 0, error.start)), message)
    except ReaderError as error:
        before = text[: error.position]
        at = (before.count("\n") + 1, error.position - before.rfind("\n"))
        source.note(at, f"U+{error.character:04X} is a control character; remove it")
    except MarkedYAMLError as error:
        source.note(*_in_place(error))
    except YAMLError as error:
        source.note((1, 1), f"not YAML: {str(error).splitlines()[0]}")
    return source


def _in_place(error: MarkedYAMLError) -> tuple[tuple[int, int], str]:
    """Where the parser stopped, and a message: what it was reading, where that begins, and what is wrong."""
    context, begun, mark = error.context, error.context_mark, error.problem_mark
    if context and begun and mark and begun.index < mark.index:
        context = f"{context} from {begun.line + 1}:{begun.column + 1}"
    mark = mark or begun
    message = ", ".join(part for part in (context, error.problem) if part)
    return (mark.line + 1, mark.column + 1) if mark else (1, 1), f"not YAML: {message}"


def _events(text: str, source: Source) -> list[Event]:
    """The YAML events of a file.

    Anchors, aliases, tags and a second document are faults, because with them a file means something other than it
    appears to say. Bulk is a fault too. Reading stops at bulk, at a second document, and after more than 20 faults.
    """
    bulk, documents = _Bulk(), 0
    events: list[Event] = []
    at = (1, 1)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            at = _mark(event)
            if message := _hides(event):
                source.note(at, message)
            if message := bulk.after(event):
                source.note(at, message)
                break
            documents += isinstance(event, DocumentStartEvent)
            if documents > 1:
                source.note(at, "a second document begins here; keep one in each file")
                break
            if len(source.faults) > 20:
                break
            if isinstance(event, NodeEvent | CollectionEndEvent):
                events.append(event)
    except (ValueError, OverflowError):  # raised by the parser itself for numbers out of range
        source.note(at, "not YAML: the next number or character code is out of range")
    return events


def _hides(event: Event) -> str | None:
    """A message if `event` uses an anchor, an alias or a tag."""
    if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
        return "anchors and aliases are not supported; write the text in each place"
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag:
        return "tags are not supported; write the plain value"
    return None


class _Bulk:
    """Counts what a file holds while it is read, so that nothing large is ever built."""

    def __init__(self) -> None:
        self.values = 0
        self.room: list[int] = []  # for each open list or mapping, how many more values it may hold

    def after(self, event: Event) -> str | None:
        """A message if reading `event` goes over a limit."""
        if isinstance(event, NodeEvent):
            self.values += 1
            if self.room:
                self.room[-1] -= 1
        if self.values > MAX_VALUES:
            return f"more than {MAX_VALUES:,} values in one file"
        if self.room and self.room[-1] < 0:
            return f"more than {MAX_ENTRIES} entries in one list"
        if isinstance(event, CollectionStartEvent):
            self.room.append(MAX_ENTRIES * (2 if isinstance(event, MappingStartEvent) else 1))
        elif isinstance(event, CollectionEndEvent):
            self.room.pop()
        return f"more than {MAX_DEPTH} nested levels" if len(self.room) > MAX_DEPTH else None


def _plain(event: Event, rest: Iterator[Event], place: Place, source: Source) -> Any:
    """The data that begins with `event`. Consumes the events of `rest` that belong to it."""
    source.marks.setdefault(place, _mark(event))
    if isinstance(event, ScalarEvent):
        return _visible(event, source)
    if isinstance(event, SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(item := next(rest), SequenceEndEvent):
            items.append(_plain(item, rest, (*place, len(items)), source))
        return items
    mapping: dict[str, Any] = {}
    while not isinstance(key := next(rest), MappingEndEvent):
        name = _plain(key, rest, (*place, "?"), source)
        inner = (*place, str(name))
        if not isinstance(name, str):
            source.note(_mark(key), "a key must be a word")
        elif name in mapping:
            source.note(_mark(key), f"{source.words(inner)}the key occurs twice; keep one")
        source.marks.setdefault(inner, _mark(key))
        value = _plain(next(rest), rest, inner, source)
        if isinstance(name, str):
            mapping.setdefault(name, value)
    return mapping


def _mark(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of characters that are invisible or change how those around them read."""


def _visible(event: ScalarEvent, source: Source) -> str:
    """The text without its invisible characters, the first of which is recorded as a fault."""
    text: str = event.value
    if text.isprintable():
        return text
    invisible = [c for c in text if c != "\n" and unicodedata.category(c) in _INVISIBLE]
    for character in invisible[:1]:
        source.note(_mark(event), f"U+{ord(character):04X} is invisible in a text; remove it")
    return "".join(c for c in text if c not in invisible)
