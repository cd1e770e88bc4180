"""What we need of allauth beyond its promises: an upgrade that changes it fails here, one test for each name."""

import ast
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.test import Client, RequestFactory

from assessments.forms.second_step import MALFORMED
from config import allauth_private as private
from tests.cast import PASSWORD, person

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "config" / "allauth_private.py"
EMAIL = "member@example.ca"
LIMIT = {"login_failed": "2/m/key"}


def guess(**more: Any) -> HttpRequest:
    return RequestFactory().post("/account/login/", **more)


def consumed(key: str) -> Any:
    return private.consume(guess(), app="allauth.account", action="login_failed", config=LIMIT, key=key)


def test_this_is_checked_against_the_series_that_is_installed():
    assert version("django-allauth").startswith("65.21.")
    assert "65.21 series" in str(private.__doc__)


# --- Each name --------------------------------------------------------------------------------


def test_consume_counts_by_the_rates_that_it_is_given_and_returns_what_takes_a_count_back():
    first, second = consumed("a"), consumed("a")
    assert first
    assert second
    assert consumed("a") is None
    assert consumed("b")
    second.rollback()
    assert consumed("a")
    assert consumed("a") is None


def test_consume_counts_by_the_settings_rates_unless_it_is_given_others(settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
    kwargs = {"app": "allauth.account", "action": "login_failed", "key": "a"}
    assert private.consume(guess(), **kwargs)
    assert private.consume(guess(), **kwargs) is None


def test_consume_counts_a_get_only_where_that_is_asked(settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
    kwargs = {"app": "allauth.account", "action": "login_failed", "key": "a"}
    request = RequestFactory().get("/")
    assert all(private.consume(request, **kwargs) for _ in range(3))
    assert private.consume(request, **kwargs, limit_get=True)
    assert private.consume(request, **kwargs, limit_get=True) is None


@pytest.mark.parametrize(
    ("proxies", "headers", "address"),
    [
        (0, {}, "192.0.2.1"),
        (1, {"X-Forwarded-For": "198.51.100.9"}, "198.51.100.9"),
        (1, {"X-Forwarded-For": "203.0.113.5, 198.51.100.9"}, "198.51.100.9"),
        (1, {"X-Forwarded-For": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::"),
    ],
)
def test_get_ip_is_the_address_before_our_proxies_and_of_ipv6_the_network(
    settings, proxies, headers, address
):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    assert private.get_ip(guess(headers=headers, REMOTE_ADDR="192.0.2.1")) == address


def test_get_ip_refuses_a_request_that_came_through_a_socket_without_the_header_of_a_proxy():
    with pytest.raises(PermissionDenied):
        private.get_ip(guess(REMOTE_ADDR=""))


@pytest.mark.parametrize("typed", ["123456", "123 456", "123-456", " 12 34 56\n"])
def test_a_code_is_the_same_however_it_is_typed(typed):
    assert private.normalize_user_code(typed) == "123456"


def test_a_recorded_authentication_is_among_the_sessions_records_with_its_method_and_time():
    user = person("member")
    request = guess()
    request.session = Client().session
    private.record_authentication(request, user, "password", email=EMAIL)
    private.record_authentication(request, user, "mfa", at=0)
    first, second = get_authentication_records(request, user)
    assert (first["method"], first["email"]) == ("password", EMAIL)
    assert time.time() - first["at"] < 60
    assert (second["method"], second["at"]) == ("mfa", 0)


def test_signing_passkey_refuses_what_no_passkey_signed_and_counts_nothing_by_person(settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
    user, request = person("member"), guess()
    request.session = Client().session
    for _ in range(3):
        with context.request_context(request), pytest.raises((ValidationError, *MALFORMED)) as raised:
            private.signing_passkey(user, {"id": "x"})
        assert "Too many" not in str(raised.value)


class Adapter(private.GuessCountingAdapter):
    def guess_key(self, request: HttpRequest, **credentials: Any) -> str:
        return f"own key of {credentials['email']}"


def test_allauths_own_count_of_guesses_goes_by_our_key_and_a_new_password_clears_it(settings):
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
    key = f"own key of {EMAIL}"
    kwargs = {"app": "allauth.account", "action": "login_failed", "key": key}
    Adapter(guess()).pre_authenticate(guess(), email=EMAIL)
    assert private.consume(guess(), **kwargs) is None
    Adapter(guess())._delete_login_attempts_cached_email(guess(), email=EMAIL)
    assert private.consume(guess(), **kwargs)


@pytest.mark.parametrize(("password", "counts"), [(PASSWORD, False), ("a wrong one", True)])
def test_a_count_is_taken_back_if_and_only_if_the_password_is_right(password, counts):
    person("member", password=PASSWORD)

    class Counting(Adapter):
        def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
            self.take_back_if_right(consumed(self.guess_key(request, **credentials)))

    with context.request_context(guess()) as request:
        user = Counting(request).authenticate(request, email=EMAIL, password=password)
    assert bool(user) is not counts
    key = f"own key of {EMAIL}"
    assert consumed(key)
    assert bool(consumed(key)) is not counts


def test_a_count_is_taken_back_for_a_password_that_was_not_checked():
    adapter = Adapter(guess())
    adapter.take_back_if_right(consumed("own key"))
    adapter.take_back_guess()
    assert consumed("own key")


# --- Nothing else uses them -------------------------------------------------------------------


def private_imports(path: Path) -> Iterator[str]:
    """What a file imports of allauth by an internal path or an underscore name."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source if "allauth" in source else "")):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "allauth" and any(part == "internal" or part.startswith("_") for part in parts):
                yield name


def test_no_other_module_imports_a_private_name_of_allauth():
    folders = ("assessments", "bulletin", "config", "tests", "tools", "deploy")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if path != MODULE]
    assert [(str(path.relative_to(ROOT)), name) for path in files for name in private_imports(path)] == []
    assert list(private_imports(MODULE))
