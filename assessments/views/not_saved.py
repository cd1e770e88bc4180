"""The page for input that could not be saved: it shows what was typed and why, and offers a way to save it."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from assessments.forms.section import NOTE, UNSURE_BOX
from assessments.forms.sharing import BLACK_OUT
from assessments.scoring.wording import choice_words
from bulletin.encoding.conditions import UNSURE
from bulletin.shelf import questions

log = logging.getLogger(__name__)

FAULTS = (OperationalError, InterfaceError)
"""What Django raises when the database is full, locked or not responding."""
AS = "as"
"""The input that names the person a form was made for: someone else may sign in on another tab of the browser."""
OTHER_FIELDS = {
    "platform": "Platform",
    "handle": "Account",
    "member": "Member of Council",
    "display_name": "Name shown",
    "address": "Web address",
    "answers": "Answers file",
    "text": "What you wrote",
    "question_to_ask": "Your question",
    "needed_by": "Reply needed by",
    "name": "Name",
    "name_of_office": "Name of the office",
    "login": "Email address",
    "words": "Search",
    "account": "Account",
    "since": "Shared on or after",
    "until": "Shared on or before",
    "keep_drafts_months": "Months that a draft is kept",
    "keep_attested_years": "Years that an attested self-check is kept",
    "email": "Email address",
    "invitations": "List of people to invite",
    "seat": "Seat",
    "starts_on": "First day of the term",
    "on": "Last day",
    "reason": "Reason",
    "file_number": "File number",
    "pasted": "Code",
    "voting_day": "Voting day of a by-election",
    "campaign_ends": "Last day of the campaign period",
}
"""The inputs of forms other than the questionnaire's that people type into, by their labels."""
STATUSES = {"too_often": 429, "too_many_links": 429, "address_full": 429, "no_room": 503, "no_mail": 503}
"""The status of the page for each reason whose status is not 409."""


def made_for_another(request: HttpRequest) -> bool:
    """Whether a form was made for someone other than the person who is signed in now."""
    match = request.resolver_match
    if match is not None and match.namespace == "check":
        # A self-check without sign-in belongs to the browser, whoever has signed in.
        return False
    made_for = request.POST.get(AS) if request.method == "POST" else None
    return made_for is not None and request.user.is_authenticated and made_for != str(request.user.pk)


def keep_typed(request: HttpRequest, why: str, *, status: int | None = None) -> HttpResponse:
    """A page that contains everything that was posted, says why it was not saved, and offers a way to save it.

    The input exists only in that page, whose button posts it again. Input that someone else typed gets no button: it
    would be saved under the name of the person who presses the button. No page can keep a file, so it asks for
    the file again. The fragment for an autosave always has 409, since the open page shows its words only then.
    """
    if why == "stale" and made_for_another(request):
        why = "other_person"
    context = {**_given_back(request), "why": why, "again": _save_url(request, why)}
    if request.headers.get("HX-Request"):
        return render(request, "assessments/_not_saved.html", context, status=status or 409)
    return render(request, "assessments/not_saved.html", context, status=status or STATUSES.get(why, 409))


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    """The page for when the database is full, locked or not responding. It contains everything that was posted.

    It is made without the database, so it does not show who is signed in.
    """
    # Not the error's own message, which can quote a row.
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "pgcode", None) or ""
    log.error("The database gave an error during a request: %s %s", type(error).__name__, code)
    if hasattr(request, "session"):
        # The session could not be saved either, and trying would take another wait.
        request.session.modified = False
    may_send_again = request.method == "POST" and not _must_be_entered_again(request)
    context = {
        **_given_back(request),
        "why": "unavailable",
        "again": request.get_full_path() if may_send_again else "",
        "csrf_token": get_token(request),
        "no_menu": True,
    }
    page = "_not_saved" if request.headers.get("HX-Request") else "not_saved"
    text = render_to_string(f"assessments/{page}.html", context)
    return HttpResponse(text, status=503, headers={"Retry-After": "60"})


def typed_in(request: HttpRequest) -> bool:
    """Whether a form has anything that someone typed or chose, such as a file, other than a password."""
    return bool(request.FILES or _in_words(_posted(request)))


def _given_back(request: HttpRequest) -> dict[str, Any]:
    """What a form sent, for the page that gives it back: as fields, in words, and the names of its files."""
    posted = _posted(request)
    return {
        "posted": posted,
        "typed": _in_words(posted),
        "files": [file.name for _, files in request.FILES.lists() for file in files],
        "form_address": request.get_full_path(),
        "has_password": _has_password(request),
    }


def _has_password(request: HttpRequest) -> bool:
    return any("password" in name for name in request.POST)


def _must_be_entered_again(request: HttpRequest) -> bool:
    """Whether a form needs what no page gives back: a password, or files where nothing else was typed."""
    has_only_files = bool(request.FILES) and not _in_words(_posted(request))
    return has_only_files or _has_password(request)


def _posted(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form sent, without passwords."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and "password" not in name
        for value in values
    ]


def _save_url(request: HttpRequest, why: str) -> str:
    """The address to which the input can be posted again; empty if there is none."""
    match = request.resolver_match
    if why in ("other_edition", "too_large") or _must_be_entered_again(request):
        return ""
    may_succeed_later = why in ("signed_out", "stale", "not_fresh") or why in STATUSES
    if may_succeed_later or (match is not None and match.view_name == "restart"):
        return request.get_full_path()
    if why == "ended" and match is not None and match.view_name in ("check:section", "check:ask"):
        return f"{reverse('restart')}?to={quote(request.path)}"
    return ""


def _in_words(posted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What someone typed, as they saw it: the short form of each question, and the label of the answer."""
    on_file = questions()
    lines = []
    for name, value in posted:
        asked = name.removeprefix(UNSURE_BOX).removeprefix(NOTE).removeprefix(BLACK_OUT)
        edition, question = on_file.get(asked, (None, None))
        if not value.strip():
            continue
        if edition is None or question is None:
            if name in OTHER_FIELDS:
                lines.append((OTHER_FIELDS[name], value))
        elif name.startswith(BLACK_OUT):
            lines.append((f"{question.short}: words to black out in your note", value))
        elif name.startswith(NOTE):
            lines.append((f"{question.short}: your note", value))
        else:
            words = choice_words(edition, question)
            lines.append(
                (question.short, words[UNSURE] if name.startswith(UNSURE_BOX) else words.get(value, value))
            )
    return lines
