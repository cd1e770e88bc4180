"""What all tests share. The people, offices and self-checks are in cast.py."""

import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

pytest_plugins = ["tests.cast"]

ROOM = 1_000_000_000
"""Bytes that the databases, files and browsers of a run may need on the disk at once."""


def configure_settings() -> None:
    """Give the settings what a test needs and production takes from its environment."""
    settings.SECRET_KEY = "only tests sign with this"
    # A hash that is slow on purpose would make every sign-in of every test slow.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # The test client speaks HTTP.
    settings.SECURE_SSL_REDIRECT = False
    # Names with a hash in them would need `collectstatic` before every run.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    # Every Client() makes a WhiteNoise of its own, which would look through all collected files first.
    settings.WHITENOISE_AUTOREFRESH = True


def pytest_configure(config: pytest.Config) -> None:
    """Make ready for a run, if the disk has room for it."""
    configure_settings()
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < ROOM and not hasattr(config, "workerinput"):
        pytest.exit(
            f"{tempfile.gettempdir()} has {free // 1_000_000:,} MB free, and the tests need "
            f"{ROOM // 1_000_000:,} MB. Make room, or name another folder in TMPDIR.",
            returncode=1,
        )


def pytest_report_header() -> str:
    """Say which database this run is on."""
    return f"database: {settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}"


@pytest.fixture(autouse=True)
def files_of_ones_own(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what a test stores away from the files of this machine."""
    settings.MEDIA_ROOT = tmp_path_factory.getbasetemp() / "media"


@pytest.fixture(scope="session", autouse=True)
def emptied_after_a_test() -> Iterator[None]:
    """Let the database be emptied after a test that could not be rolled back, frozen rows and all.

    Django puts the triggers back itself, since it calls the post_migrate handlers after that.
    """
    from django.test import TransactionTestCase  # noqa: PLC0415 - needs the settings

    from tests.thawing import thaw  # noqa: PLC0415

    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # Django calls it itself

    def thaw_and_empty(case: Any) -> None:
        thaw()
        empty(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", thaw_and_empty)
        yield
