"""Exporting what was shared: chosen on the desk, prepared in steps, then streamed."""

from __future__ import annotations

import secrets
import time

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from assessments.models import DeskEntry, Export, User
from assessments.services import desk_export
from assessments.services.desk_export import CannotExport
from assessments.views.access import freshly_signed_in, officer
from assessments.views.desk import last_desk_url, select
from assessments.views.downloads import PDF_FAULTS, file_response

STEP_SECONDS = 4.0
"""Seconds for which one request prints missing PDFs before its page reports the progress."""
EXPORTS, MAX_EXPORTS = "desk_exports", 5
"""The session's key for chosen exports, by token; and how many a session keeps."""
KINDS = [("summary", "Summaries"), ("full", "Full advisories"), ("both", "Both")]
NO_CHOICE = "Choose a format."
NO_SHARE = (
    "The rows that you selected are no longer listed. Select rows again, or none to export all of them."
)
CHANGED = "The search has expired, or a filter is not valid. Go back to the list and search again."
FORGOTTEN = "This export has expired. Go back to the list and prepare it again."


class ExportForm(forms.Form):
    """Which shares to export, and in which format. Without `share`, all that were found."""

    form = forms.ChoiceField(choices=Export.Form.choices)
    kind = forms.ChoiceField(choices=KINDS, required=False)
    share = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, posted: QueryDict) -> None:
        super().__init__(posted)
        picked = [
            value
            for value in posted.getlist("share")
            if value.isascii() and value.isdigit() and len(value) < 19
        ][:1_000]
        self.fields["share"].choices = [(value, value) for value in picked]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@officer
def choose(request: HttpRequest, by: User) -> HttpResponse:
    """Keep the choice in the session, and go to the page that prepares the export. A GET leads back to the desk."""
    if request.method != "POST":
        return redirect(last_desk_url(request))
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _refused(request, NO_CHOICE)
    chosen = form.cleaned_data
    if "share" in request.POST:
        rows = DeskEntry.objects.visible_to(by).filter(pk__in=chosen["share"])
        if not rows.exists():
            return _refused(request, NO_SHARE)
    else:
        selection = select(request, by, request.POST)
        # The list ignores a filter that it does not understand. Here, that would export more than the officer saw.
        if selection.problem or selection.filters.form.errors:
            return _refused(request, CHANGED)
        rows = selection.rows
    try:
        keys = desk_export.list_keys(rows)
    except CannotExport as error:
        return _refused(request, str(error))
    token = secrets.token_urlsafe(9)
    choices = {
        **request.session.get(EXPORTS, {}),
        token: {"form": chosen["form"], "kind": chosen["kind"], "keys": keys, "unprinted": {}},
    }
    request.session[EXPORTS] = dict(list(choices.items())[-MAX_EXPORTS:])
    return redirect("desk_export", token=token)


def _refused(request: HttpRequest, reason: str, status: int = 400) -> HttpResponse:
    return render(
        request,
        "desk/cannot_export.html",
        {"reason": reason, "desk_last": last_desk_url(request)},
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@officer
@freshly_signed_in
def export(request: HttpRequest, by: User, token: str) -> HttpResponseBase:
    """Print what is missing, a few seconds at a time, and show the progress; a POST downloads the export."""
    choice = request.session.get(EXPORTS, {}).get(token)
    by_htmx = "HX-Request" in request.headers
    if choice is None and by_htmx:
        # htmx does not show a response that is an error, so the page reloads itself and shows the reason.
        return HttpResponse(headers={"HX-Refresh": "true"})
    if choice is None:
        return _refused(request, FORGOTTEN, status=404)
    here = reverse("desk_export", kwargs={"token": token})
    if "again" in request.POST:
        _keep_unprinted(request, token, {})
        return redirect(here)
    form, kind, problem = choice["form"], choice["kind"] or "both", ""
    unprinted = {int(key): reason for key, reason in choice["unprinted"].items()}
    keys, kinds = desk_export.keep_standing(choice["keys"]), desk_export.kinds_of(form, kind)
    try:
        if request.method == "POST":
            collection = desk_export.collect(keys=keys, form=form, kind=kind, without=unprinted)
            desk_export.append_export(keys=collection.keys, form=form, by=by)
            return file_response(
                collection.chunks, collection.content_type, collection.name, size=collection.size
            )
        if not keys:
            raise CannotExport(desk_export.ALL_WITHDRAWN)
        deadline = time.monotonic() + STEP_SECONDS
        wanted = [(key, kind) for key, kind in desk_export.list_missing(keys, kinds) if key not in unprinted]
        if failed := desk_export.make_missing(wanted, until=lambda: time.monotonic() > deadline):
            unprinted |= failed
            _keep_unprinted(request, token, unprinted)
    except (CannotExport, *PDF_FAULTS) as error:
        problem = str(error)
    wanted = desk_export.list_missing(keys, kinds)
    needed = len(keys) * len(kinds)
    context = {
        "form": Export.Form(form).label,
        "kind": dict(KINDS)[kind] if form == Export.Form.ZIP else "",
        "count": len(keys),
        "fewer": len(choice["keys"]) - len(keys),
        "needed": needed,
        "there": needed - len(wanted),
        "missing": sum(key not in unprinted for key, _ in wanted),
        "unprinted": [
            (entry, unprinted[entry.pk])
            for entry in DeskEntry.objects.visible_to(by).filter(pk__in=unprinted)
        ],
        "problem": problem,
        "here": here,
        "desk_last": last_desk_url(request),
    }
    return render(request, "desk/export.html", context, status=503 if problem and not by_htmx else 200)


def _keep_unprinted(request: HttpRequest, token: str, unprinted: dict[int, str]) -> None:
    choices = request.session[EXPORTS]
    choices[token] = choices[token] | {"unprinted": {str(key): reason for key, reason in unprinted.items()}}
    request.session[EXPORTS] = choices
