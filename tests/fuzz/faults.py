"""What every response must be, and what a request may not do."""

from __future__ import annotations

import base64
import io
import logging
import re
import sys
import traceback
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pikepdf
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.signals import got_request_exception
from django.db import connection
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from assessments.models import (
    AdviceRequest,
    Answer,
    Assessment,
    Attestation,
    Comment,
    DoneMark,
    Share,
    SocialAccount,
    Thread,
)
from tests.fuzz.wire import Ask, Reply, host
from tests.fuzz.world import INSIDE, World
from tests.reading import flat, margins_of_pdf, opened, texts_of_pages
from tests.test_permissions import missing_headers

SECONDS = 10.0
"""The longest that a response may take."""
OFFICE = {
    SocialAccount: "office",
    Assessment: "account__office",
    Answer: "draft__account__office",
    Thread: "assessment__account__office",
    Comment: "thread__assessment__account__office",
    DoneMark: "assessment__account__office",
    Attestation: "assessment__account__office",
    Share: "attestation__assessment__account__office",
    AdviceRequest: "share__attestation__assessment__account__office",
}
"""What only the people of an office may change, by the way to its office."""


@dataclass
class Watch:
    """Records what a request writes into the log, the database and the outbox."""

    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    written: set[str] = field(default_factory=set)

    def clear(self) -> None:
        """Forget the requests so far."""
        self.lines.clear()
        self.errors.clear()
        self.written.clear()
        mail.outbox = []


class _Lines(logging.Handler):
    """Notes each line as the portal's own handler writes it."""

    def __init__(self, watch: Watch, own: logging.Handler) -> None:
        super().__init__(logging.DEBUG)
        self.watch, self.own = watch, own
        for each in own.filters:
            self.addFilter(each)

    def emit(self, record: logging.LogRecord) -> None:
        self.watch.lines.append(self.own.format(record))
        refused = record.name.startswith("django.security.")
        if record.exc_info or (record.levelno >= logging.ERROR and not refused):
            error = record.exc_info[1] if record.exc_info else None
            self.watch.errors.append(f"{record.levelname} {_event(record)}{place_of(error)}")


def _event(record: logging.LogRecord) -> str:
    return str(record.msg.get("event")) if isinstance(record.msg, dict) else str(record.msg)


def place_of(error: BaseException | None) -> str:
    """An error, with the last lines of code that it went through."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f" {type(error).__name__}: {str(error)[:150]} ({places})"


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch the log, and which tables are written."""
    watch = Watch()
    own = logging.getLogger("django").handlers[0]
    handler = _Lines(watch, own)
    loggers = [logging.getLogger(name) for name in (None, "django", "portal")]
    before = [(logger, logger.handlers[:]) for logger in loggers]

    def raised(sender: Any, **_: Any) -> None:
        watch.errors.append("an exception in a view:" + place_of(sys.exc_info()[1]))

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        words = sql.split(None, 3)
        if words and words[0] in ("INSERT", "UPDATE", "DELETE"):
            watch.written.add(words[1 if words[0] == "UPDATE" else 2].strip('"'))
        return run(sql, params, many, context)

    for logger in loggers:
        logger.handlers[:] = [handler]
    got_request_exception.connect(raised)
    try:
        with connection.execute_wrapper(execute):
            yield watch
    finally:
        got_request_exception.disconnect(raised)
        for logger, handlers in before:
            logger.handlers[:] = handlers


def digests(world: World) -> dict[str, str]:
    """A digest of what only the people of each office may change."""
    offices = {"ward10": world.cast.office_pk, "ward4": world.cast.elsewhere_pk}
    made = {}
    for owner, pk in offices.items():
        hashed = sha256()
        for model, way in OFFICE.items():
            for row in model._default_manager.filter(**{way: pk}).order_by("pk").values_list():
                hashed.update(repr(row).encode("utf-8", "surrogatepass"))
        made[owner] = hashed.hexdigest()
    return made


def writes_kept(watch: Watch) -> bool:
    """Whether a request wrote into a table that `digests` reads."""
    return not watch.written.isdisjoint({model._meta.db_table for model in OFFICE})


def text_of_pdf(body: bytes) -> str:
    """All texts of a PDF, without white space, and the files that it carries. Empty for HTML in place of one."""
    try:
        pdf = opened(body)
    except pikepdf.PdfError:
        return ""
    carried = [
        pdf.attachments[name].get_file().read_bytes().decode("utf-8", "replace") for name in pdf.attachments
    ]
    about = str(pdf.open_metadata())
    return flat("".join([*texts_of_pages(pdf), *margins_of_pdf(pdf)])) + about + "".join(carried)


def readable(reply: Reply) -> str:
    """All that a response says: its headers and its body, unpacked and unfolded."""
    texts = [f"{name}: {value}" for name, value in reply.headers]
    if reply.kind == "application/zip":
        with suppress(zipfile.BadZipFile):
            archive = zipfile.ZipFile(io.BytesIO(reply.body))
            texts += [name + archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
    if reply.kind == "application/pdf" and (printed := text_of_pdf(reply.body)):
        texts.append(printed)
    texts.append(reply.body.decode("utf-8", "replace").replace("\r\n ", ""))
    return "\n".join(texts)


def of_response(ask: Ask, reply: Reply, watch: Watch, world: World, *, widened: bool) -> Iterator[str]:
    """What is wrong with a response, in words."""
    if reply.error is not None:
        yield f"an exception reached the server:{place_of(reply.error)}"
    if reply.status >= 500 or reply.status == 0:
        yield f"status {reply.status}"
    for error in watch.errors:
        yield f"in the log: {error}"
    if reply.seconds > SECONDS:
        yield f"took longer than {SECONDS:.0f} s"
    path = unquote_to_bytes(ask.path) or b"/"
    if (
        reply.status
        and not path.startswith(b"/static/")
        and (missing := missing_headers(route_of(path), as_django(reply)))
    ):
        yield f"headers missing: {', '.join(missing)}"
    yield from _redirects(reply)
    yield from _markup(ask, reply, world)
    yield from hidden_marks(ask, reply, world, widened=widened)
    yield from _traces(ask, watch, world)


def hidden_marks(ask: Ask, reply: Reply, world: World, *, widened: bool = False) -> Iterator[str]:
    """The marks in a response that its person may not see."""
    text = readable(reply)
    for mark, name in world.hidden_from(ask.who, widened=widened).items():
        # A form with a mark comes from a page of someone who may see it, and is given back.
        if mark in text and mark not in _own_key(ask, world) and mark not in typed_in(ask):
            yield f"shows what is hidden from {ask.who}: {name}"


def route_of(path: bytes) -> str:
    """The name of the URL pattern that a path fits; empty if there is none."""
    try:
        return resolve(path.decode("utf-8", "replace")).view_name
    except Resolver404:
        return ""


def typed_in(ask: Ask) -> str:
    """All that a request says."""
    return unquote_to_bytes(ask.path + ask.query + ask.body.replace(b"+", b" ")).decode("utf-8", "replace")


def as_django(reply: Reply) -> HttpResponse:
    """The response as `missing_headers` reads it."""
    response = HttpResponse(status=reply.status)
    for name, value in reply.headers:
        response.headers[name] = value
    return response


def _own_key(ask: Ask, world: World) -> str:
    """The marks of an office whose invitation the request's path has: its page names the office."""
    if b"/invitation/" not in ask.path:
        return ""
    return " ".join(mark for (_, kind), mark in world.marks.items() if kind == "names")


def _redirects(reply: Reply) -> Iterator[str]:
    for name in (
        "Location",
        "HX-Redirect",
        "HX-Location",
        "HX-Push-Url",
        "HX-Replace-Url",
        "Refresh",
        "Content-Location",
    ):
        value = reply.get(name)
        split = urlsplit(value) if value else None
        if split and (
            # A full stop after a name says that it is whole: the same host, and Django answers to it.
            split.hostname not in (None, host(), f"{host()}.")
            or split.scheme not in ("", "https")
            or value[:2] in ("//", "/\\", "\\/")
        ):
            yield f"leads to another site: {name}: {value[:200]}"
    for name, value in reply.headers:
        if any(c in value for c in "\r\n\x00") or name.lower() == "x-injected":
            yield f"a header has a line break: {name}"


def _markup(ask: Ask, reply: Reply, world: World) -> Iterator[str]:
    if reply.kind not in (
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "application/pdf",
        "text/xml",
        "",
    ):
        return
    for mark in filter(None, (ask.mark, *world.marks.values())):
        for wanted in (f"<{mark}", f'" {mark}=', f"' {mark}=", f'"><{mark}'):
            if wanted.encode() in reply.body:
                yield "not escaped"


def _traces(ask: Ask, watch: Watch, world: World) -> Iterator[str]:
    marks = list(world.marks.values())
    typed = [ask.mark] if ask.mark.encode() not in ask.path else []
    lines = "\n".join(watch.lines)
    for mark in (*marks, *typed):
        if mark and mark in lines and mark.encode() not in ask.path:
            yield f"in a log line: {_around(mark, watch.lines)}"
    private = [mark for (_, kind), mark in world.marks.items() if kind != "names"]
    for message in mail.outbox:
        text = (
            f"{message.subject} {message.body} {message.extra_headers} {getattr(message, 'alternatives', '')}"
        )
        # Addresses may be named, and so may a seat that someone is invited to, and who accepted.
        text = re.sub(r"[\w.]+@example\.ca", "", text)
        may_name = message.subject.startswith(("You are invited", "Someone has joined"))
        for mark in (*private, *([] if may_name else typed)):
            if mark and mark in text:
                yield f"in an email: {message.subject}"
    if "django_session" in watch.written:
        for row in Session.objects.values_list("session_data", flat=True):
            for mark in (*private, *typed):
                if mark and any(mark.encode() in part for part in _unpacked(row)):
                    yield "in a session's row"


def _around(mark: str, lines: list[str]) -> str:
    """The start of the line that has a mark: what kind of event it is."""
    line = next(line for line in lines if mark in line)
    return line[: min(60, line.index(mark))]


def _unpacked(row: str) -> Iterator[bytes]:
    """What anyone can read in a session's row without a key."""
    yield row.encode()
    for part in row.lstrip(".").split(":"):
        with suppress(ValueError, zlib.error):
            raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
            yield raw
            yield zlib.decompress(raw)


def changed(ask: Ask, before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    """Which offices' records a request changed although its person may not."""
    for owner, digest in before.items():
        if digest != after[owner] and ask.who not in INSIDE[owner]:
            yield f"{ask.who} changed what {owner} keeps"
