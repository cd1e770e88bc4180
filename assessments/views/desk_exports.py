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
from assessments.pdf.press import PressError
from assessments.services import desk_export as exporting
from assessments.services.desk_export import CannotExport
from assessments.services.printing import CannotStore
from assessments.views.access import freshly_signed_in, officer
from assessments.views.desk import found_by, way_back

AT_ONCE = 4.0
"""Seconds that a page may take to make missing PDFs before it tells how far it is."""
EXPORTS, KEPT = "desk_exports", 5
"""Where a session has what was chosen, and how many choices it remembers."""
KINDS = [("summary", "Summaries"), ("full", "Full advisories"), ("both", "Both")]
CHANGED = "The list is not what you saw any more: its search or a filter is gone. Find it again on the desk."
GONE = "The portal does not remember this choice any more. Choose again on the desk."


class ExportForm(forms.Form):
    """What to take away, and as what."""

    scope = forms.ChoiceField(choices=[("picked", ""), ("found", "")])
    form = forms.ChoiceField(choices=Export.Form.choices)
    kind = forms.ChoiceField(choices=KINDS, required=False)
    share = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        picked = [
            value
            for value in data.getlist("share")
            if value.isascii() and value.isdigit() and len(value) < 19
        ][:1_000]
        self.fields["share"].choices = [(value, value) for value in picked]  # type: ignore[attr-defined]


@require_POST
@officer
def choose(request: HttpRequest, by: User) -> HttpResponse:
    """Keep what was chosen, and go on to where it is made ready."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _cannot(request, "Choose what to take away, and as what.")
    told = form.cleaned_data
    if told["scope"] == "picked":
        rows = DeskEntry.objects.visible_to(by).filter(pk__in=told["share"])
        if not told["share"]:
            return _cannot(request, "Tick at least one share, or choose all that were found.")
    else:
        found = found_by(request, by, request.POST)
        # The list leaves out what it does not understand, and says so. Here that would take more than was seen.
        if found.problem or found.filters.form.errors:
            return _cannot(request, CHANGED)
        rows = found.rows
    try:
        keys = exporting.list_keys(rows)
    except CannotExport as error:
        return _cannot(request, str(error))
    token = secrets.token_urlsafe(9)
    choices = {
        **request.session.get(EXPORTS, {}),
        token: {"form": told["form"], "kind": told["kind"], "keys": keys, "unprinted": {}},
    }
    request.session[EXPORTS] = dict(list(choices.items())[-KEPT:])
    return redirect("desk_export", token=token)


def _cannot(request: HttpRequest, says: str, status: int = 400) -> HttpResponse:
    return render(
        request, "desk/cannot_export.html", {"says": says, "desk_last": way_back(request)}, status=status
    )


@require_http_methods(["GET", "HEAD", "POST"])
@officer
@freshly_signed_in
def export(request: HttpRequest, by: User, token: str) -> Any:
    """Make what is missing, a few seconds at a time, and say how far that is; a POST takes it all away."""
    choice = request.session.get(EXPORTS, {}).get(token)
    by_htmx = "HX-Request" in request.headers
    if choice is None and by_htmx:
        # htmx shows no answer that is a fault: the page itself asks again, and is told.
        return HttpResponse(headers={"HX-Refresh": "true"})
    if choice is None:
        return _cannot(request, GONE, status=404)
    here = reverse("desk_export", kwargs={"token": token})
    if "again" in request.POST:
        _remember_unprinted(request, token, {})
        return redirect(here)
    form, kind, problem = choice["form"], choice["kind"] or "both", ""
    unprinted = {int(key): why for key, why in choice["unprinted"].items()}
    keys, kinds = exporting.keep_current(choice["keys"]), exporting.kinds_of(form, kind)
    try:
        if request.method == "POST":
            collection = exporting.collect(keys=keys, form=form, kind=kind, without=unprinted)
            exporting.record_export(keys=collection.keys, form=form, by=by)
            return _streamed(collection)
        if not keys:
            raise CannotExport(exporting.ALL_WITHDRAWN)
        ends = time.monotonic() + AT_ONCE
        wanted = [one for one in exporting.list_missing(keys, kinds) if one[0] not in unprinted]
        if failed := exporting.make_missing(wanted, until=lambda: time.monotonic() > ends):
            unprinted |= failed
            _remember_unprinted(request, token, unprinted)
    except (CannotExport, CannotStore, PressError) as error:
        problem = str(error)
    wanted = exporting.list_missing(keys, kinds)
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
        "desk_last": way_back(request),
    }
    return render(request, "desk/export.html", context, status=503 if problem and not by_htmx else 200)


def _remember_unprinted(request: HttpRequest, token: str, unprinted: dict[int, str]) -> None:
    choices = request.session[EXPORTS]
    choices[token] = choices[token] | {"unprinted": {str(key): why for key, why in unprinted.items()}}
    request.session[EXPORTS] = choices


def _streamed(collection: exporting.Collection) -> StreamingHttpResponse:
    response = StreamingHttpResponse(collection.chunks, content_type=collection.content_type)
    response["Content-Length"] = str(collection.size)
    response["Content-Disposition"] = f'attachment; filename="{collection.name}"'
    # A proxy that waits for all of it would hide how far it is, and hold it.
    response["X-Accel-Buffering"] = "no"
    return response
