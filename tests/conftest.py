"""What all tests share."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

# The fixtures by which a test asks for the database; others ask for these.
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for a second run on another database."""
    parser.addoption(
        "--only-database",
        action="store_true",
        help="run only the tests that touch the database (see tests/postgres.py)",
    )


def pytest_configure() -> None:
    """Give the settings what a test needs and production takes from its environment."""
    settings.SECRET_KEY = "only tests sign with this"
    # A hash that is slow on purpose would make every sign-in of every test slow.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # The test client and the browsers of the journeys speak HTTP.
    settings.SECURE_SSL_REDIRECT = False
    # Names with a hash in them would need `collectstatic` before every run.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"


def pytest_report_header() -> str:
    """Say which database this run is on."""
    return f"database: {settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --only-database, leave out the tests that would do the same again."""
    if not config.getoption("--only-database"):
        return
    selected: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        fixtures = DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
        asks = bool(fixtures or item.get_closest_marker("django_db"))
        (selected if asks and not item.get_closest_marker("one_database") else left_out).append(item)
    items[:] = selected
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True)
def files_of_ones_own(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what a test stores away from the files of this machine."""
    settings.MEDIA_ROOT = tmp_path_factory.getbasetemp() / "media"


@pytest.fixture(scope="module")
def module_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database for a fixture whose rows all tests of a module share; they are undone after the last one.

    A test of that module asks for `db` as well, and what it writes itself is undone after it.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


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
