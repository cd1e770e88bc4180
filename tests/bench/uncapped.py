"""The portal without its limits on strangers, which `tests.bench.attack` compares with the portal as it is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from config.wsgi import application

__all__ = ["application"]


@contextmanager
def _any_place(names: Sequence[str], *, wait: float = 0.0) -> Iterator[None]:
    yield


def _remove() -> None:
    from assessments.services import answering, check_pdfs, hashing  # noqa: PLC0415 - after django.setup

    printing: Callable[..., bytes] = vars(check_pdfs)["print_pdf"]

    def with_everybody(html: str, *, css: str, **_: Any) -> bytes:
        return printing(html, css=css)

    # The names as those modules have them, so not those that they import.
    vars(hashing)["place"] = vars(check_pdfs)["place"] = _any_place
    vars(check_pdfs)["print_pdf"] = with_everybody
    vars(check_pdfs)["_keep"] = lambda *_: None
    vars(answering)["MAX_CHECK_BYTES"] = vars(answering)["MAX_CHECKS_BYTES"] = 10**12
    settings.ACCOUNT_RATE_LIMITS |= {"large_file": "1000/m/ip"}


_remove()
