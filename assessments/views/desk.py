"""Finding the draft that a request is about: the browser's own anonymous check, or an office's assessment.

The pages of the questionnaire are the same for both; a Desk hides which it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from assessments.forms.section import NOTE
from assessments.models import AnonymousCheck, Assessment, User
from assessments.reports.draft import DraftState, draft_state
from assessments.services.answering import Draft
from bulletin.encoding.conditions import UNSURE
from bulletin.shelf import editions

COOKIE = "check"
"""The cookie with an anonymous check's token: until the browser closes, out of reach of scripts."""


@dataclass(frozen=True)
class Desk:
    """A draft, who works on it, and its addresses."""

    draft: Draft
    by: User | None

    @property
    def is_anonymous(self) -> bool:
        return isinstance(self.draft, AnonymousCheck)

    def url(self, name: str, **kwargs: Any) -> str:
        """The address of one of the draft's pages."""
        if self.is_anonymous:
            return reverse(f"check:{name}", kwargs=kwargs)
        return reverse(f"assessment:{name}", kwargs={"pk": self.draft.pk, **kwargs})

    def context(self, **more: Any) -> dict[str, Any]:
        """What every page of the draft shows, with the addresses of its other pages."""
        links = {f"desk_{name}": self.url(name) for name in ("tasks", "answers", "advisory")}
        if self.is_anonymous:
            links["desk_details"] = self.url("details")
        return {"desk": self, "state": self.state, **links, **more}

    @functools.cached_property
    def state(self) -> DraftState:
        """The draft as of today in Toronto."""
        return draft_state(self.draft, as_of=timezone.localdate())


View = Callable[..., HttpResponse]


def with_draft(view: View) -> View:
    """Give the view its Desk; nothing of the answer is kept by caches or found by search engines.

    A request without a draft loses nothing that was typed: a POST is answered with a page that still holds it.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, pk: int | None = None, **kwargs: Any) -> HttpResponse:
        desk = _office_desk(request, pk) if pk is not None else _own_desk(request)
        response = desk if isinstance(desk, HttpResponse) else view(request, desk, **kwargs)
        return private(response)

    return wrapped


def private(response: HttpResponse) -> HttpResponse:
    """Keep a response out of every cache and search engine."""
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def own_check(request: HttpRequest) -> AnonymousCheck | None:
    """The anonymous check of this browser, if it has one that has not ended."""
    token = request.COOKIES.get(COOKIE)
    if not token:
        return None
    live = AnonymousCheck.objects.live().with_token(token).select_related("edition").defer("edition__content")
    return live.first()


def remember(response: HttpResponse, token: str) -> HttpResponse:
    """Give the browser the token of its check, for as long as it stays open."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response


def _own_desk(request: HttpRequest) -> Desk | HttpResponse:
    check = own_check(request)
    if check is not None:
        return Desk(check, None)
    if request.method == "POST":
        return keep_typed(request, "ended")
    return redirect("home")


def _office_desk(request: HttpRequest, pk: int) -> Desk | HttpResponse:
    if not isinstance(request.user, User):
        if request.method == "POST":
            return keep_typed(request, "signed_out")
        return redirect_to_login(request.get_full_path())
    visible = Assessment.objects.visible_to(request.user)
    related = visible.select_related("edition", "account__office__member").defer("edition__content")
    return Desk(get_object_or_404(related, pk=pk), request.user)


def keep_typed(request: HttpRequest, why: str, *, status: int = 409) -> HttpResponse:
    """A page that holds all that was posted, says why it was not saved, and offers the way to save it.

    Nothing of it is kept but in that page: it is posted again when the person presses the button.
    """
    posted = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and "password" not in name
        for value in values
    ]
    context = {"why": why, "posted": posted, "typed": _in_words(posted), "address": request.path}
    if request.headers.get("HX-Request"):
        return render(request, "assessments/_not_saved.html", context, status=status)
    return render(request, "assessments/not_saved.html", context, status=status)


def _in_words(posted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What someone typed, as they would know it again: the question in short, and the answer's own words."""
    questions = {q.id: q for edition in editions().values() for q in edition.questions}
    told = []
    for name, value in posted:
        question = questions.get(name.removeprefix(NOTE))
        if question is None or not value:
            continue
        if name.startswith(NOTE):
            told.append((f"{question.short}: your note", value))
        else:
            words = {"yes": "Yes", "no": "No", UNSURE: "I'm not sure", **question.choices}
            told.append((question.short, words.get(value, value)))
    return told
