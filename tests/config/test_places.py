"""Places of a host: as many at a time as there are, whichever process has them, and free when a process is killed."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from django.db import connection

from config import places
from config.places import NoPlace, place, places_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_no_more_have_a_place_than_there_are_and_each_is_free_again():
    two = places.places("two", 2)
    with place(two), place(two):
        with pytest.raises(NoPlace), place(two):
            pass
        with place(places.places("another", 1)):
            pass
    with place(two):
        pass


def test_whoever_waits_waits_no_longer_than_asked():
    one = places.places("one", 1)
    began = time.monotonic()
    with place(one), pytest.raises(NoPlace), place(one, wait=0.2):
        pass
    assert 0.2 <= time.monotonic() - began < 1


def test_a_place_that_another_process_has_is_free_once_that_is_killed():
    code = (
        "import django, time; django.setup(); from config.places import place\n"
        "with place(('one.0',)): print('taken', flush=True); time.sleep(60)"
    )
    name = str(connection.settings_dict["NAME"])
    code = code.replace("from config", f"django.db.connection.settings_dict['NAME'] = {name!r}; from config")
    other = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    with pytest.raises(NoPlace), place(("one.0",)):
        pass
    other.kill()
    other.wait()
    with place(("one.0",), wait=5):
        pass


def test_strangers_cannot_fill_the_folder(tmp_path):
    names = {name for number in range(20_000) for name in places_of("address", f"192.0.2.{number}")}
    assert 3_000 < len(names) <= 4_096
    assert places_of("address", "192.0.2.7") == places_of("address", "192.0.2.7")


def _foreign(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "getuid", lambda: 98_765)


def _link(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    places._folder().rmdir()
    (tmp_path / places._folder_name()).symlink_to(tmp_path / "elsewhere")


def _full(_: Path, patch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(Path, "mkdir", fails)


@pytest.mark.parametrize("how", [_foreign, _link, _full])
def test_a_folder_that_cannot_be_used_is_logged_and_answered_as_busy(tmp_path, monkeypatch, caplog, how):
    with monkeypatch.context() as patch:
        how(tmp_path, patch)
        with pytest.raises(NoPlace), place(("one.0",)):
            pass
    assert "cannot be counted" in caplog.text
