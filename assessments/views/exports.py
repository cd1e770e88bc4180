"""Taking away what was shared: chosen on the desk, made ready in steps, then streamed."""

from __future__ import annotations

import secrets
import time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from assessments.models import DeskEntry, Export, User
from assessments.reports.press import PressError
from assessments.services import exporting_shared as exporting
from assessments.services.exporting_shared import CannotExport
from assessments.services.printing import CannotStore
from assessments.views.commissioner import found_by, officer
from assessments.views.fresh import freshly_signed_in

AT_ONCE = 4.0
"""Seconds that a page may take to make missing PDFs before it tells how far it is."""
EXPORTS, KEPT = "desk_exports", 2
"""Where a session has what was chosen, and how many choices it remembers."""
KINDS = [("summary", "Summaries"), ("full", "Full advisories"), ("both", "Both")]
GONE = "The portal does not remember this choice any more. Choose again on the desk."


class ExportForm(forms.Form):
    """What to take away, and as what."""

    scope = forms.ChoiceField(choices=[("picked", ""), ("found", "")])
    form = forms.ChoiceField(choices=Export.Form.choices)
    kind = forms.ChoiceField(choices=KINDS, required=False)
    share = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        picked = [value for value in data.getlist("share") if value.isascii() and value.isdigit()][:1_000]
        self.fields["share"].choices = [(value, value) for value in picked]  # type: ignore[attr-defined]


@require_POST
@officer
def choose(request: HttpRequest, by: User) -> HttpResponse:
    """Keep what was chosen, and go on to where it is made ready."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _cannot(request, "Choose what to take away, and as what.")
    told = form.cleaned_data
    rows = found_by(request, by, request.POST).rows
    if told["scope"] == "picked":
        rows = DeskEntry.objects.visible_to(by).filter(pk__in=told["share"])
        if not told["share"]:
            return _cannot(request, "Tick at least one share, or choose all that were found.")
    try:
        keys = exporting.chosen(rows)
    except CannotExport as error:
        return _cannot(request, str(error))
    token = secrets.token_urlsafe(9)
    choices = {
        **request.session.get(EXPORTS, {}),
        token: {"form": told["form"], "kind": told["kind"], "keys": keys},
    }
    request.session[EXPORTS] = dict(list(choices.items())[-KEPT:])
    return redirect("desk_export", token=token)


def _cannot(request: HttpRequest, says: str, status: int = 400) -> HttpResponse:
    return render(request, "desk/cannot_export.html", {"says": says}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@officer
@freshly_signed_in
def export(request: HttpRequest, by: User, token: str) -> Any:
    """Make what is missing, a few seconds at a time, and say how far that is; a POST takes it all away."""
    choice = request.session.get(EXPORTS, {}).get(token)
    if choice is None:
        return _cannot(request, GONE, status=404)
    keys, form, kind = choice["keys"], choice["form"], choice["kind"] or "both"
    problem = ""
    try:
        if request.method == "POST":
            collection = exporting.collect(keys=keys, form=form, kind=kind)
            exporting.note_export(keys=keys, form=form, by=by)
            return _streamed(collection)
        wanted = exporting.missing(keys, exporting.kinds_of(form, kind))
        ends = time.monotonic() + AT_ONCE
        exporting.make_missing(wanted, until=lambda: time.monotonic() > ends)
    except (CannotExport, CannotStore, PressError) as error:
        problem = str(error)
    wanted = exporting.missing(keys, exporting.kinds_of(form, kind))
    needed = len(keys) * len(exporting.kinds_of(form, kind))
    context = {
        "form": Export.Form(form).label,
        "kind": dict(KINDS)[kind] if form == Export.Form.ZIP else "",
        "count": len(keys),
        "needed": needed,
        "there": needed - len(wanted),
        "missing": len(wanted),
        "problem": problem,
        "here": reverse("desk_export", kwargs={"token": token}),
    }
    return render(request, "desk/export.html", context, status=503 if problem else 200)


def _streamed(collection: exporting.Collection) -> StreamingHttpResponse:
    response = StreamingHttpResponse(collection.chunks, content_type=collection.content_type)
    response["Content-Length"] = str(collection.size)
    response["Content-Disposition"] = f'attachment; filename="{collection.name}"'
    # A proxy that waits for all of it would hide how far it is, and hold it.
    response["X-Accel-Buffering"] = "no"
    return response
