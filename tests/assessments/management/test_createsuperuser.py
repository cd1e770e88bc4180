"""`createsuperuser --noinput` says in two sentences what it needs."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from assessments.models import User

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("createsuperuser", "--noinput", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch) -> None:
    for name in ("EMAIL", "NAME", "PASSWORD"):
        monkeypatch.delenv(f"DJANGO_SUPERUSER_{name}", raising=False)


@pytest.mark.parametrize(
    "given", [[], ["--email=a@example.ca"], ["--name=Alex"], ["--email=a@example.ca", "--name="]]
)
def test_what_is_missing_is_named_with_every_way_to_give_it(given):
    with pytest.raises(CommandError) as refused:
        run(*given)
    sentences = str(refused.value)
    assert sentences.count(".") == 2
    for name in ("EMAIL", "NAME"):
        assert f"--{name.lower()}" in sentences
        assert f"DJANGO_SUPERUSER_{name}" in sentences
    assert "DJANGO_SUPERUSER_PASSWORD" in sentences
    assert not User.objects.exists()


def test_the_environment_gives_all_of_it(monkeypatch):
    for name, value in {"EMAIL": "a@example.ca", "NAME": "Alex", "PASSWORD": "quiet-harbour-9"}.items():
        monkeypatch.setenv(f"DJANGO_SUPERUSER_{name}", value)
    assert "password" not in run()
    assert User.objects.get(email="a@example.ca").check_password("quiet-harbour-9")


def test_without_a_password_it_says_how_to_set_one():
    assert "manage.py changepassword" in run("--email=a@example.ca", "--name=Alex")
    assert not User.objects.get().has_usable_password()


def test_without_tables_it_says_to_make_them(monkeypatch):
    def no_table(*_: object) -> None:
        raise OperationalError("no such table: assessments_user")

    monkeypatch.setattr(type(User.objects), "get_by_natural_key", no_table)
    with pytest.raises(CommandError, match=r"run `manage\.py migrate` first"):
        run("--email=a@example.ca", "--name=Alex")
