"""The Commissioner's desk: what members shared, found again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from assessments.forms.desk import (
    KEPT_PRIVATE,
    MAX_WORDS,
    DeskFilter,
    contact_titles,
    containing,
    overall_titles,
)
from assessments.models import DeskEntry, Share, User
from assessments.models.desk import DeskEntryQuerySet, Place
from assessments.services.audit import Action, append_access
from assessments.views.access import officer

AT_ONCE = 25
"""Rows on a page of the desk."""
SEARCHES, KEPT = "desk_searches", 20
"""Where a session has what was typed to look for, by a token, and how many searches it remembers."""
LAST = "desk_last"
"""Where a session has what the desk showed last, as its address carries it."""
LOST = "The portal does not remember this search any more. Type the words again."
NOWHERE = "This link leads to no place in the list. It is shown from the top."


@dataclass(frozen=True)
class Found:
    """What an address of the desk, or a form that carries its parts, narrows the list down to."""

    filters: DeskFilter
    rows: DeskEntryQuerySet
    words: str
    token: str
    """What the session has the words under; empty where there are none."""
    problem: str

    @property
    def parts(self) -> dict[str, str]:
        """The filters, and the token of the search, as an address carries them; never the words."""
        return self.filters.url_params | ({"search": self.token} if self.token else {})


def found_by(request: HttpRequest, by: User, data: QueryDict) -> Found:
    """Apply filters and search."""
    token = data.get("search", "")
    typed = request.session.get(SEARCHES, {}).get(token, {})
    data = data.copy()
    for name in KEPT_PRIVATE:
        data[name] = typed.get(name, "")
    filters = DeskFilter(data, DeskEntry.objects.visible_to(by))
    words = typed.get("words", "")
    problem = LOST if token and not typed else ""
    return Found(filters, containing(filters.matching, words), words, token if typed else "", problem)


def way_back(request: HttpRequest) -> str:
    """The desk as the officer saw it last: with its filters, its search and its place in the list."""
    query = request.session.get(LAST, "")
    return reverse("desk") + (f"?{query}" if query else "")


@require_http_methods(["GET", "HEAD", "POST"])
@officer
def desk(request: HttpRequest, by: User) -> HttpResponse:
    """What waits first, then the newest; a POST looks for words, which no address ever carries."""
    if request.method == "POST":
        return redirect(_remember(request, by))
    found = found_by(request, by, request.GET)
    problem, place, last = found.problem, {}, found.parts
    for way in ("after", "before"):
        if text := request.GET.get(way):
            try:
                place = {way: Place.read(text)}
                last = found.parts | {way: text}
            except ValueError:
                problem = NOWHERE
    if request.session.get(LAST) != (query := urlencode(last)):
        request.session[LAST] = query
    page = found.rows.page(size=AT_ONCE, **place)
    append_access(office=None, action=Action.DESK_VIEWED, about=by, by=by)
    shown = Share.objects.with_superseded().filter(pk__in=[row.pk for row in page.rows])
    counted = found.rows.aggregate(all=Count("pk"), takeable=Count("pk", filter=Q(withdrawn_at__isnull=True)))
    visible = DeskEntry.objects.visible_to(by).filter(withdrawn_at__isnull=True)
    context = {
        "found": found,
        "form": found.filters.form,
        "page": page,
        "superseded": {one.pk for one in shown if one.is_superseded},  # type: ignore[attr-defined]
        "overall": overall_titles(),
        "contact": contact_titles(),
        "count": counted["all"],
        "takeable": counted["takeable"],
        "withdrawn": counted["all"] - counted["takeable"],
        "all": visible.count(),
        **visible.how_many_wait(),
        "problem": problem,
        "query": urlencode(found.parts),
        "is_narrowed": bool(found.parts),
        "is_deep": bool(place),
    }
    return render(request, "desk/desk.html", context)


def _remember(request: HttpRequest, by: User) -> str:
    """Keep what was typed to look for in the session; the address that finds it again."""
    parts = DeskFilter(request.POST, DeskEntry.objects.visible_to(by)).url_params
    typed = {
        name: " ".join(request.POST.get(name, "").replace("\0", " ").split())[:MAX_WORDS]
        for name in ("words", *KEPT_PRIVATE)
    }
    if any(typed.values()):
        searches = request.session.get(SEARCHES, {})
        token = secrets.token_urlsafe(9)
        request.session[SEARCHES] = dict([*searches.items(), (token, typed)][-KEPT:])
        parts["search"] = token
    return reverse("desk") + (f"?{urlencode(parts)}" if parts else "")
