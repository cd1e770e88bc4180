"""What is on file, and which edition the portal is about."""

from pathlib import Path

import pytest

from bulletin import shelf
from bulletin.encoding.loader import EncodingFaults


def test_a_shelf_without_the_current_edition_is_a_fault_that_says_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "editions").mkdir()
    monkeypatch.setattr(shelf, "HERE", tmp_path)
    shelf.editions.cache_clear()
    try:
        with pytest.raises(EncodingFaults) as raised:
            shelf.editions()
    finally:
        shelf.editions.cache_clear()
    (fault,) = raised.value.faults
    assert fault == (
        f"editions: there is no folder `{shelf.CURRENT}`, the current edition; "
        "add it, or name another one as CURRENT in bulletin/shelf.py"
    )
