"""What pages cost: `python -m tests.bench.pages`.

For a page with nine questions, an advisory and the desk's list: the processor's time, through all middleware, against
a trivial view, and the number of queries. For a first visit: the bytes of each file that a browser fetches,
compressed as production serves it. Times are the median of many. Use the ratio.
"""

import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django

from tests.bench.own import tables
from tests.weight import bytes_sent

TIMES, BATCH = 400, 20
SECTION = "terms"
"""Nine questions once the first is answered with yes."""


def milliseconds(*works: Callable[[], Any]) -> list[float]:
    """The processor's time of each of `works` in milliseconds: the median of many runs, in batches by turns."""
    times_by_work: list[list[float]] = [[] for _ in works]
    for _ in range(TIMES // BATCH):
        for work, times in zip(works, times_by_work, strict=True):
            work()
            for _ in range(BATCH):
                began = time.process_time()
                work()
                times.append(time.process_time() - began)
    return [statistics.median(times) * 1000 for times in times_by_work]


def cost_of_a_page() -> None:
    """Print the time and the queries, on a database in memory."""
    from django.db import connection  # noqa: PLC0415 - after django.setup
    from django.http import HttpRequest, HttpResponse  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext, override_settings  # noqa: PLC0415
    from django.urls import include, path  # noqa: PLC0415

    from assessments.models import AnonymousCheck  # noqa: PLC0415
    from assessments.services.answering import Change, save_answers  # noqa: PLC0415
    from bulletin.shelf import current  # noqa: PLC0415

    def trivial(_: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    class Urls:
        urlpatterns = (path("trivial", trivial), path("", include("config.urls")))

    client = Client()
    client.post("/check/start")
    check = AnonymousCheck.objects.get()
    address = f"/check/section/{SECTION}"
    questions = [q for q in current().questions if q.section == SECTION]

    def shown() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address).content.decode()
        return page.count("<fieldset"), len(queries)

    def answer(count: int) -> None:
        changes = [Change(q.id, "yes", "") for q in questions[:count]]
        save_answers(draft=check, changes=changes, by=None)

    with override_settings(ROOT_URLCONF=Urls):
        for count in (0, 1, len(questions)):
            answer(count)
            fieldsets, queries = shown()
            print(f"{fieldsets} questions, {count} answered: {queries} queries")
        officer = desk_with_shares()
        pages = {
            "section page": (client, address),
            "advisory": (client, "/check/advisory"),
            "desk's list, 25 rows": (officer, "/desk/"),
        }
        for browser, where in pages.values():
            assert browser.get(where).status_code == 200
        floor, *took = milliseconds(
            lambda: client.get("/trivial"),
            *(partial(browser.get, where) for browser, where in pages.values()),
        )
        for (name, (browser, where)), page in zip(pages.items(), took, strict=True):
            with CaptureQueriesContext(connection) as asked:
                browser.get(where)
            print(
                f"{name}: {page:.1f} ms of the processor, {len(asked)} queries, "
                f"{page / floor:.1f} × a trivial view"
            )


def desk_with_shares() -> Any:
    """An officer's browser, with more than a page of shares to list."""
    from tests.cast import account_of, attested, client_of, office_of, person, shared  # noqa: PLC0415

    attestation = attested(account_of(office_of(person("member"))))
    for number in range(30):
        shared(attestation, nonce=f"{number:064x}")
    return client_of(person("officer", is_officer=True))


def bytes_of_a_first_visit() -> None:
    """Print what a browser fetches for a first section page, file by file."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    from tools.screenshots import FLAGS, chromium, served  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory() as scratch,
        served(Path(scratch)) as address,
        sync_playwright() as tools,
    ):
        browser = tools.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Start a self-check").click()
        page.wait_for_url("**/check/**")
        # Another context, with the check's cookie and an empty cache.
        fresh = browser.new_context(storage_state=context.storage_state())
        page = fresh.new_page()
        fetched: dict[str, int] = {}

        def count(response: Any) -> None:
            fetched[response.url] = bytes_sent(response.url, response.body())

        page.on("response", count)
        page.goto(f"{address}/check/section/resources", wait_until="networkidle")
        browser.close()
    for url, size in sorted(fetched.items(), key=lambda item: -item[1]):
        print(f"{size:8,}  {url.removeprefix(address)}")
    print(f"{sum(fetched.values()):8,}  bytes in all, in {len(fetched)} files")


def main() -> None:
    """Measure and print."""
    os.environ |= {"DEBUG": "false", "DATABASE_URL": "sqlite://:memory:", "SECRET_KEY": "only for figures"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.test.utils import setup_test_environment  # noqa: PLC0415

    from tests.conftest import configure_settings  # noqa: PLC0415

    configure_settings()
    setup_test_environment()
    tables()
    logging.getLogger("portal").setLevel("WARNING")
    print(f"Python {sys.version.split()[0]}, Django {django.get_version()}")
    cost_of_a_page()
    bytes_of_a_first_visit()


if __name__ == "__main__":
    main()
