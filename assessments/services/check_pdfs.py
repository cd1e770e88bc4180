"""PDFs of anonymous checks: printed one at a time for a check and an address, and kept until the check changes."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from assessments.models import AnonymousCheck, CheckPdf
from assessments.pdf.press import PressError, PrintProblem, fingerprint, print_pdf
from assessments.records.state import assessment_state
from assessments.rendering.documents import advisory_css, advisory_html
from assessments.services import answering
from assessments.services.audit import current_address
from config.places import NoPlace, place, places_of

BUSY = (
    "Another PDF is being made for this self-check or for your network address. Without signing in, there is one at "
    "a time. Try again in a few seconds."
)


def pdf_of_check(check: AnonymousCheck) -> bytes:
    """The PDF of an anonymous check's advisory as of today. Raises PressError, whose message is for people."""
    try:
        # Before anything is worked out: whoever asks again and again must not take the processor either.
        with (
            place(places_of("check-pdf", str(check.pk))),
            place(places_of("address-pdf", current_address.get())),
        ):
            return _kept_or_printed(check)
    except NoPlace:
        raise PressError(PrintProblem.BUSY, BUSY) from None


def _kept_or_printed(check: AnonymousCheck) -> bytes:
    state = assessment_state(check, as_of=timezone.localdate())
    html, css = advisory_html(state.projection), advisory_css()
    mark = fingerprint(html, css)
    kept = CheckPdf.objects.filter(draft=check, fingerprint=mark).first()
    if kept is not None:
        return bytes(kept.content)
    content = print_pdf(html, css=css, for_stranger=True)
    _keep(check, mark, content)
    return content


@transaction.atomic
def _keep(check: AnonymousCheck, mark: str, content: bytes) -> None:
    """Keep a PDF, unless the check changed while it was printed or there is no room."""
    unchanged = AnonymousCheck.objects.select_for_update().filter(pk=check.pk, ends_at=check.ends_at)
    has_room = AnonymousCheck.objects.total_size() + len(content) <= answering.MAX_CHECKS_BYTES
    if unchanged.exists() and has_room:
        defaults = {"fingerprint": mark, "size": len(content), "content": content}
        CheckPdf.objects.update_or_create(draft=check, defaults=defaults)
