"""The small, valid edition under tests/cases/minimal/, and copies of it with changes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bulletin.encoding.loader import EncodingFaults, load_edition
from tests.tables import CASES

MINIMAL = CASES / "minimal"


def edition_with(folder: Path, *slips: Mapping[str, str]) -> Path:
    """Write the small edition to `folder` with `slips`: in the file `in`, the text `replace` becomes `by`."""
    files: dict[str, str | bytes | None] = {}
    for slip in slips:
        text = str(files.get(slip["in"], text_of(slip["in"])))
        count = text.count(slip["replace"])
        assert count == 1, f"{slip['replace']!r} stands {count} times in {slip['in']}"
        files[slip["in"]] = text.replace(slip["replace"], slip["by"])
    return edition_of(folder, files)


def text_of(file: str) -> str:
    """The text of a file of the small edition."""
    return (MINIMAL / file).read_text(encoding="utf-8")


def edition_of(folder: Path, files: dict[str, str | bytes | None]) -> Path:
    """Write the small edition to `folder`, with `files` in place of its own. None leaves a file out."""
    for path in MINIMAL.iterdir():
        content = files.get(path.name, path.read_bytes())
        if content is not None:
            raw = content.encode() if isinstance(content, str) else content
            (folder / path.name).write_bytes(raw)
    return folder


def faults_of(folder: Path) -> list[str]:
    """Every fault that the loader reports for the edition in `folder`."""
    with pytest.raises(EncodingFaults) as raised:
        load_edition(folder)
    return raised.value.faults
