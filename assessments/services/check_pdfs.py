"""PDFs of anonymous checks: printed one at a time for each check and address, and kept until the check changes."""

from __future__ import annotations

import logging

from django.db import Error, transaction
from django.utils import timezone

from assessments.models import AnonymousCheck, CheckPdf
from assessments.pdf.press import PressError, PrintProblem, fingerprint, print_pdf
from assessments.records.state import assessment_state
from assessments.rendering.documents import advisory_css, advisory_html
from assessments.services import answering
from assessments.services.audit import current_address
from config.places import NoPlace, place, places_of

log = logging.getLogger(__name__)

BUSY = (
    "Another PDF is being made for this self-check or your network address. Without signing in, PDFs are made one at "
    "a time. Try again in a few seconds."
)


def pdf_of_check(check: AnonymousCheck) -> bytes:
    """The PDF of an anonymous check's advisory as of today. Raises PressError, whose message is for people."""
    try:
        # Taken before any other work, so that repeated requests do not use the processor.
        with (
            place(places_of("check-pdf", str(check.pk))),
            place(places_of("address-pdf", current_address.get())),
        ):
            return _kept_or_printed(check)
    except NoPlace:
        raise PressError(PrintProblem.BUSY, BUSY) from None


def _kept_or_printed(check: AnonymousCheck) -> bytes:
    html, css = _document(check)
    mark = fingerprint(html, css)
    kept = CheckPdf.objects.filter(draft=check, fingerprint=mark).first()
    if kept is not None:
        return bytes(kept.content)
    content = print_pdf(html, css=css, for_stranger=True)
    try:
        _keep(check, mark, content)
    except Error as error:
        # Whoever asked gets it although the database is full or locked. The next time it is printed again.
        log.error("A PDF could not be kept: %s", type(error).__name__)
    return content


def _document(check: AnonymousCheck) -> tuple[str, str]:
    """The HTML and the CSS of a check's advisory as of today."""
    state = assessment_state(check, as_of=timezone.localdate())
    return advisory_html(state.projection), advisory_css()


@transaction.atomic
def _keep(check: AnonymousCheck, mark: str, content: bytes) -> None:
    """Keep a PDF, unless the check changed while it was printed or there is no room."""
    current = AnonymousCheck.objects.select_for_update().filter(pk=check.pk).first()
    if current is None or fingerprint(*_document(current)) != mark:
        return
    if AnonymousCheck.objects.total_size() + len(content) <= answering.MAX_CHECKS_BYTES:
        defaults = {"fingerprint": mark, "size": len(content), "content": content}
        CheckPdf.objects.update_or_create(draft=check, defaults=defaults)
