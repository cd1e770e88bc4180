"""Load the files of an edition as an Edition, or report every fault in them together.

A fault reads `file:line:column place: what is wrong, what would be right`. Every scalar is read as text, so that
YAML does not turn `no`, `on` or 13 into another type. The schema decides what is a number, a date or a boolean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from . import schema
from .carry import check_carries
from .checks import EditionFiles, check_edition, entries
from .elections import Calendar, Election, check_elections
from .nearest import nearest
from .plain import check_plain
from .schema import (
    Across,
    Advice,
    CarryStep,
    Edition,
    NamedFact,
    Paragraph,
    Question,
    Reading,
    Rule,
    Sheet,
    TimingQuestions,
)
from .source import Place, Source, read

Model = TypeVar("Model", bound=BaseModel)


class EncodingFaults(Exception):
    """The files are not a valid edition or calendar. `faults` has one line for each thing to fix."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


_ALL_KEYS = sorted(
    {
        key
        for model in (*vars(schema).values(), Election)
        if isinstance(model, type) and issubclass(model, BaseModel)
        for key in model.model_fields
    }
)


def validate(model: type[Model], raw: Any, place: Place, source: Source) -> Model | None:
    """Read `raw` as a `model`. If it is not valid, record every fault and return None."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            where = (*place, *(step for step in details["loc"] if step != "[key]"))
            source.fault(where, _in_words(details))
        return None


_MESSAGES = {
    "missing": "this key is missing",
    "literal_error": "{given} is not one of {expected}",
    "string_too_short": "the text is missing",
    "string_too_long": "the text is longer than {max_length} characters",
    "too_short": "the list is empty; add at least one entry",
    "string_pattern_mismatch": "{given} is not a valid id; it must match {pattern}",
    "value_error": "{error}",
    "int_parsing": "{given} is not a whole number",
    "greater_than_equal": "{given} is too small; the smallest is {ge}",
    "bool_parsing": "{given} is not true or false",
    "model_type": "write keys with values here",
    "dict_type": "write keys with values here",
    "mapping_type": "write keys with values here",
    "tuple_type": "write a list here",
    "list_type": "write a list here",
    "string_type": "write one text here",
}
"""What to say for each of pydantic's types of error, and what would be right."""


def _in_words(details: Any) -> str:
    """The details of one of pydantic's errors as a message."""
    given = repr(str(details.get("input"))[:60])
    if details["type"] == "extra_forbidden":
        key = str(details["loc"][-1])
        known = key in _ALL_KEYS
        return "this key belongs elsewhere" if known else f"unknown key{nearest(key, _ALL_KEYS)}"
    if message := _MESSAGES.get(details["type"]):
        return message.format(given=given, **details.get("ctx", {}))
    return f"{given}: {details['msg'][0].lower()}{details['msg'][1:]}"


def _each(model: type[Model], source: Source) -> tuple[Model | None, ...]:
    """The entries of a file that is a list. An entry with faults is None and keeps its position."""
    if isinstance(source.content, list):
        return tuple(validate(model, item, (at,), source) for at, item in enumerate(source.content))
    if source.content is not None:
        source.fault((), "write a list here; begin each entry with `- id:`")
    elif not source.faults:
        source.fault((), "the file is empty; write a list")
    return ()


def _salvaged(model: type[Model], raw: Any) -> Model | None:
    """A part of a refused file, which may be valid itself. None if it is not: its faults are recorded already."""
    try:
        return model.model_validate(raw)
    except ValidationError:
        return None


def _keyed(source: Source, message: str) -> dict[str, Any]:
    """The content of a file that is a mapping. If it is not one, record `message` as a fault."""
    if isinstance(source.content, dict):
        return source.content
    if source.content is not None:
        source.fault((), message)
    elif not source.faults:
        source.fault((), f"the file is empty; {message}")
    return {}


def load_edition(folder: Path) -> Edition:
    """Load the edition in `folder`. Raises EncodingFaults with every fault of its files."""
    names = ("edition", "paragraphs", "questions", "rules", "advice")
    sources = {name: read(folder / f"{name}.yaml") for name in names}
    sheet_source, advice_source = sources["edition"], sources["advice"]
    raw = _keyed(sheet_source, "write keys with values here")
    sheet = validate(Sheet, raw, (), sheet_source) if isinstance(sheet_source.content, dict) else None
    texts = _keyed(advice_source, "write rule ids with their texts here")
    files = EditionFiles(
        sources=sources,
        sheet=sheet,
        timing=_salvaged(TimingQuestions, raw.get("timing")),
        across=_salvaged(Across, raw.get("across")),
        facts=tuple(_salvaged(NamedFact, fact) for fact in entries(raw.get("facts"))),
        readings=tuple(_salvaged(Reading, reading) for reading in entries(raw.get("readings"))),
        paragraphs=_each(Paragraph, sources["paragraphs"]),
        questions=_each(Question, sources["questions"]),
        rules=_each(Rule, sources["rules"]),
        advice={
            rule: validate(Advice, by_outcome, (rule,), advice_source) for rule, by_outcome in texts.items()
        },
    )
    check_edition(files)
    check_plain(sources)
    faults = [line for name in names for line in sources[name].lines()]
    if faults or sheet is None:
        raise EncodingFaults(faults)
    edition = Edition(
        sheet=sheet,
        paragraphs=tuple(p for p in files.paragraphs if p),
        questions=tuple(q for q in files.questions if q),
        rules=tuple(r for r in files.rules if r),
        advice={rule: advice for rule, advice in files.advice.items() if advice},
    )
    earlier = load_earlier(folder)
    carries = _load_carries(folder / "carries.yaml", edition, earlier)
    return edition.model_copy(update={"earlier": earlier, "carries": carries})


def _load_carries(path: Path, edition: Edition, earlier: Mapping[int, Edition]) -> tuple[CarryStep, ...]:
    """The steps from the earlier revisions of an edition to this one. A first revision has none."""
    missing = [n for n in range(1, edition.sheet.revision) if n not in earlier]
    if missing:
        name = f"earlier/{missing[0]}.json"
        raise EncodingFaults([f"{name}: this file is missing; it has the content of revision {missing[0]}"])
    if edition.sheet.revision == 1 and not path.exists():
        return ()
    source = read(path)
    steps = _each(CarryStep, source)
    check_carries(source, steps, {**earlier, edition.sheet.revision: edition})
    if source.faults:
        raise EncodingFaults(source.lines())
    return tuple(sorted((step for step in steps if step), key=lambda step: step.revision))


def load_earlier(folder: Path) -> dict[int, Edition]:
    """The earlier revisions of the edition in `folder`, by number, each under its published digest.

    They are in `earlier/`, as `{"digest": …, "content": …}`. Raises EncodingFaults if one is not what was published.
    """
    loaded: dict[int, Edition] = {}
    faults: list[str] = []
    for path in sorted((folder / "earlier").glob("*.json")):
        try:
            edition = read_earlier(path.read_text(encoding="utf-8"))
            if path.stem != str(edition.sheet.revision):
                raise ValueError(f"it has revision {edition.sheet.revision}; rename it")
            loaded[edition.sheet.revision] = edition
        except (OSError, ValueError, KeyError, TypeError) as error:
            # Every other fault is that of a file that was changed by hand. Only the published one will do.
            reason = error.args[0] if type(error) is ValueError else "it is not a published revision"
            faults.append(f"earlier/{path.name}: {reason}")
    if faults:
        raise EncodingFaults(faults)
    return dict(sorted(loaded.items()))


def read_earlier(text: str) -> Edition:
    """Read a published revision from the text of a file in `earlier/`.

    Raises ValueError if the content does not have the digest, and other errors if it is no edition at all.
    """
    published = json.loads(text)
    content, digest = published["content"], published["digest"]
    compact = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    engine = content["sheet"].get("engine", 1)
    if hashlib.sha256(f"engine {engine}\n{compact}".encode()).hexdigest() != digest:
        raise ValueError("the content does not have this digest; copy the published revision")
    return Edition.model_validate_json(compact).model_copy(update={"published_digest": digest})


def load_editions(shelf: Path) -> dict[str, Edition]:
    """The editions in the folders of `shelf`, by id. Each folder must have its edition's id as its name.

    Raises EncodingFaults with the faults of all folders. Each line begins with the folder's name.
    """
    loaded: dict[str, Edition] = {}
    faults: list[str] = []
    for folder in sorted(path for path in shelf.iterdir() if path.is_dir()):
        try:
            loaded[folder.name] = load_edition(folder)
        except EncodingFaults as error:
            faults += [f"{folder.name}/{line}" for line in error.faults]
    for name, edition in loaded.items():
        if name != edition.id:
            source = read(shelf / name / "edition.yaml")
            source.fault(("id",), _misnamed(name, loaded))
            faults += [f"{name}/{line}" for line in source.lines()]
    if faults:
        raise EncodingFaults(faults)
    return loaded


def _misnamed(folder: str, loaded: Mapping[str, Edition]) -> str:
    """The message about a folder that does not have its edition's id as its name."""
    edition_id, rule = loaded[folder].id, "a folder has the id of its edition as its name"
    for other, edition in loaded.items():
        if other != folder and edition.id == edition_id:
            return f"`{edition_id}` is also the id of `{other}`; use each id once, and {rule}"
    return f"{rule}; rename `{folder}` to `{edition_id}`, or change the id"


def load_calendar(path: Path) -> Calendar:
    """Load the election calendar in `path`. Raises EncodingFaults."""
    source = read(path)
    elections = _each(Election, source)
    check_elections(source, elections)
    if not elections and not source.faults:
        source.fault((), "the list is empty; add at least one election")
    if source.faults:
        raise EncodingFaults(source.lines())
    return Calendar(elections=tuple(e for e in elections if e))
