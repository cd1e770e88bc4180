"""How long a PDF takes: `python -m tests.bench.pdf`.

Cold is the first PDF of a new process, with the start of the printing process and its libraries. Warm is the median
of later ones. The baseline is the same HTML and CSS through plain WeasyPrint, untagged and unrepaired, in an
interpreter that does nothing else: cold (import and first document) and warm. Naive starts such an interpreter for
each document. Stored reads a PDF that was printed before. Times are wall-clock: use the ratios, on an idle machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import django
import pikepdf

from tests.bench.own import places, tables

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "conversion"
WARM = 15
PLAIN = """
import json, statistics, sys, time
html, css, root, times = json.load(sys.stdin)
began = time.perf_counter()
import weasyprint
css = css.replace("portal:", root + "/static/")
html = html.replace("portal:", root + "/static/")
def printed():
    return weasyprint.HTML(string=html).write_pdf(stylesheets=[weasyprint.CSS(string=css)])
printed()
cold, times_taken = time.perf_counter() - began, []
for _ in range(times):
    began = time.perf_counter()
    printed()
    times_taken.append(time.perf_counter() - began)
print(json.dumps([cold, statistics.median(times_taken)]))
"""


def timed(work: Callable[[], Any]) -> float:
    """The seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def plain(html: str, css: str) -> tuple[float, float]:
    """Seconds, cold and warm, of the same document through plain WeasyPrint in a fresh interpreter."""
    ended = subprocess.run(
        [sys.executable, "-c", PLAIN],
        input=json.dumps([html, css, ROOT.as_uri(), WARM]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cold, warm = json.loads(ended.stdout.splitlines()[-1])
    return cold, warm


def stored() -> float:
    """The median seconds to get the PDF of an attestation that is already printed."""
    from assessments.services.printing import pdf_of  # noqa: PLC0415
    from tests.cast import account_of, attested, office_of, person  # noqa: PLC0415

    tables()
    attestation = attested(account_of(office_of(person("member"))))
    pdf_of(attestation)
    return statistics.median(timed(lambda: pdf_of(attestation)) for _ in range(100))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {
            **places(scratch),
            "DEBUG": "false",
            "SECRET_KEY": "only for figures",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        django.setup()
        measure()


def measure() -> None:
    """Print the figures for one advisory."""
    from assessments.pdf.worker import FAMILY, FAMILY_EXT, _font_faces, our_files  # noqa: PLC0415
    from assessments.rendering.documents import advisory_css, advisory_html, advisory_pdf  # noqa: PLC0415
    from assessments.rendering.projection import project  # noqa: PLC0415
    from assessments.samples import sample  # noqa: PLC0415
    from assessments.scoring.assess import assess  # noqa: PLC0415
    from assessments.scoring.document import read_document  # noqa: PLC0415
    from bulletin.shelf import calendar, editions  # noqa: PLC0415

    document = read_document(sample(SAMPLE), editions(), calendar())
    assert document.as_of
    election = calendar().default_for(document.as_of)
    advisory = assess(document.edition, document.answers, as_of=document.as_of, election=election)
    projection = project(advisory, document)
    cold = timed(lambda: advisory_pdf(projection))
    warm = statistics.median(timed(lambda: advisory_pdf(projection)) for _ in range(WARM))
    command = [sys.executable, "manage.py", "advise", "-", "--format", "pdf"]
    command_time = timed(
        lambda: subprocess.run(command, cwd=ROOT, input=sample(SAMPLE), stdout=subprocess.PIPE, check=True)
    )
    pdf = advisory_pdf(projection)
    # The typeface as the printing process declares it, so that both set the same lines.
    faces = _font_faces(our_files())
    assert FAMILY in faces
    assert FAMILY_EXT in faces
    plain_cold, plain_warm = plain(advisory_html(projection), f"{faces}\n{advisory_css()}")

    with pikepdf.open(BytesIO(pdf)) as opened:
        print(f"{SAMPLE}: {len(opened.pages)} pages, {len(pdf):,} bytes")
    print("                        cold      warm")
    print(f"advisory PDF        {cold * 1000:6,.0f} ms {warm * 1000:6,.0f} ms   tagged and repaired")
    print(
        f"plain WeasyPrint    {plain_cold * 1000:6,.0f} ms {plain_warm * 1000:6,.0f} ms   the same HTML and CSS"
    )
    print(f"ratio               {cold / plain_cold:9.2f} {warm / plain_warm:9.2f}")
    stored_time = stored()
    print(
        f"stored              {stored_time * 1000:6,.1f} ms             read back and compared with its SHA-256"
    )
    print(f"naive: {plain_cold * 1000:,.0f} ms, 1.00 × a new process with plain WeasyPrint for each")
    print(f"cold: {cold * 1000:,.0f} ms, {cold / plain_cold:.2f} × plain WeasyPrint, cold")
    print(f"warm: {warm * 1000:,.0f} ms, {warm / plain_warm:.2f} × plain WeasyPrint, warm")
    print(f"stored: {stored_time * 1000:,.1f} ms, {stored_time / plain_warm:.4f} × plain WeasyPrint, warm")
    print(f"manage.py advise    {command_time * 1000:6,.0f} ms             from the shell, all in")


if __name__ == "__main__":
    main()
