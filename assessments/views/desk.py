"""The Commissioner's desk: the list of what members shared, with its filters and search."""

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
    containing,
)
from assessments.models import DeskEntry, Share, User
from assessments.models.desk import DeskEntryQuerySet, Place
from assessments.reports.titles import NO_CONTACT, contact_titles, overall_titles
from assessments.services.audit import Action, append_access
from assessments.views.access import officer

PAGE_SIZE = 25
"""Rows on a page of the list."""
SEARCHES, MAX_SEARCHES = "desk_searches", 20
"""The session's key for the words of searches, by token; and how many searches a session keeps."""
LAST_VIEW = "desk_last"
"""The session's key for the query string of the list that the officer last saw."""
SEARCH_FORGOTTEN = "This search has expired. Search again."
SEARCH_TOO_LONG = f"Use at most {MAX_WORDS} characters to search."
MAX_KEPT = 1_000
"""The most characters of a search that a session keeps. One that is too long comes back, to be shortened."""
PLACE_UNKNOWN = "This link does not lead to a page of the list, so the first page is shown."


@dataclass(frozen=True)
class Selection:
    """The rows that the filters and the search of an address, or of a form with the same parameters, select."""

    filters: DeskFilter
    rows: DeskEntryQuerySet
    words: str
    token: str
    """The session's key for the words; empty if there are none."""
    problem: str

    @property
    def params(self) -> dict[str, str]:
        """The filters and the search's token, as parameters of an address. They never include the words."""
        return self.filters.url_params | ({"search": self.token} if self.token else {})


def select(request: HttpRequest, by: User, query: QueryDict) -> Selection:
    """Apply the filters and the search of these parameters."""
    token = query.get("search", "")
    typed = request.session.get(SEARCHES, {}).get(token, {})
    query = query.copy()
    for name in KEPT_PRIVATE:
        query[name] = typed.get(name, "")
    filters = DeskFilter(query, DeskEntry.objects.visible_to(by), by)
    words = typed.get("words", "")
    problem = SEARCH_FORGOTTEN if token and not typed else ""
    if len(words) > MAX_WORDS:
        problem, rows = SEARCH_TOO_LONG, filters.queryset.none()
    else:
        rows = containing(filters.matching, words)
    return Selection(filters, rows, words, token if typed else "", problem)


def last_desk_url(request: HttpRequest) -> str:
    """The address of the desk as the officer last saw it: with its filters, its search and its place in the list."""
    query = request.session.get(LAST_VIEW, "")
    return reverse("desk") + (f"?{query}" if query else "")


@require_http_methods(["GET", "HEAD", "POST"])
@officer
def desk(request: HttpRequest, by: User) -> HttpResponse:
    """The shares: those that need attention first, then the newest. A POST searches, so that no URL has the words."""
    if request.method == "POST":
        return redirect(_keep_search(request, by))
    selection = select(request, by, request.GET)
    problem, place, last = selection.problem, {}, selection.params
    for direction in ("after", "before"):
        if text := request.GET.get(direction):
            try:
                place = {direction: Place.read(text)}
                last = selection.params | {direction: text}
            except ValueError:
                problem = PLACE_UNKNOWN
    if request.session.get(LAST_VIEW) != (query := urlencode(last)):
        request.session[LAST_VIEW] = query
    page = selection.rows.select_related("assigned_to").page(size=PAGE_SIZE, **place)
    append_access(office=None, action=Action.DESK_VIEWED, about=by, by=by)
    shares = Share.objects.with_superseded().filter(pk__in=[row.pk for row in page.rows])
    counted = selection.rows.aggregate(
        all=Count("pk"), exportable=Count("pk", filter=Q(withdrawn_at__isnull=True))
    )
    visible = DeskEntry.objects.visible_to(by).filter(withdrawn_at__isnull=True)
    context = {
        "selection": selection,
        "form": selection.filters.form,
        "page": page,
        "superseded": {share.pk for share in shares if share.is_superseded},  # type: ignore[attr-defined]
        "overall": overall_titles(),
        "contact": contact_titles(),
        "count": counted["all"],
        "no_contact": NO_CONTACT,
        "exportable": counted["exportable"],
        "withdrawn": counted["all"] - counted["exportable"],
        "all": visible.count() if selection.params else counted["exportable"],
        **visible.how_many_wait(),
        "problem": problem,
        "query": urlencode(selection.params),
        "is_narrowed": bool(selection.params),
        "is_deep": bool(place),
    }
    return render(request, "desk/desk.html", context)


def _keep_search(request: HttpRequest, by: User) -> str:
    """Keep the words of a search in the session, and return the address that repeats the search."""
    params = DeskFilter(request.POST, DeskEntry.objects.visible_to(by), by).url_params
    typed = {
        name: " ".join(request.POST.get(name, "").replace("\0", " ").split())[:MAX_KEPT]
        for name in ("words", *KEPT_PRIVATE)
    }
    if any(typed.values()):
        searches = request.session.get(SEARCHES, {})
        token = secrets.token_urlsafe(9)
        request.session[SEARCHES] = dict([*searches.items(), (token, typed)][-MAX_SEARCHES:])
        params["search"] = token
    return reverse("desk") + (f"?{urlencode(params)}" if params else "")
