"""The small, sound edition under tests/cases/minimal/, and copies of it with one thing changed."""

from pathlib import Path

import pytest

from bulletin.encoding.loader import EncodingFaults, load_edition
from tests.tables import CASES

MINIMAL = CASES / "minimal"


def edition_with(folder: Path, file: str, replace: str, by: str) -> Path:
    """The small edition in `folder`, save that in `file` one text, which stands there once, is another."""
    text = (MINIMAL / file).read_text(encoding="utf-8")
    assert text.count(replace) == 1, f"{replace!r} stands {text.count(replace)} times in {file}"
    return edition_of(folder, {file: text.replace(replace, by)})


def edition_of(folder: Path, files: dict[str, str | bytes | None]) -> Path:
    """The small edition in `folder`, with these files in place of its own; None leaves a file out."""
    for path in MINIMAL.iterdir():
        content = files.get(path.name, path.read_bytes())
        if content is not None:
            raw = content.encode() if isinstance(content, str) else content
            (folder / path.name).write_bytes(raw)
    return folder


def faults_of(folder: Path) -> list[str]:
    """All that the loader finds wrong with the edition in `folder`."""
    with pytest.raises(EncodingFaults) as raised:
        load_edition(folder)
    return raised.value.faults
