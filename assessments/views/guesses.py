"""Counting wrong guesses at passwords and codes: guessing is slow and noticed, and no one can lock others out.

A browser in which the person has signed in before has a count of its own. All other browsers are counted by network,
and together. Once there are many wrong guesses from all networks together, each network has fewer, the log has an
alarm, and the person gets an email. An address without a sign-in is counted in the same way and with the same work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.core import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest

from assessments.models import Action, User
from assessments.services import audit, security_log
from assessments.services.after_response import after_response
from assessments.services.security_log import Event, Method, Reason
from assessments.services.sign_in_changes import Change, tell_of_change
from config.allauth_private import consume, get_ip

BETWEEN_ALARMS = 24 * 60 * 60
"""Seconds after an alarm about someone's sign-in in which there is no other."""
BETWEEN_REFUSALS = 60 * 60
"""Seconds after an audit event about refused guesses in which there is no other about the same person."""


@dataclass(frozen=True)
class Guess:
    """A counted guess, with its `counts` in each limit."""

    counts: tuple[Any, ...]

    def rollback(self) -> None:
        """Take the guess back, because it was right or was not checked. allauth calls this, too."""
        for count in self.counts:
            count.rollback()


@dataclass(frozen=True)
class Guessed:
    """Whose password or code a guess is for. If no one has the address that was typed, `person` is None."""

    person: User | None
    email: str
    method: Method

    @property
    def name(self) -> str:
        """What the limits count under."""
        return f"{self.method}:{self.person.pk if self.person and self.is_code else self.email}"

    @property
    def is_code(self) -> bool:
        """Whether it is a code of the second step."""
        return self.method is Method.CODE


def password_of(email: str) -> Guessed:
    """The password of the person with an email address, or of nobody."""
    normal = User.normalize_username(email)
    return Guessed(User.objects.filter(email=normal).first(), normal, Method.PASSWORD)


def code_of(user: User) -> Guessed:
    """The codes of a person's second step."""
    return Guessed(user, user.email, Method.CODE)


def key_of(request: HttpRequest, guessed: Guessed, known: str) -> str:
    """What the guesses of one browser or network are counted under. `known` is a known browser's mark, or empty."""
    return f"{known or get_ip(request)}:{guessed.name}"


def count_guess(request: HttpRequest, guessed: Guessed, *, known: str) -> Guess | None:
    """Count a guess before it is checked; None if there were too many."""
    guess = _counted(request, guessed, known)
    if isinstance(guess, Guess):
        return guess
    security_log.write(
        Event.LOCKED_OUT, person=guessed.person, email=guessed.email, method=guessed.method, reason=guess
    )
    # A network that guesses at everyone is only in the log: the trail would have an event about each person.
    if guess is not Reason.NETWORK_LIMIT:
        after_response("an audit event of refused guesses", _record_refusal, guessed.person)
    return None


def _counted(request: HttpRequest, guessed: Guessed, known: str) -> Guess | Reason:
    """The guess, or why it is refused."""
    key = key_of(request, guessed, known)
    network = None if known else _consume(request, "login_failed", key, per="ip")
    if not (known or network):
        return Reason.NETWORK_LIMIT
    own = _consume(request, "login_failed", key, per="key")
    if not own:
        return Reason.TOO_MANY_GUESSES
    if known:
        return Guess((own,))
    together = _consume(request, "guesses_together", guessed.name)
    if together:
        return Guess((network, own, together))
    _alarm_once_a_day(request, guessed)
    slow = _consume(request, "guesses_when_many", key)
    if not slow:
        return Reason.MANY_NETWORKS
    if not guessed.is_code:
        return Guess((network, own, slow))
    # A code has six digits only: any number of networks must not have enough guesses.
    most = _consume(request, "codes_when_many", guessed.name)
    return Guess((network, own, slow, most)) if most else Reason.MANY_NETWORKS


def _consume(request: HttpRequest, action: str, key: str, *, per: str = "key", dry_run: bool = False) -> Any:
    """Count by those rates of the settings that are for each `key` or each `ip`; None if there were too many.

    It is also None if others hold this key's count for a second. With `dry_run`, nothing is counted.
    """
    rates = str(settings.ACCOUNT_RATE_LIMITS.get(action, "")).split(",")
    config = {action: ",".join(rate for rate in rates if rate.strip().endswith(f"/{per}"))}
    return consume(request, app="allauth.account", action=action, config=config, key=key, dry_run=dry_run)


def _alarm_once_a_day(request: HttpRequest, guessed: Guessed) -> None:
    key = f"guessing:{hashlib.sha256(guessed.name.encode()).hexdigest()}"
    if cache.get(key) is not None or _consume(request, "guesses_together", guessed.name, dry_run=True):
        return
    if cache.add(key, "", timeout=BETWEEN_ALARMS):
        after_response("an alarm about guesses", _or_again, key, _raise_alarm, guessed)


def _or_again(key: str, work: Callable[..., object], *args: Any) -> None:
    """Do work that is done only once while `key` is in the cache. If it fails, the next refused guess does it."""
    try:
        work(*args)
    except Exception:
        cache.delete(key)
        raise


def _raise_alarm(guessed: Guessed) -> None:
    if guessed.person is None:
        security_log.write(
            Event.GUESSING, email=guessed.email, method=guessed.method, reason=Reason.MANY_NETWORKS
        )
        return
    what = Change.CODE_GUESSES if guessed.is_code else Change.PASSWORD_GUESSES
    with transaction.atomic():
        tell_of_change(
            user=guessed.person, what=what, by=None, method=guessed.method, reason=Reason.MANY_NETWORKS
        )


def _record_refusal(person: User | None) -> None:
    if person is None:
        return
    key = f"refused:{person.pk}"
    if cache.add(key, "", timeout=BETWEEN_REFUSALS):
        _or_again(key, _append_refusal, person)


@transaction.atomic
def _append_refusal(person: User) -> None:
    audit.append(office=None, action=Action.LOCKED_OUT, about=person, by=None)


def fresh_start(request: HttpRequest, user: User) -> None:
    """Let someone who set a new password by a link enter codes in a new browser again, at most once a day.

    Someone who guessed codes had the former password. The limit of once a day stops someone with access to the
    person's mailbox from setting new passwords to guess without end.
    """
    if cache.add(f"fresh-start:{user.pk}", "", timeout=BETWEEN_ALARMS):
        for action in ("guesses_together", "codes_when_many"):
            ratelimit.clear(request, action=action, key=code_of(user).name)
