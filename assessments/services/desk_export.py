"""Taking away what was shared: collections for the Commissioner's file, streamed with their size known."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Func, IntegerField, QuerySet
from django.utils import timezone
from django.utils.text import slugify
from zipstream import ZIP_STORED, ZipStream

from assessments.models import AdviceEntry, AdviceRequest, DeskEntry, Export, Office, Share, StoredPdf, User
from assessments.models.desk import DeskEntryQuerySet
from assessments.pdf.press import PressError
from assessments.reports.summary import MAX_SUMMARIES, summaries_pdf
from assessments.services import audit
from assessments.services.audit import Action
from assessments.services.office_copy import defused
from assessments.services.printing import Kind, RecordGone, pdf_of, summary_of

Form = Export.Form
MOST = 20_000
"""Shares in one collection."""
IN_A_CHUNK = 200
LEFT_OUT = "left-out.txt"
NOTHING_LEFT_OUT = "Everything that the index names is here.\n"
UNPRINTED = "Could not be printed, and are not here. Shares:\n"
WENT = "Withdrawn or deleted while this was made, so that their files say so and nothing else. Shares:\n"
COLUMNS = (
    "share",
    "office",
    "account",
    "shared_at",
    "overall",
    "contact",
    "advice_asked",
    "needed_by",
    "answered_at",
    "edition",
    "revision",
    "election",
    "code",
    "sha256",
    "summary",
    "full",
)
GONE = "Withdrawn or deleted while this collection was made, so it is left out.\n"
MEANWHILE = "Something of it was withdrawn or deleted a moment ago. Try again: the rest is still there."
ALL_WITHDRAWN = "There is nothing to take away: all of it was withdrawn or deleted meanwhile."
OF_NO_ONE_SHARE = ("busy", "no_library")
"""Why nothing at all can be printed just now."""


class CannotExport(Exception):
    """Why nothing was taken away; the message is for people."""


@dataclass(frozen=True)
class Collection:
    """Something to take away: the shares in it, its name, its kind, its size in bytes, and its bytes.

    The bytes are made as they are asked for.
    """

    keys: Sequence[int]
    name: str
    content_type: str
    size: int
    chunks: Iterable[bytes]


def chosen(rows: DeskEntryQuerySet) -> list[int]:
    """The keys of the shares in some rows of the desk, withdrawn ones aside, in the desk's order.

    Raises CannotExport where there are none, or too many.
    """
    keys = list(rows.filter(withdrawn_at__isnull=True).values_list("pk", flat=True)[: MOST + 1])
    if not keys:
        raise CannotExport("There is nothing to take away: nothing that was shared fits.")
    if len(keys) > MOST:
        raise CannotExport(
            f"That is more than {MOST:,} shares. Narrow it down, for example by the days on which they were shared."
        )
    return keys


def kinds_of(form: str, kind: str) -> tuple[Kind, ...]:
    """Which PDFs of each share a collection needs."""
    if form != Form.ZIP:
        return ()
    return {"summary": (Kind.SUMMARY,), "full": (Kind.FULL,)}.get(kind, (Kind.SUMMARY, Kind.FULL))


def standing(keys: Sequence[int]) -> list[int]:
    """Those of some shares that are still there and not withdrawn, in the same order."""
    there = {
        pk
        for some in _chunks(keys)
        for pk in Share.objects.standing().filter(pk__in=some).values_list("pk", flat=True)
    }
    return [key for key in keys if key in there]


def missing(keys: Sequence[int], kinds: Sequence[Kind]) -> list[tuple[int, Kind]]:
    """The PDFs of standing shares that have to be made first."""
    found = []
    for kind in kinds:
        there = {pk for some in _chunks(keys) for pk in _stored(some, kind).values_list("share", flat=True)}
        found += [(key, kind) for key in keys if key not in there]
    return found


def make_missing(
    wanted: Iterable[tuple[int, Kind]],
    *,
    until: Callable[[], bool] = lambda: False,
    advance: Callable[[], object] = int,
) -> dict[int, str]:
    """Make PDFs one by one until there are all, or enough time went by.

    One that cannot be printed stops no other: returned are those shares, each with why, in words for people. Raises
    CannotStore, and PressError where nothing can be printed.
    """
    unprinted: dict[int, str] = {}
    for key, kind in wanted:
        if until():
            break
        share = _shares([key]).first()
        if share is not None and not hasattr(share, "withdrawal"):
            try:
                pdf_of(share, kind)
            except RecordGone:
                pass
            except PressError as error:
                if error.reason in OF_NO_ONE_SHARE:
                    raise
                unprinted[key] = str(error)
        advance()
    return unprinted


def note_export(*, keys: Sequence[int], form: str, by: User | None) -> Export:
    """Write into the audit trail what leaves: the list in the portal's own, and of each office that some is its.

    To be called before the first byte leaves. Raises CannotExport where one of the shares is gone by now.
    """
    with transaction.atomic():
        offices: set[int] = set()
        for some in _chunks(sorted(keys)):
            # Whoever withdraws one of them meanwhile waits.
            entries = DeskEntry.objects.select_for_update(of=("self",)).order_by("pk")
            found = entries.filter(pk__in=some, withdrawn_at__isnull=True).values_list("office", flat=True)
            there = list(found)
            if len(there) < len(some):
                raise CannotExport(MEANWHILE)
            offices.update(pk for pk in there if pk)
        export = Export.objects.create(exported_by=by, form=form, shares=list(keys))
        for office in Office.objects.filter(pk__in=offices).order_by("pk"):
            audit.append(office=office, action=Action.SHARES_EXPORTED, about=office, by=by)
        audit.append(office=None, action=Action.SHARES_EXPORTED, about=export, by=by)
    return export


def collect(
    *, keys: Sequence[int], form: str, kind: str = "both", without: Mapping[int, str] | None = None
) -> Collection:
    """Put a collection together: what can be read is read when it is sent, and nothing is held but the index.

    `without` are shares whose PDFs cannot be printed: the index has them, and a ZIP file has no PDFs of theirs.
    Raises CannotExport, and PressError where one PDF of all cannot be printed.
    """
    keys = standing(keys)
    if not keys:
        raise CannotExport(ALL_WITHDRAWN)
    day = timezone.localdate().isoformat()
    name = f"shared-{day}-{len(keys)}"
    if form == Form.PDF:
        return _one_pdf(keys, f"{name}.pdf")
    if form == Form.CSV:
        content = _csv(_index(keys, ())).encode()
        return Collection(keys, f"{name}.csv", "text/csv; charset=utf-8", len(content), [content])
    if form == Form.JSONL:
        return _jsonl(keys, f"{name}.jsonl")
    return _zip(keys, kinds_of(form, kind), f"{name}.zip", without or {})


# --- The index --------------------------------------------------------------------------------


def _index(keys: Sequence[int], kinds: Sequence[Kind], without: Container[int] = ()) -> list[dict[str, Any]]:
    """What the desk knows of each share, in the order of the keys, with the names of its files, if it has any."""
    rows: dict[int, dict[str, Any]] = {}
    for some in _chunks(keys):
        for entry in DeskEntry.objects.filter(pk__in=some, withdrawn_at__isnull=True).select_related("share"):
            slug = slugify(f"{entry.office_name} {entry.account}")[:60].strip("-")
            its = () if entry.pk in without else kinds
            files = {k.value: f"pdf/{entry.pk}-{slug or 'share'}-{k.value}.pdf" for k in its}
            rows[entry.pk] = {
                "share": entry.pk,
                "office": entry.office_name,
                "account": entry.account,
                "shared_at": entry.shared_at.isoformat(),
                "overall": entry.overall,
                "contact": entry.contact,
                "advice_asked": entry.advice_asked,
                "needed_by": entry.needed_by.isoformat() if entry.needed_by else None,
                "answered_at": entry.answered_at.isoformat() if entry.answered_at else None,
                "edition": entry.edition,
                "revision": entry.revision,
                "election": entry.election,
                "code": entry.share.code,
                "sha256": entry.share.sha256,
                "summary": files.get("summary"),
                "full": files.get("full"),
            }
    return [rows[key] for key in keys if key in rows]


def _csv(index: Iterable[dict[str, Any]]) -> str:
    """The index as CSV; no cell is a formula to a spreadsheet."""
    text = io.StringIO()
    # A spreadsheet takes UTF-8 for UTF-8 where it begins with this mark.
    text.write("\ufeff")
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for row in index:
        rows.writerow("" if row[name] is None else defused(str(row[name])) for name in COLUMNS)
    return text.getvalue()


# --- One form after the other -----------------------------------------------------------------


def _one_pdf(keys: Sequence[int], name: str) -> Collection:
    if len(keys) > MAX_SUMMARIES:
        raise CannotExport(
            f"One PDF holds {MAX_SUMMARIES} summaries at most, and these are {len(keys):,}. "
            "Take fewer, or a ZIP file."
        )
    shares = {share.pk: share for share in _shares(keys) if not hasattr(share, "withdrawal")}
    if len(shares) < len(keys):
        raise CannotExport(MEANWHILE)
    content = summaries_pdf([summary_of(shares[key]) for key in keys])
    return Collection(keys, name, "application/pdf", len(content), [content])


def _zip(keys: Sequence[int], kinds: Sequence[Kind], name: str, without: Mapping[int, str]) -> Collection:
    index = _index(keys, kinds, without)
    stored = _sizes(keys)
    stream = ZipStream(compress_type=ZIP_STORED, sized=True)
    went: dict[int, None] = {}

    def pdf(pk: int, kind: Kind, size: int) -> Iterator[bytes]:
        share = Share.objects.standing().filter(pk=pk).first()
        try:
            if share is None:
                raise RecordGone
            data = pdf_of(share, kind)
        except RecordGone:
            went[pk] = None
            yield GONE.encode().ljust(size)[:size]
            return
        if len(data) != size:
            # What is sent so far has no end, so that nobody takes it for whole.
            raise CannotExport("A PDF is not what it was.")
        yield data

    stream.add(_csv(index).encode(), "index.csv")
    stream.add(json.dumps(index, ensure_ascii=False, indent=1).encode(), "index.json")
    for row in index:
        for kind in kinds:
            path, size = row[kind.value], stored.get((row["share"], kind))
            if path is None:
                continue
            if size is None:
                raise CannotExport("A PDF has still to be made. Try again.")
            stream.add(pdf(row["share"], kind, size), path, size=size)
    unprinted = [row["share"] for row in index if row["share"] in without]
    # The size of what is written last is told before the first byte: as if all of it were left out.
    most = len(NOTHING_LEFT_OUT + _listed(UNPRINTED, unprinted) + _listed(WENT, keys))

    def told_last() -> Iterator[bytes]:
        says = _listed(UNPRINTED, unprinted) + _listed(WENT, went)
        yield (says or NOTHING_LEFT_OUT).encode().ljust(most)

    stream.add(told_last(), LEFT_OUT, size=most)
    return Collection(keys, name, "application/zip", len(stream), stream)


def _sizes(keys: Sequence[int]) -> dict[tuple[int, str], int]:
    """The bytes of each stored PDF, by share and kind."""
    return {
        (pk, kind): size
        for some in _chunks(keys)
        for pk, kind, size in StoredPdf.objects.filter(share__in=some)
        .order_by("made_at", "pk")
        .values_list("share", "kind", "size")
    }


def _listed(says: str, keys: Iterable[int]) -> str:
    lines = "".join(f"{key}\n" for key in keys)
    return says + lines if lines else ""


def _jsonl(keys: Sequence[int], name: str) -> Collection:
    """A line for each share: what the desk knows of it, its record, and what was asked and answered by now."""
    now = timezone.now()
    index = {row["share"]: json.dumps(row, ensure_ascii=False) for row in _index(keys, ())}
    there = [key for key in keys if key in index]
    size = 0
    lengths: dict[int, int] = {}
    for some in _chunks(there):
        exchanges = _exchanges(some, now)
        measured = Share.objects.filter(pk__in=some).annotate(bytes=_Octets("content__record"))
        for pk, octets in measured.values_list("pk", "bytes"):
            if octets is not None:
                lengths[pk] = len(_line(index[pk], "", exchanges.get(pk))) + octets
                size += lengths[pk]

    def lines() -> Iterator[bytes]:
        for some in _chunks([key for key in there if key in lengths]):
            exchanges = _exchanges(some, now)
            shares = {s.pk: s for s in _shares(some)}
            for pk in some:
                share = shares.get(pk)
                if share is None or hasattr(share, "withdrawal"):
                    yield json.dumps({"share": pk, "withdrawn": True}).encode().ljust(lengths[pk] - 1) + b"\n"
                    continue
                line = _line(index[pk], share.content.record, exchanges.get(pk))
                if len(line) != lengths[pk]:
                    # Something was written a moment ago. What is sent so far is shorter than was said.
                    raise CannotExport(MEANWHILE)
                yield line

    return Collection(keys, name, "application/jsonl; charset=utf-8", size, lines())


def _line(index: str, content: str, exchange: Any) -> bytes:
    told = json.dumps(exchange, ensure_ascii=False)
    return f'{{"index": {index}, "record": {content}, "exchange": {told}}}\n'.encode()


def _exchanges(keys: Sequence[int], until: datetime) -> dict[int, Any]:
    """What was asked with each share, and what was written about it until then."""
    asked: dict[int, Any] = {
        request.share_id: {
            "question": request.question,
            "about": request.about,
            "needed_by": request.needed_by.isoformat() if request.needed_by else None,
            "entries": [],
        }
        for request in AdviceRequest.objects.filter(share__in=keys)
    }
    entries = AdviceEntry.objects.filter(request__share__in=keys, written_at__lte=until)
    for one in entries.select_related("author", "request"):
        told = {"by": str(one.author), "at": one.written_at.isoformat(), "text": one.text}
        asked[one.request.share_id]["entries"].append(told)
    return asked


class _Octets(Func):
    """The bytes of a text in UTF-8, reckoned by the database."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **more)


def _shares(keys: Sequence[int]) -> QuerySet[Share]:
    related = ("content", "withdrawal", "request", "attestation__assessment__edition")
    return Share.objects.filter(pk__in=keys).select_related(*related).defer("attestation__record")


def _stored(keys: Sequence[int], kind: Kind) -> QuerySet[StoredPdf]:
    return StoredPdf.objects.filter(share__in=keys, kind=kind)


def _chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(keys), IN_A_CHUNK):
        yield keys[at : at + IN_A_CHUNK]
