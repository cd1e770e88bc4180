"""What the Commissioner's desk costs: `python -m tests.bench.desk [SHARES]`, on SQLite.

On PostgreSQL: `python -m tests.postgres python -m tests.bench.desk [SHARES]`. Measures the first page of the list, a
page deep in it, and a search for a rare word, with 1,000 shares and with 50,000 unless SHARES is given, against a
trivial view; and the deep page's rows by key against the same rows by OFFSET. Then a ZIP file of 5,000 PDFs: the time
to its first byte, the whole time against reading the same files, and the memory that it adds.
"""

import logging
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import django

from tests.bench.own import places, tables

SIZES = (1_000, 50_000)
TIMES = 15
FILES, FILE = 5_000, 60_000
"""PDFs in the ZIP file, and bytes of each."""


def milliseconds(work: Callable[[], Any]) -> float:
    """The median time of some runs, after one to warm up, in milliseconds."""
    work()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def add_shares(attestation: Any, first: int, end: int) -> None:
    """Add copies of a real share, with other keys, times and names."""
    from datetime import timedelta  # noqa: PLC0415

    from assessments.models import DeskEntry, Share  # noqa: PLC0415
    from assessments.pdf.authenticity import new_code  # noqa: PLC0415

    like = DeskEntry.objects.earliest("pk")
    at = like.shared_at
    for begin in range(first, end, 1_000):
        numbers = range(begin, min(end, begin + 1_000))
        shares = Share.objects.bulk_create(
            Share(
                attestation=attestation,
                shared_by_id=attestation.attested_by_id,
                shared_at=at + timedelta(minutes=number),
                sha256=secrets.token_hex(32),
                code=new_code(),
            )
            for number in numbers
        )
        DeskEntry.objects.bulk_create(
            DeskEntry(
                share=share,
                office=like.office,
                office_name=like.office_name,
                account=like.account,
                account_words=like.account_words,
                edition=like.edition,
                revision=like.revision,
                election=like.election,
                overall=like.overall,
                shared_at=share.shared_at,
                news_at=share.shared_at,
                opened_at=share.shared_at,
                waiting=number % 100 == 0,
                words=f"{like.words} {'rarity' if number % 997 == 0 else ''} {'w ' * 200}",
            )
            for number, share in zip(numbers, shares, strict=True)
        )


def offset_rows(rows: Any, at: int) -> list[Any]:
    """The same rows as a page has, by OFFSET."""
    return list(rows.order_by("-waiting", "-shared_at", "-pk")[at : at + 26])


def run() -> None:
    """Measure, and print."""
    from django.db import connection  # noqa: PLC0415
    from django.http import HttpRequest, HttpResponse  # noqa: PLC0415
    from django.test.utils import override_settings  # noqa: PLC0415
    from django.urls import include, path  # noqa: PLC0415

    from assessments.models import DeskEntry  # noqa: PLC0415
    from tests.cast import account_of, attested, client_of, office_of, person, shared  # noqa: PLC0415

    def trivial(_: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    class Urls:
        urlpatterns = (path("trivial", trivial), path("", include("config.urls")))

    attestation = attested(account_of(office_of(person("member"))))
    shared(attestation)
    client, there, vendor = client_of(person("officer", is_officer=True)), 1, connection.vendor
    sizes = [int(sys.argv[1])] if sys.argv[1:] else SIZES
    for size in sizes:
        add_shares(attestation, there, size)
        there = size
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        rows = DeskEntry.objects.all()
        place = rows.order_by("-waiting", "-shared_at", "-pk")[size * 9 // 10].place
        search = client.post("/desk/", {"words": "rarity"})["Location"]
        with override_settings(ROOT_URLCONF=Urls):
            trivially = milliseconds(lambda: client.get("/trivial"))
            for name, address in (
                ("first page", "/desk/"),
                ("deep page", f"/desk/?after={place}"),
                ("search", search),
            ):
                took = milliseconds(partial(client.get, address))
                ratio = took / trivially
                say(f"{vendor}, {size:,} shares, {name}: {took:.1f} ms, {ratio:.1f} × a trivial view")
        by_key = milliseconds(partial(rows.page, size=25, after=place))
        at = size * 9 // 10
        by_offset = milliseconds(partial(offset_rows, rows, at))
        ratio = by_key / by_offset
        say(f"{vendor}, {size:,} shares, deep rows by key: {by_key:.2f} ms, {ratio:.3f} × by OFFSET")
    zip_of(rows)


def megabytes(field: str) -> float:
    """The memory of this process according to Linux: now (`VmRSS`), or at its peak (`VmHWM`)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def zip_of(rows: Any) -> None:
    """Stream a large ZIP file, and print its cost."""
    from django.core.files.base import ContentFile  # noqa: PLC0415
    from django.core.files.storage import default_storage  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from assessments.models import StoredPdf  # noqa: PLC0415
    from assessments.services.desk_export import append_export, collect  # noqa: PLC0415

    keys = list(rows.order_by("pk").values_list("pk", flat=True)[1 : FILES + 1])
    stored = []
    for key in keys:
        content = secrets.token_bytes(FILE)
        name = default_storage.save(f"shares/{key}/{key}.pdf", ContentFile(content))
        digest = sha256(content).hexdigest()
        stored.append(StoredPdf(share_id=key, name=name, sha256=digest, size=FILE))
    StoredPdf.objects.bulk_create(stored)
    began = time.perf_counter()
    for pdf in stored:
        with default_storage.open(pdf.name) as file:
            file.read()
    read = time.perf_counter() - began
    before = megabytes("VmRSS")
    # Reset the peak.
    Path("/proc/self/clear_refs").write_text("5")
    began = time.perf_counter()
    collection = collect(keys=keys, form="zip", kind="full")
    append_export(keys=collection.keys, form="zip", by=None)
    chunks = iter(collection.chunks)
    size = len(next(chunks))
    first = time.perf_counter() - began
    size += sum(map(len, chunks))
    took = time.perf_counter() - began
    more = megabytes("VmHWM") - before
    verdict = "whole" if size == collection.size else "NOT WHOLE"
    say(
        f"{connection.vendor}, ZIP of {len(keys):,} PDFs, {size / 1e6:.0f} MB, {verdict}: "
        f"first byte after {first:.2f} s, {took:.1f} s in all, {took / read:.1f} × reading the files, "
        f"{more:.0f} MB more memory"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(
            places(scratch),
            DEBUG="false",
            SECRET_KEY="only benchmarks sign with this",
            ALLOWED_HOSTS="testserver",
            PROXIES="0",
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        django.setup()
        from django.conf import settings  # noqa: PLC0415

        settings.SECURE_SSL_REDIRECT = False
        settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
        logging.getLogger("portal").setLevel("WARNING")
        tables()
        run()


if __name__ == "__main__":
    main()
