"""The URL patterns of the portal, and what the pages of each person link to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from django.urls import Resolver404, get_resolver, resolve

from tests.fuzz.pages import Form, Page
from tests.fuzz.wire import Ask, Reply
from tests.test_permissions import routes

PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
"""A parameter in a route of `path` or of `re_path`."""
PER_ROUTE = 2
"""Pages of one URL pattern that are read for each person."""


@dataclass(frozen=True)
class Route:
    """A URL pattern: its name, and its text with `{name}` for each parameter."""

    name: str
    template: str
    parameters: tuple[tuple[str, str], ...]

    def path(self, values: dict[str, str]) -> str:
        """The path with these values."""
        return "/" + PARAMETER.sub(lambda m: values.get(m[2] or m[3], ""), self.template)


def all_routes() -> list[Route]:
    """Every URL pattern of the portal, those of packages included."""
    made = []
    for name, pattern in routes(get_resolver().url_patterns):
        text = pattern
        if "(?P<" in text:
            text = re.sub(r"[\^$\\]", "", text)
        parameters = tuple((m[2] or m[3], m[1] or "str") for m in PARAMETER.finditer(text))
        made.append(Route(name, text, parameters))
    return made


@dataclass
class Atlas:
    """What was found for each person: the values of each route's parameters, its queries, and the forms."""

    values: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    queries: dict[str, list[str]] = field(default_factory=dict)
    forms: dict[tuple[str, str], list[Form]] = field(default_factory=dict)

    def note(self, who: str, url: str) -> str | None:
        """Note an address that someone's page names, and return its route's name if it has one."""
        split = urlsplit(url)
        try:
            match = resolve(split.path)
        except Resolver404:
            return None
        name = match.view_name or match.route
        captured = {key: str(value) for key, value in match.kwargs.items()}
        known = self.values.setdefault((who, name), [])
        if captured not in known:
            known.append(captured)
        if split.query and split.query not in (queries := self.queries.setdefault(name, [])):
            queries.append(split.query)
        return name

    def everyones(self, route: str) -> list[dict[str, str]]:
        """The values of a route's parameters for anyone."""
        return [values for (_, name), known in self.values.items() if name == route for values in known]

    def every_value(self) -> list[str]:
        """Every value of any parameter, in the order in which they were found."""
        values = [value for known in self.values.values() for named in known for value in named.values()]
        return list(dict.fromkeys(values))


def explore(
    people: dict[str, dict[str, str]], links: list[str], ask: Callable[[Ask], Reply], *, most: int
) -> Atlas:
    """Follow the links of each person's pages, at most `most` pages each."""
    atlas = Atlas()
    starts = [
        "/",
        "/office/",
        "/people/",
        "/desk/",
        "/check/next",
        "/check/answers",
        "/check/copies",
        "/account/login/",
        *links,
    ]
    starts += [route.path({}) for route in all_routes() if not route.parameters]
    for who in people:
        _explore(atlas, who, starts, ask, most)
    return atlas


def _explore(atlas: Atlas, who: str, starts: list[str], ask: Callable[[Ask], Reply], most: int) -> None:
    waiting, visited, counts = list(starts), set[str](), dict[str, int]()
    while waiting and len(visited) < most:
        url = waiting.pop(0)
        split = urlsplit(url)
        if split.netloc or split.scheme or url in visited:
            continue
        name = atlas.note(who, url)
        if name is None or counts.get(name, 0) >= PER_ROUTE:
            continue
        counts[name] = counts.get(name, 0) + 1
        visited.add(url)
        reply = ask(Ask(who, "GET", split.path.encode(), split.query.encode(), route=name))
        if 300 <= reply.status < 400:
            waiting.insert(0, urljoin(url, reply.get("Location")).partition("#")[0])
        if reply.kind != "text/html":
            continue
        page = Page(url, reply.body.decode("utf-8", "replace"))
        _note_forms(atlas, who, url, page.forms)
        for link in page.links:
            address = urljoin(url, link).partition("#")[0]
            if address.startswith("/"):
                atlas.note(who, address)
                waiting.append(address)


def _note_forms(atlas: Atlas, who: str, url: str, forms: list[Form]) -> None:
    for form in forms:
        form.action = urljoin(url, form.action)
        if (aimed := atlas.note(who, form.action)) is not None:
            atlas.forms.setdefault((who, aimed), []).append(form)
            if form.method == "GET":
                names = [(entry.name, entry.value) for entry in form.fields]
                atlas.queries.setdefault(aimed, []).append(urlencode(names, errors="replace"))


def fields_of(query: str) -> list[tuple[str, str]]:
    """A query's names and values."""
    return parse_qsl(query, keep_blank_values=True)
