"""Exporting shares for the Commissioner's files: many in one download, whose size is known before it starts."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Func, IntegerField, QuerySet
from django.utils import timezone
from zipstream import ZIP_STORED, ZipStream

from assessments.models import (
    AdviceEntry,
    AdviceRequest,
    DeskEntry,
    DeskFinding,
    Export,
    Office,
    Share,
    StoredPdf,
    User,
)
from assessments.models.desk import DeskEntryQuerySet, officer_name
from assessments.pdf.press import PressError, PrintProblem
from assessments.records.clock import moment_in_json, moment_in_table, time_in_table
from assessments.rendering.projection import cite
from assessments.reports.summary import MAX_SUMMARIES, summaries_pdf
from assessments.reports.titles import (
    NO_CONTACT,
    contact_titles,
    edition_titles,
    election_titles,
    outcome_titles,
    overall_titles,
    rule_titles,
)
from assessments.scoring.assess import TO_DO
from assessments.services import audit
from assessments.services.audit import Action
from assessments.services.csv_file import start_csv
from assessments.services.file_names import readable_slug
from assessments.services.printing import Kind, RecordGone, pdf_of, summary_of
from assessments.typed.handles import profile_address

Form = Export.Form
MAX_SHARES = 20_000
"""Shares in one collection."""
CHUNK_SIZE = 200
"""Shares that are read from the database together."""
CONTENTS = "contents.txt"
CONTENTS_LIST = (
    "index.csv: one line for each share\nfindings.csv: one line for each finding\n"
    "index.json: what index.csv has, for programs\npdf: the PDFs\n\n"
)
NOTHING_LEFT_OUT = "Every file that the index names is included.\n"
UNPRINTED = "These PDFs could not be made and are left out. Shares:\n"
WITHDRAWN_DURING = (
    "Withdrawn or deleted during the export. Their files contain only a note that says so. Shares:\n"
)
COLUMNS = (
    "Share",
    "Office",
    "Member",
    "Account",
    "Platform",
    "Profile address",
    "Result",
    "When to contact the Commissioner",
    "Points to raise",
    "Things to do",
    "Advice",
    "Question",
    "Reply",
    "Shared on",
    "Time shared",
    "Reply needed by",
    "Replied on",
    "Time replied",
    "State",
    "Assigned to",
    "Dealt with on",
    "Edition",
    "Revision",
    "Election",
    "Verification code",
    "Office number",
    "SHA-256",
)
"""The columns of the spreadsheet of shares. In a ZIP file, FILE_COLUMNS follow."""
FILE_COLUMNS = ("Summary PDF", "Full PDF")
FINDING_COLUMNS = (
    "Share",
    "Office",
    "Member",
    "Account",
    "Section",
    "Finding",
    "Paragraphs",
    "Outcome",
    "When to contact the Commissioner",
    "Shared on",
    "Verification code",
)
IN_MEMORY, PART = 8 * 2**20, 2**16
"""The bytes of a spreadsheet of findings that are kept in memory, and the bytes that are sent at a time."""
PLACEHOLDER = "This share was withdrawn or deleted during the export, so its PDF is left out.\n"
SHARES_CHANGED = "A share was just changed, withdrawn or deleted. Try again to export the others."
ALL_WITHDRAWN = "All of these shares have since been withdrawn or deleted."
STOPS_ALL = (PrintProblem.BUSY, PrintProblem.NO_LIBRARY)
"""The reasons of a PressError that keep every PDF from being printed, not just one share's."""


class CannotExport(Exception):
    """Nothing can be exported; the message tells people why."""


@dataclass(frozen=True)
class Collection:
    """A file to download: the shares in it, its file name, content type, size in bytes, and the bytes themselves.

    The bytes are produced while they are sent.
    """

    keys: Sequence[int]
    name: str
    content_type: str
    size: int
    chunks: Iterable[bytes]


def list_keys(rows: DeskEntryQuerySet) -> list[int]:
    """The keys of the shares in some rows of the desk that are not withdrawn, in the desk's order.

    Raises CannotExport for no share, or too many.
    """
    keys = list(rows.filter(withdrawn_at__isnull=True).values_list("pk", flat=True)[: MAX_SHARES + 1])
    if not keys:
        raise CannotExport("No share that can be exported matches the search and the filters.")
    if len(keys) > MAX_SHARES:
        raise CannotExport(
            f"One export has at most {MAX_SHARES:,} shares. Use the filters, for example “Shared on or after”."
        )
    return keys


def kinds_of(form: str, kind: str) -> tuple[Kind, ...]:
    """The kinds of PDF that a collection needs of each share."""
    if form != Form.ZIP:
        return ()
    return {"summary": (Kind.SUMMARY,), "full": (Kind.FULL,)}.get(kind, (Kind.SUMMARY, Kind.FULL))


def keep_standing(keys: Sequence[int]) -> list[int]:
    """Keep the shares that still exist and are not withdrawn, in the same order."""
    standing = {
        pk
        for chunk in _chunks(keys)
        for pk in Share.objects.standing().filter(pk__in=chunk).values_list("pk", flat=True)
    }
    return [key for key in keys if key in standing]


def list_missing(keys: Sequence[int], kinds: Sequence[Kind]) -> list[tuple[int, Kind]]:
    """The PDFs, by share and kind, that have to be made first."""
    missing = []
    for kind in kinds:
        stored = {
            pk for chunk in _chunks(keys) for pk in _stored(chunk, kind).values_list("share", flat=True)
        }
        missing += [(key, kind) for key in keys if key not in stored]
    return missing


def make_missing(
    missing: Iterable[tuple[int, Kind]],
    *,
    until: Callable[[], bool] = lambda: False,
    advance: Callable[[], object] = int,
) -> dict[int, str]:
    """Make missing PDFs one by one until all are made or `until` is true; call `advance` after each.

    A PDF that cannot be printed stops no other. Return those shares, each with the reason in words for people. Raises
    CannotStore, and PressError where nothing can be printed.
    """
    unprinted: dict[int, str] = {}
    for key, kind in missing:
        if until():
            break
        share = _shares([key]).first()
        if share is not None and not hasattr(share, "withdrawal"):
            try:
                pdf_of(share, kind)
            except RecordGone:
                pass
            except PressError as error:
                if error.reason in STOPS_ALL:
                    raise
                unprinted[key] = str(error)
        advance()
    return unprinted


def append_export(*, keys: Sequence[int], form: str, by: User | None) -> Export:
    """Record an export: the list of its shares in the portal's audit trail, and in each office's that one was made.

    Call it before the first byte is sent. Raises CannotExport where one of the shares was withdrawn or deleted.
    """
    with transaction.atomic():
        offices: set[int] = set()
        for chunk in _chunks(sorted(keys)):
            # Whoever withdraws one of the shares now has to wait.
            entries = DeskEntry.objects.select_for_update(of=("self",)).order_by("pk")
            standing = entries.filter(pk__in=chunk, withdrawn_at__isnull=True)
            office_keys = list(standing.values_list("office", flat=True))
            if len(office_keys) < len(chunk):
                raise CannotExport(SHARES_CHANGED)
            offices.update(pk for pk in office_keys if pk)
        export = Export.objects.create(exported_by=by, form=form, shares=list(keys))
        for office in Office.objects.filter(pk__in=offices).order_by("pk"):
            audit.append(office=office, action=Action.SHARES_EXPORTED, about=office, by=by)
        audit.append(office=None, action=Action.SHARES_EXPORTED, about=export, by=by)
    return export


def collect(
    *, keys: Sequence[int], form: str, kind: str = "both", without: Mapping[int, str] | None = None
) -> Collection:
    """Put a collection together. Only the index is kept in memory; all else is read while it is sent.

    `without` names shares whose PDFs cannot be printed: the index lists them, and a ZIP file has no PDF of them.
    Raises CannotExport, and PressError where the single PDF of all shares cannot be printed.
    """
    keys = keep_standing(keys)
    if not keys:
        raise CannotExport(ALL_WITHDRAWN)
    day = timezone.localdate().isoformat()
    name = f"shared-{day}-{len(keys)}"
    if form == Form.PDF:
        return _single_pdf(keys, f"{name}.pdf")
    if form == Form.CSV:
        shares = _csv(keys)
        return Collection(keys, f"{name}.csv", "text/csv; charset=utf-8", shares.size, shares.parts())
    if form == Form.FINDINGS:
        findings = _findings_csv(keys)
        return Collection(
            keys, f"{name}-findings.csv", "text/csv; charset=utf-8", findings.size, findings.parts()
        )
    if form == Form.JSONL:
        return _jsonl(keys, f"{name}.jsonl")
    return _zip(keys, kinds_of(form, kind), f"{name}.zip", without or {})


# --- The index, and the spreadsheets ----------------------------------------------------------


def _entries(keys: Sequence[int]) -> Iterator[DeskEntry]:
    """The desk's entries of the shares that are not withdrawn, in the order of the keys."""
    for chunk in _chunks(keys):
        rows = DeskEntry.objects.filter(pk__in=chunk, withdrawn_at__isnull=True)
        entries = {entry.pk: entry for entry in rows.select_related("share", "assigned_to").defer("words")}
        yield from (entries[key] for key in chunk if key in entries)


@dataclass(frozen=True)
class _Listed:
    """What the index and the spreadsheets have of a share. `exchange` is as `_exchanges` returns it."""

    entry: DeskEntry
    findings: Sequence[_SharedRule]
    exchange: Any


def _listed(keys: Sequence[int]) -> Iterator[_Listed]:
    """What to list of each share that is not withdrawn, in the order of the keys."""
    now = timezone.now()
    for chunk in _chunks(keys):
        findings, exchanges = _findings(chunk), _exchanges(chunk, now)
        for entry in _entries(chunk):
            yield _Listed(entry, findings.get(entry.pk, ()), exchanges.get(entry.pk))


@dataclass(frozen=True)
class _Titles:
    """The words for the codes in the desk's entries."""

    overall: Mapping[str, str] = field(default_factory=overall_titles)
    contact: Mapping[str, str] = field(default_factory=contact_titles)
    outcomes: Mapping[str, str] = field(default_factory=outcome_titles)
    rules: Mapping[tuple[str, str], Any] = field(default_factory=rule_titles)
    editions: Mapping[str, str] = field(default_factory=edition_titles)
    elections: Mapping[str, str] = field(default_factory=election_titles)


def _index_row(entry: DeskEntry, titles: _Titles, kinds: Sequence[Kind]) -> dict[str, Any]:
    """What the desk knows about a share, for programs, with the names of its files in the ZIP."""
    slug = readable_slug(f"{entry.office_name} {entry.account}")
    files = {k.value: f"pdf/{entry.pk}-{slug or 'share'}-{k.value}.pdf" for k in kinds}
    return {
        "share": entry.pk,
        "office": entry.office_name,
        "member": entry.member,
        "account": entry.account,
        "platform": entry.platform,
        "shared": moment_in_table(entry.shared_at),
        "result": titles.overall.get(entry.overall, ""),
        "when_to_contact": titles.contact.get(entry.contact, NO_CONTACT),
        "advice": _advice(entry),
        "state": list(entry.states),
        "assigned_to": officer_name(entry.assigned_to) if entry.assigned_to else None,
        "shared_at": moment_in_json(entry.shared_at),
        "overall": entry.overall,
        "contact": entry.contact,
        "advice_asked": entry.advice_asked,
        "needed_by": entry.needed_by.isoformat() if entry.needed_by else None,
        "answered_at": moment_in_json(entry.answered_at) if entry.answered_at else None,
        "dealt_at": moment_in_json(entry.dealt_at) if entry.dealt_at else None,
        "edition": entry.edition,
        "revision": entry.revision,
        "election": entry.election,
        "code": entry.share.code,
        "sha256": entry.share.sha256,
        "summary": files.get("summary"),
        "full": files.get("full"),
    }


def _advice(entry: DeskEntry) -> str:
    if not entry.advice_asked:
        return "not asked for"
    if entry.answered_at:
        return "replied"
    return "asked for, no reply" if entry.dealt_at else "asked for, no reply yet"


def _csv(keys: Sequence[int]) -> _Spreadsheet:
    """The spreadsheet of shares, in words."""
    shares, titles = _Spreadsheet(COLUMNS), _Titles()
    for listed in _listed(keys):
        shares.write(_share_cells(listed, titles))
    return shares


def _findings_csv(keys: Sequence[int]) -> _Spreadsheet:
    """The spreadsheet of findings, in words."""
    findings, titles = _Spreadsheet(FINDING_COLUMNS), _Titles()
    for listed in _listed(keys):
        for cells in _finding_cells(listed, titles):
            findings.write(cells)
    return findings


def _share_cells(listed: _Listed, titles: _Titles) -> list[Any]:
    """The cells of a share, in the order of COLUMNS. Spreadsheets understand a day, but no time with its zone."""
    entry, exchange = listed.entry, listed.exchange
    ruled = [(finding, titles.rules.get((entry.edition, finding.rule))) for finding in listed.findings]
    named = [(finding, title.rule if title else finding.rule) for finding, title in ruled]
    return [
        entry.pk,
        entry.office_name,
        entry.member,
        entry.account,
        entry.platform,
        profile_address(entry.platform, entry.handle),
        titles.overall.get(entry.overall, ""),
        titles.contact.get(entry.contact, NO_CONTACT),
        "; ".join(title for finding, title in named if finding.contact),
        "; ".join(title for finding, title in named if finding.outcome in TO_DO),
        _advice(entry),
        exchange["question"] if exchange else None,
        "\n".join(exchange["replies"]) if exchange else None,
        timezone.localdate(entry.shared_at),
        time_in_table(entry.shared_at),
        entry.needed_by,
        timezone.localdate(entry.answered_at) if entry.answered_at else None,
        time_in_table(entry.answered_at) if entry.answered_at else None,
        ", ".join(state.label for state in entry.states),
        officer_name(entry.assigned_to) if entry.assigned_to else None,
        timezone.localdate(entry.dealt_at) if entry.dealt_at else None,
        titles.editions.get(entry.edition, entry.edition),
        entry.revision,
        titles.elections.get(entry.election, entry.election),
        entry.share.code,
        entry.office_id,
        entry.share.sha256,
    ]


@dataclass(frozen=True)
class _SharedRule:
    """A shared finding, once, with all its paragraphs."""

    rule: str
    paragraphs: list[str]
    outcome: str
    contact: str


def _findings(keys: Sequence[int]) -> dict[int, list[_SharedRule]]:
    """The shared findings of each share, in the order of its edition."""
    by_share: dict[int, dict[str, _SharedRule]] = {}
    rows = DeskFinding.objects.filter(entry__in=keys).order_by("pk")
    for share, rule, paragraph, outcome, contact in rows.values_list(
        "entry", "rule", "paragraph", "outcome", "contact"
    ):
        finding = by_share.setdefault(share, {}).setdefault(rule, _SharedRule(rule, [], outcome, contact))
        finding.paragraphs.append(paragraph)
    return {share: list(findings.values()) for share, findings in by_share.items()}


def _finding_cells(listed: _Listed, titles: _Titles) -> Iterator[list[Any]]:
    """The cells of each shared finding, in the order of FINDING_COLUMNS."""
    entry = listed.entry
    for finding in listed.findings:
        title = titles.rules.get((entry.edition, finding.rule))
        yield [
            entry.pk,
            entry.office_name,
            entry.member,
            entry.account,
            title.section if title else None,
            title.rule if title else finding.rule,
            cite(finding.paragraphs),
            titles.outcomes.get(finding.outcome, finding.outcome),
            titles.contact.get(finding.contact) if finding.contact else None,
            timezone.localdate(entry.shared_at),
            entry.share.code,
        ]


class _Spreadsheet:
    """A CSV file. It may be large, so it is written to a temporary file before its size is known."""

    def __init__(self, header: Sequence[str]) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # open until it is sent
        self._text = io.TextIOWrapper(self._file, encoding="utf-8", newline="")
        self.write = start_csv(self._text, header)

    @property
    def size(self) -> int:
        """The bytes so far."""
        self._text.flush()
        return self._file.tell()

    def parts(self) -> Iterator[bytes]:
        self._text.detach()
        self._file.seek(0)
        yield from iter(lambda: self._file.read(PART), b"")
        self._file.close()


# --- The forms --------------------------------------------------------------------------------


def _single_pdf(keys: Sequence[int], name: str) -> Collection:
    if len(keys) > MAX_SUMMARIES:
        raise CannotExport(
            f"One PDF has at most {MAX_SUMMARIES} summaries, and you chose {len(keys):,} shares. "
            "Choose fewer, or a ZIP file."
        )
    shares = {share.pk: share for share in _shares(keys) if not hasattr(share, "withdrawal")}
    if len(shares) < len(keys):
        raise CannotExport(SHARES_CHANGED)
    content = summaries_pdf([summary_of(shares[key]) for key in keys])
    return Collection(keys, name, "application/pdf", len(content), [content])


def _lists(
    keys: Sequence[int], kinds: Sequence[Kind], without: Mapping[int, str]
) -> tuple[list[dict[str, Any]], _Spreadsheet, _Spreadsheet]:
    """The index, the spreadsheet of shares and that of findings, in one reading: the first byte waits for them."""
    index: list[dict[str, Any]] = []
    shares, findings, titles = _Spreadsheet(COLUMNS + FILE_COLUMNS), _Spreadsheet(FINDING_COLUMNS), _Titles()
    for listed in _listed(keys):
        row = _index_row(listed.entry, titles, () if listed.entry.pk in without else kinds)
        index.append(row)
        shares.write([*_share_cells(listed, titles), row["summary"], row["full"]])
        for cells in _finding_cells(listed, titles):
            findings.write(cells)
    return index, shares, findings


def _zip(keys: Sequence[int], kinds: Sequence[Kind], name: str, without: Mapping[int, str]) -> Collection:
    index, spreadsheet, findings = _lists(keys, kinds, without)
    sizes = _sizes(keys)
    stream = ZipStream(compress_type=ZIP_STORED, sized=True)
    withdrawn: dict[int, None] = {}

    def pdf(pk: int, kind: Kind, size: int) -> Iterator[bytes]:
        share = Share.objects.standing().filter(pk=pk).first()
        try:
            if share is None:
                raise RecordGone
            content = pdf_of(share, kind)
        except RecordGone:
            withdrawn[pk] = None
            yield PLACEHOLDER.encode().ljust(size)[:size]
            return
        if len(content) != size:
            # The ZIP file sent so far lacks its end, so nobody takes it for complete.
            raise CannotExport("A stored PDF has changed.")
        yield content

    stream.add(spreadsheet.parts(), "index.csv", size=spreadsheet.size)
    stream.add(findings.parts(), "findings.csv", size=findings.size)
    stream.add(json.dumps(index, ensure_ascii=False, indent=1).encode(), "index.json")
    for row in index:
        for kind in kinds:
            path, size = row[kind.value], sizes.get((row["share"], kind))
            if path is None:
                continue
            if size is None:
                raise CannotExport("A PDF is not made yet. Try again.")
            stream.add(pdf(row["share"], kind, size), path, size=size)
    unprinted = [row["share"] for row in index if row["share"] in without]
    # A ZIP says its size before its first byte. So its contents are as long as if everything had been withdrawn.
    size_of_contents = len(
        CONTENTS_LIST
        + NOTHING_LEFT_OUT
        + _list_under(UNPRINTED, unprinted)
        + _list_under(WITHDRAWN_DURING, keys)
    )

    def contents() -> Iterator[bytes]:
        left_out = _list_under(UNPRINTED, unprinted) + _list_under(WITHDRAWN_DURING, withdrawn)
        yield (CONTENTS_LIST + (left_out or NOTHING_LEFT_OUT)).encode().ljust(size_of_contents)

    stream.add(contents(), CONTENTS, size=size_of_contents)
    return Collection(keys, name, "application/zip", len(stream), stream)


def _sizes(keys: Sequence[int]) -> dict[tuple[int, str], int]:
    """The bytes of each stored PDF, by share and kind."""
    return {
        (pk, kind): size
        for chunk in _chunks(keys)
        for pk, kind, size in StoredPdf.objects.filter(share__in=chunk)
        .order_by("made_at", "pk")
        .values_list("share", "kind", "size")
    }


def _list_under(heading: str, keys: Iterable[int]) -> str:
    lines = "".join(f"{key}\n" for key in keys)
    return heading + lines if lines else ""


def _jsonl(keys: Sequence[int], name: str) -> Collection:
    """A line for each share: its row of the index, its record, and the questions and answers so far."""
    now = timezone.now()
    titles = _Titles()
    index = {
        entry.pk: json.dumps(_index_row(entry, titles, ()), ensure_ascii=False) for entry in _entries(keys)
    }
    indexed = [key for key in keys if key in index]
    size = 0
    lengths: dict[int, int] = {}
    for chunk in _chunks(indexed):
        exchanges = _exchanges(chunk, now)
        measured = Share.objects.filter(pk__in=chunk).annotate(bytes=_Octets("content__record"))
        for pk, octets in measured.values_list("pk", "bytes"):
            if octets is not None:
                lengths[pk] = len(_line(index[pk], "", exchanges.get(pk))) + octets
                size += lengths[pk]

    def lines() -> Iterator[bytes]:
        for chunk in _chunks([key for key in indexed if key in lengths]):
            exchanges = _exchanges(chunk, now)
            shares = {s.pk: s for s in _shares(chunk)}
            for pk in chunk:
                share = shares.get(pk)
                if share is None or hasattr(share, "withdrawal"):
                    yield json.dumps({"share": pk, "withdrawn": True}).encode().ljust(lengths[pk] - 1) + b"\n"
                    continue
                line = _line(index[pk], share.content.record, exchanges.get(pk))
                if len(line) != lengths[pk]:
                    # Something was just written. The file sent so far is shorter than its announced size.
                    raise CannotExport(SHARES_CHANGED)
                yield line

    return Collection(keys, name, "application/jsonl; charset=utf-8", size, lines())


def _line(index: str, content: str, exchange: Any) -> bytes:
    listed = {name: value for name, value in exchange.items() if name != "replies"} if exchange else None
    exchange_json = json.dumps(listed, ensure_ascii=False)
    return f'{{"index": {index}, "record": {content}, "exchange": {exchange_json}}}\n'.encode()


def _exchanges(keys: Sequence[int], until: datetime) -> dict[int, Any]:
    """The question asked with each share, and the messages up to a moment. `replies` has the officers' texts."""
    asked: dict[int, Any] = {
        request.share_id: {
            "question": request.question,
            "about": request.about,
            "needed_by": request.needed_by.isoformat() if request.needed_by else None,
            "entries": [],
            "replies": [],
        }
        for request in AdviceRequest.objects.filter(share__in=keys)
    }
    entries = AdviceEntry.objects.filter(request__share__in=keys, written_at__lte=until)
    for entry in entries.select_related("request__share").prefetch_related("author__former_names"):
        message = {"by": entry.by_name, "at": moment_in_json(entry.written_at), "text": entry.text}
        asked[entry.request.share_id]["entries"].append(message)
        if entry.author_id != entry.request.share.shared_by_id:
            asked[entry.request.share_id]["replies"].append(entry.text)
    return asked


class _Octets(Func):
    """The number of bytes of a text in UTF-8, counted by the database."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context)


def _shares(keys: Sequence[int]) -> QuerySet[Share]:
    related = ("content", "withdrawal", "request", "attestation__assessment__edition")
    return Share.objects.filter(pk__in=keys).select_related(*related).defer("attestation__record")


def _stored(keys: Sequence[int], kind: Kind) -> QuerySet[StoredPdf]:
    return StoredPdf.objects.filter(share__in=keys, kind=kind)


def _chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(keys), CHUNK_SIZE):
        yield keys[at : at + CHUNK_SIZE]
