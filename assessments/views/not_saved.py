"""The page that holds what someone typed when it could not be saved, says why, and offers the way to save it."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from assessments.forms.section import NOTE, UNSURE_BOX
from assessments.scoring.wording import choice_words
from bulletin.encoding.conditions import UNSURE
from bulletin.shelf import questions

AS = "as"
"""The input that says whom a form was made for: on another tab of the same browser somebody else may sign in."""
OTHER_FIELDS = {
    "platform": "Platform",
    "handle": "Account",
    "member": "Member of Council",
    "display_name": "Name shown",
    "address": "Web address",
    "answers": "Answers file",
    "text": "What you wrote",
    "question_to_ask": "Your question",
    "email": "E-mail address",
    "seat": "Seat",
    "starts_on": "First day of the term",
    "on": "Last day",
}
"""What people type in forms other than the questionnaire's, as its labels call it."""


def made_for_another(request: HttpRequest) -> bool:
    """Whether a form was made for somebody else than the one who is signed in by now."""
    whose = request.POST.get(AS) if request.method == "POST" else None
    return whose is not None and request.user.is_authenticated and whose != str(request.user.pk)


def keep_typed(request: HttpRequest, why: str, *, status: int = 409) -> HttpResponse:
    """A page that holds all that was posted, says why it was not saved, and offers the way to save it.

    Nothing of it is kept but in that page: it is posted again when the person presses the button. What somebody else
    typed is never sent with one press: it would bear the name of whoever presses.
    """
    if why == "stale" and made_for_another(request):
        why = "other_person"
    posted = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and "password" not in name
        for value in values
    ]
    context = {
        "why": why,
        "posted": posted,
        "typed": _in_words(posted),
        "address": request.get_full_path(),
        "again": _way_to_save(request, why),
    }
    if request.headers.get("HX-Request"):
        return render(request, "assessments/_not_saved.html", context, status=status)
    return render(request, "assessments/not_saved.html", context, status=status)


def _way_to_save(request: HttpRequest, why: str) -> str:
    """Where what was typed can be posted to once more; empty where there is no such place."""
    match = request.resolver_match
    if why in ("signed_out", "stale", "not_fresh") or (match is not None and match.view_name == "restart"):
        return request.get_full_path()
    if why == "ended" and match is not None and match.view_name == "check:section":
        return f"{reverse('restart')}?to={quote(request.path)}"
    return ""


def _in_words(posted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What someone typed, as they would know it again: the question in short, and the answer's own words."""
    on_file = questions()
    told = []
    for name, value in posted:
        edition, question = on_file.get(name.removeprefix(UNSURE_BOX).removeprefix(NOTE), (None, None))
        if not value.strip():
            continue
        if edition is None or question is None:
            if name in OTHER_FIELDS:
                told.append((OTHER_FIELDS[name], value))
        elif name.startswith(NOTE):
            told.append((f"{question.short}: your note", value))
        else:
            words = choice_words(edition, question)
            told.append(
                (question.short, words[UNSURE] if name.startswith(UNSURE_BOX) else words.get(value, value))
            )
    return told
