"""What anyone may see, without signing in. Nothing is kept: answers come in a POST and go out with the response."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from assessments.forms import AnswersForm
from assessments.reports.data import advisory_json
from assessments.reports.pdf import advisory_pdf
from assessments.reports.press import PressError
from assessments.reports.projection import project
from assessments.scoring.assess import assess
from bulletin.shelf import calendar


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the portal does, and a way to try it."""
    return render(request, "assessments/home.html", {"form": AnswersForm()})


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def advisory(request: HttpRequest) -> HttpResponse:
    """The advisory for posted answers: a page, or with `form` pdf or json a file to keep."""
    if request.method != "POST":
        return redirect("home")
    form = AnswersForm(request.POST)
    if not form.is_valid() or form.document is None:
        return _private(render(request, "assessments/home.html", {"form": form}))
    document = form.document
    as_of = document.as_of or timezone.localdate()
    election = document.election or calendar().default_for(as_of)
    result = assess(document.edition, document.answers, as_of=as_of, election=election)
    wanted = request.POST.get("file")
    if wanted == "json":
        return _file(advisory_json(result, indent=2) + b"\n", "application/json", "advisory.json")
    projection = project(result, document)
    problem = ""
    if wanted == "pdf":
        try:
            return _file(advisory_pdf(projection), "application/pdf", "advisory.pdf")
        except PressError as error:
            problem = str(error)
    context = {"a": projection, "raw": form.raw, "problem": problem}
    return _private(render(request, "assessments/advisory.html", context))


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return _private(response)


def _private(response: HttpResponse) -> HttpResponse:
    """Out of every search engine; `never_cache` keeps it out of every cache."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
