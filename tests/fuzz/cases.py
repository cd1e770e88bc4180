"""Makes the requests of a case from its number and the seed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from urllib.parse import quote_from_bytes, urlsplit

from tests.cast import code_at
from tests.fuzz.atlas import Atlas, Route, fields_of
from tests.fuzz.headers import header
from tests.fuzz.pages import Field, Form
from tests.fuzz.texts import encoded, hostile, mark_of, seeded
from tests.fuzz.wire import Ask, host

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROBNICATE")
Pairs = list[tuple[str, str]]
FILES = (
    "../../../etc/passwd",
    "a.json\x00.html",
    "con",
    "\ud800.json",
    "𝒜" * 300,
    "\"; filename*=utf-16''%00\"",
    "<{m}>.json",
    "a\r\nX-Injected: {m}",
    "",
    ".",
    "answers.json",
)
"""Hostile names of files."""
TIMES = 70
"""More requests of one kind than anyone may send in a minute."""
NUMBERS = (
    *("0", "-1", "1" * 18, "9223372036854775807", "9223372036854775808", "9" * 30, "9" * 4_400),
    *("007", "+1", "1.0", "1e3", "１", "٣", "²", "1\n", " 1", "1;2"),
)
"""What stands in an address where a number belongs."""


@dataclass
class Cases:
    """All cases of a seed."""

    seed: int
    routes: Sequence[Route]
    atlas: Atlas
    people: Sequence[str]
    cookies: dict[str, dict[str, str]]
    passwords: dict[str, str]

    def case(self, number: int) -> list[Ask]:
        """The requests of a case, one after the other. Those before the last are as the pages make them."""
        random = seeded(self.seed, number)
        steps = random.choices((1, 2, 3), (60, 28, 12))[0]
        asks = [self._valid(random, mark_of(self.seed, number, step)) for step in range(steps - 1)]
        route = self.routes[number % len(self.routes)]
        last = self._last(random, route, mark_of(self.seed, number, steps))
        # Often about what the step before it was about.
        if asks and random.random() < 0.3:
            last = Make(random, asks[-1].mark + "z", self).request(last.who, self._route(asks[-1].route))
        # Once in a while the same request again and again, until it is refused as too many.
        times = TIMES if last.method == "POST" and random.random() < 0.002 else 1
        return [*asks, *[last] * times]

    def _route(self, name: str) -> Route:
        return next(route for route in self.routes if route.name == name)

    def _valid(self, random: Random, mark: str) -> Ask:
        """A form that a page offers, filled in as a person would."""
        who, route = random.choice(sorted(self.atlas.forms))
        form = random.choice(self.atlas.forms[who, route])
        make = Make(random, mark, self)
        pairs = make.filled(form, who)
        ask = make.bare(who, form.method, urlsplit(form.action).path.encode(), route)
        if form.method == "POST":
            ask.query = urlsplit(form.action).query.encode()
            ask.content_type, ask.body = "application/x-www-form-urlencoded", make.urlencoded(pairs)
        else:
            ask.query = make.urlencoded(pairs)
        return ask

    def _last(self, random: Random, route: Route, mark: str) -> Ask:
        able = [who for who in self.people if (who, route.name) in self.atlas.forms]
        who = random.choice(able) if able and random.random() < 0.35 else random.choice(list(self.people))
        return Make(random, mark, self).request(who, route)


@dataclass
class Make:
    """Makes one request, with one mark, by one source of choices."""

    random: Random
    mark: str
    cases: Cases

    def chance(self, share: float) -> bool:
        """True for a share of all calls."""
        return self.random.random() < share

    def text(self) -> str:
        """A hostile text."""
        return hostile(self.random, self.mark)

    def bare(self, who: str, method: str, path: bytes, route: str) -> Ask:
        """A request of a person's browser."""
        ask = Ask(who, method, path, route=route, mark=self.mark)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cases.cookies[who].items())
        ask.headers = [("Cookie", cookies)] if cookies else []
        ask.headers += [("Origin", f"https://{host()}"), ("Referer", f"https://{host()}/")]
        return ask

    def request(self, who: str, route: Route) -> Ask:
        """A request to a route, hostile in some way or other."""
        forms = self.cases.atlas.forms.get((who, route.name), [])
        form = self.random.choice(forms) if forms else self._form_of_another(route)
        method = self.random.choices(METHODS, (36, 6, 36, 4, 4, 4, 4, 3, 3))[0]
        ask = self.bare(who, method, self._path(who, route), route.name)
        if form and forms and self.chance(0.5):
            ask.path = urlsplit(form.action).path.encode()
        ask.query = self._query(route)
        if method not in ("GET", "HEAD") or self.chance(0.05):
            self._fill_body(ask, form)
        if self.chance(0.35):
            self._add_headers(ask)
        # The server refuses longer request lines itself.
        ask.path = ask.path[:3_000]
        ask.query = ask.query[: 4_000 - len(ask.path)]
        return ask

    def _form_of_another(self, route: Route) -> Form | None:
        forms = [
            form
            for (_, name), known in self.cases.atlas.forms.items()
            if name == route.name
            for form in known
        ]
        return self.random.choice(forms) if forms else None

    # --- Addresses ------------------------------------------------------------

    def _path(self, who: str, route: Route) -> bytes:
        atlas = self.cases.atlas
        draw = self.random.random()
        own = atlas.values.get((who, route.name), [])
        others = atlas.everyones(route.name)
        values: dict[str, str] = {}
        if own and draw < 0.4:
            values = dict(self.random.choice(own))
        elif others and draw < 0.75:
            values = dict(self.random.choice(others))
        for name, kind in route.parameters:
            if name not in values or self.chance(0.12):
                values[name] = self._value(kind)
        path = self.quoted(route.path(values), safe="/")
        if self.chance(0.04):
            path = self.random.choice(
                (
                    path.rstrip(b"/"),
                    path + b"/",
                    b"/" + path,
                    b"//evil.example/%2f.." + path,
                    path + b"%00",
                    path + b"/%ff%fe\xc0\xaf",
                    b"/static/../" + path,
                    b"/static/..%2f..%2fmanage.py",
                    b"/\\evil.example" + path,
                    path.upper(),
                    b"*",
                    b"",
                )
            )
        return path

    def _value(self, kind: str) -> str:
        draw = self.random.random()
        if draw < 0.35:
            return self.random.choice(self.cases.atlas.every_value() or ["1"])
        if kind == "int" and draw < 0.85:
            numbers = (str(self.random.randint(0, 60)), *NUMBERS)
            return self.random.choice(numbers)
        return self.text()

    def _query(self, route: Route) -> bytes:
        if not self.chance(0.45):
            return b""
        known = self.cases.atlas.queries.get(route.name, [])
        pairs = fields_of(self.random.choice(known)) if known and self.chance(0.8) else []
        names = ["next", "page", "q", "words", "to", "as", "ready", "sort", "since"]
        for _ in range(self.random.randint(0, 3)):
            pairs.append((self.random.choice(names) if self.chance(0.8) else self.text(), self.text()))
        pairs = self._mutated(pairs) if self.chance(0.6) else pairs
        query = self.urlencoded(pairs)
        if self.chance(0.04):
            query += self.random.choice(
                (b"&%ff=%fe", b"&&&=&", b"%", b"&a[]=%uD800", b"?" * 50, b"&x" * 1_100, b"\xff\xfe")
            )
        return query

    # --- Forms ----------------------------------------------------------------

    def filled(self, form: Form, who: str) -> Pairs:
        """A form's names and values, as a person might fill it in."""
        pairs: Pairs = []
        buttons = [f for f in form.fields if f.kind in ("button", "submit")]
        pressed = self.random.choice(buttons) if buttons else None
        for entry in form.fields:
            if entry in buttons:
                if entry is pressed:
                    pairs.append((entry.name, self.random.choice(entry.choices or [entry.value])))
            elif entry.kind == "checkbox":
                pairs += [(entry.name, choice) for choice in entry.choices if self.chance(0.7)]
            else:
                pairs.append((entry.name, self._answer(entry, who)))
        return pairs

    def _answer(self, entry: Field, who: str) -> str:
        if entry.kind in ("hidden", "file"):
            return entry.value
        if entry.kind in ("radio", "select") and entry.choices:
            return self.random.choice(entry.choices)
        if entry.value and self.chance(0.5):
            return entry.value
        if "email" in entry.name or entry.kind == "email":
            return f"{self.mark}@example.ca"
        if entry.kind == "password" and self.chance(0.7):
            return self.cases.passwords.get(who, "quiet harbour nine")
        if entry.name == "login" and self.chance(0.7):
            return self.random.choice(("member@example.ca", "officer@example.ca", "nobody@example.ca"))
        if entry.name == "code" and self.chance(0.7):
            return code_at(time.time())
        if any(
            word in entry.name for word in ("day", "since", "until", "starts_on", "ends", "by", "on")
        ) and self.chance(0.6):
            return self.random.choice(("2026-10-26", "1 December 2026", "2022-11-15", "2030-01-01"))
        return self.random.choice((f"Words {self.mark}", f'<{self.mark}> "{self.mark} &', "12", self.mark))

    def _mutated(self, pairs: Pairs) -> Pairs:
        pairs = list(pairs)
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randrange(len(pairs)) if pairs else 0
            name, value = pairs[at] if pairs else (self.text(), self.text())
            draw = self.random.random()
            if draw < 0.5 or not pairs:
                pairs[at : at + 1] = [(name, self.text())]
            elif draw < 0.62:
                pairs.append((name, self.text()))
            elif draw < 0.74:
                del pairs[at]
            elif draw < 0.82:
                pairs[at] = (name + self.random.choice(("[]", "[0]", ".", "\x00", self.text())), value)
            elif draw < 0.9:
                pairs[at] = (name, value + self.text())
            elif draw < 0.98:
                pairs.append((self.text(), self.text()))
            else:
                pairs += [(f"{name}{index}", "1") for index in range(self.random.choice((40, 1_001)))]
        return pairs

    def urlencoded(self, pairs: Pairs) -> bytes:
        """Names and values as a form sends them."""
        return b"&".join(self.quoted(name) + b"=" + self.quoted(value) for name, value in pairs)

    @staticmethod
    def quoted(text: str, safe: str = "") -> bytes:
        """A text as in an address."""
        return quote_from_bytes(encoded(text), safe=safe).encode()

    # --- Bodies ---------------------------------------------------------------

    def _fill_body(self, ask: Ask, form: Form | None) -> None:
        pairs = self.filled(form, ask.who) if form else [("csrfmiddlewaretoken", self._token(ask.who))]
        if self.chance(0.7):
            token = [pair for pair in pairs if pair[0] in ("csrfmiddlewaretoken", "as")]
            rest = self._mutated([pair for pair in pairs if pair not in token])
            pairs = [*token, *rest] if self.chance(0.9) else rest
        kind = self.random.choices(("form", "multipart", "json", "xml", "bytes"), (60, 22, 7, 3, 8))[0]
        getattr(self, f"_as_{kind}")(ask, pairs)
        if self.chance(0.06):
            # The server refuses what is no number.
            ask.length = self.random.choice(("0", "999999999999", "007", str(len(ask.body) // 2)))
        elif self.chance(0.05):
            ask.body = ask.body[: len(ask.body) // 2]
        elif self.chance(0.02):
            ask.breaks, ask.length = True, str(len(ask.body) + 100)

    def _token(self, who: str) -> str:
        for (name, _), forms in self.cases.atlas.forms.items():
            if name == who:
                for form in forms:
                    for entry in form.fields:
                        if entry.name == "csrfmiddlewaretoken":
                            return entry.value
        return ""

    def _as_form(self, ask: Ask, pairs: Pairs) -> None:
        ask.content_type = "application/x-www-form-urlencoded"
        ask.body = self.urlencoded(pairs)
        if self.chance(0.02):
            ask.body += b"&big=" + self.mark.encode() * 200_000

    def _as_json(self, ask: Ask, pairs: Pairs) -> None:
        ask.content_type = "application/json"
        deep = "[" * 50_000 if self.chance(0.2) else ""
        ask.body = encoded(deep + json.dumps(dict(pairs), ensure_ascii=self.chance(0.5)))

    def _as_xml(self, ask: Ask, pairs: Pairs) -> None:
        ask.content_type = "application/xml"
        ask.body = encoded(
            f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;{self.mark}{pairs}</a>'
        )

    def _as_bytes(self, ask: Ask, pairs: Pairs) -> None:
        ask.content_type = self.random.choice(
            (
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "text/plain",
                "",
                "a/b",
                "/",
                ";;;=",
            )
        )
        ask.body = self.random.randbytes(self.random.randint(1, 2_000)) + self.mark.encode()

    def _as_multipart(self, ask: Ask, pairs: Pairs) -> None:
        boundary = "a-boundary-7741"
        parts = []
        for name, value in pairs:
            label = encoded(name).replace(b'"', b"%22")
            parts.append(b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (label, encoded(value)))
        for _ in range(self.random.randint(0, 2)):
            file = encoded(self.random.choice(FILES).format(m=self.mark))
            field = self.random.choice((b"file", b"answers", b"people", encoded(self.text())))
            head = self.random.choice(
                (b"Content-Type: application/json", b"Content-Type: text/csv; charset=utf-16",
                 b"Content-Transfer-Encoding: base64", b"Content-Type: \xff\xff", b"X: " + b"y" * 3_000)
            )  # fmt: skip
            body = encoded(
                self.random.choice(('{"edition": "x", "answers": {}}', self.text(), "\x00" * 2_000))
            )
            parts.append(
                b'Content-Disposition: form-data; name="%s"; filename="%s"\r\n%s\r\n\r\n%s'
                % (field, file, head, body)
            )
        ask.body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
        ask.body += b"--%s--\r\n" % boundary.encode()
        ask.content_type = f"multipart/form-data; boundary={boundary}"
        if self.chance(0.2):
            ask.content_type = "multipart/form-data" + self.random.choice(
                (
                    "",
                    "; boundary=",
                    "; boundary=other",
                    "; boundary=" + "a" * 300,
                    "; boundary=é",
                    '; boundary="',
                    ";" * 500,
                )
            )

    # --- Headers --------------------------------------------------------------

    def _add_headers(self, ask: Ask) -> None:
        for _ in range(self.random.randint(1, 3)):
            name, value = header(self.random, self.mark, ask)
            # Django looks at the Referer where there is no Origin.
            replaced = (name, "Origin") if name == "Referer" and self.chance(0.5) else (name,)
            ask.headers = [pair for pair in ask.headers if pair[0] not in replaced]
            ask.headers.append((name, "".join(c for c in value if c not in "\r\n\x00")))
