"""Files that people download, and the page for a PDF that cannot be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from assessments.pdf.press import PressError
from assessments.services.printing import CannotStore

PDF_FAULTS = (PressError, CannotStore)
"""Why a PDF cannot be made or stored now. Their messages are for people."""


def file_response(
    content: bytes | IO[bytes] | Iterable[bytes],
    content_type: str,
    name: str,
    *,
    size: int | None = None,
    inline: bool = False,
) -> HttpResponseBase:
    """A file to save or, `inline`, to open in the browser. Its name must reveal nothing that is in it.

    `content` is bytes, an open file, or parts that are made while they are sent, `size` bytes in all.
    """
    response: HttpResponseBase
    if isinstance(content, bytes):
        response = HttpResponse(content, content_type=content_type)
    elif size is None:
        response = FileResponse(content, content_type=content_type)
    else:
        response = StreamingHttpResponse(content, content_type=content_type)
        response["Content-Length"] = str(size)
        # Without this header, a proxy may store the whole file before it passes it on, and hide the progress.
        response["X-Accel-Buffering"] = "no"
    response["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
    return response


def pdf_response(
    request: HttpRequest,
    make: Callable[[], bytes],
    name: str,
    *,
    back: str,
    note: str = "",
    inline: bool = False,
) -> HttpResponseBase:
    """The PDF that `make` returns; if it cannot be made, a page with the reason and status 503.

    That page leads back to `back`, the page where the person was. `note` compares that page with the PDF.
    """
    try:
        pdf = make()
    except PDF_FAULTS as fault:
        return render(
            request, "pages/no_pdf.html", {"problem": str(fault), "back": back, "note": note}, status=503
        )
    return file_response(pdf, "application/pdf", name, inline=inline)
