"""The pages that anyone may see without signing in, and the ways to start a self-check."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_login_redirect_url, get_next_redirect_url
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import defaults
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.answers_file import AnswersFileForm
from assessments.forms.naming import NameForm
from assessments.forms.section import SectionForm
from assessments.models import AnonymousCheck, User
from assessments.records.state import AssessmentState
from assessments.rendering.documents import advisory_pdf, questionnaire_pdf
from assessments.rendering.projection import Projection, of_asked, project
from assessments.reports.carried import carried_report
from assessments.reports.screens import Screen, screen_named
from assessments.samples import TITLES, sample
from assessments.scoring.assess import assess
from assessments.scoring.document import Document, election_for, read_document
from assessments.scoring.effort import minutes_left
from assessments.services.answering import AddressFull, NoRoom, NotSaved, TooLarge, save_answers
from assessments.services.drafts import set_outlives_browser, start_check
from assessments.views.downloads import pdf_response
from assessments.views.not_saved import FAULTS, STATUSES, keep_typed, typed_in, unavailable
from assessments.views.one_at_a_time import Marks, rest_of, screen_page
from assessments.views.questionnaire import save_name, section_page
from assessments.views.workspace import COOKIE, READY, Workspace, own_check, remember, with_workspace
from bulletin.encoding.schema import Edition, Question
from bulletin.publish import current_published, encoded
from bulletin.shelf import calendar, current, editions

log = logging.getLogger(__name__)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page: what the portal does, for whom, and how to start."""
    check = own_check(request)
    context = {
        "check": check,
        "ended": "ended" in request.GET and check is None,
        "samples": TITLES,
        "guarded": current().guarded_sections,
        "minutes": _minutes(timezone.localdate()),
        "sample_name": HOME_SAMPLE,
        "sample_result": _sample_result(),
    }
    return render(request, "assessments/home.html", context)


HOME_SAMPLE = "conversion"
"""The sample whose result the home page shows the beginning of."""


@lru_cache(maxsize=1)
def _sample_result() -> Projection:
    return _example(HOME_SAMPLE)


@lru_cache(maxsize=2)
def _minutes(today: date) -> int:
    """About how many minutes a self-check takes: the figure that a new one shows."""
    return minutes_left(assess(current(), {}, as_of=today, election=calendar().default_for(today)))


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """A page of text: help, privacy, accessibility, deleted."""
    context = {"contact_block": current().sheet.contact, "guarded": current().guarded_sections}
    return render(request, f"pages/{name}.html", context)


STAYS = "You can close this browser. It can open your answers for 24 hours after your last one."
STAYS_NOT = "When you close this browser, it can no longer open your answers."

NAME_NOT_SAVED = (
    "This self-check already names an account, so the platform and account name that you typed are not saved."
)

LARGE_FILE = 20_000
"""Bytes. One network address may bring back only a few answers files an hour that are larger than this."""

FILE_REFUSED = {
    "large_file": (
        "Several large files were brought back from your network address in the last hour. Wait an hour, or sign "
        "in and answer in your office. You can still bring back files of up to 20 kB."
    ),
    TooLarge.why: (
        "These answers are larger than 100 kB, the limit without signing in. Shorten the notes in the box below, "
        "then try again."
    ),
    AddressFull.why: (
        "In the last hour, too much was saved from your network address without signing in. Keep your file, and try "
        "again in an hour. You can also sign in and answer in your office."
    ),
    NoRoom.why: (
        "Right now, the portal has no room for another self-check without signing in. Keep your file, and try again "
        "in an hour. You can also sign in and answer in your office."
    ),
}
"""Why an answers file is not accepted, although it can be read."""


def not_too_often(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Limit how often one network address may POST, so that nobody fills the database with self-checks."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and not ratelimit.consume(request, action="start_check"):
            return keep_typed(request, "too_often")
        return view(request)

    return wrapped


@require_POST
@not_too_often
def start(request: HttpRequest) -> HttpResponse:
    """Start a new self-check. It replaces this browser's earlier one only if the person chose that."""
    old = own_check(request)
    if old is not None and "replace" not in request.POST:
        return redirect("check:tasks")
    try:
        check, token = start_check(replacing=old)
    except (AddressFull, NoRoom) as error:
        return keep_typed(request, error.why)
    return remember(redirect(Workspace(check, None).url("next")), token)


@require_POST
@with_workspace
def stay(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Choose whether this browser can open the self-check after it was closed."""
    outlives_browser = request.POST.get("stay") == "yes"
    if not isinstance(workspace.self_check, AnonymousCheck):
        raise Http404
    set_outlives_browser(check=workspace.self_check, outlives_browser=outlives_browser)
    messages.success(request, STAYS if outlives_browser else STAYS_NOT)
    response = redirect(workspace.url("tasks") + "#stay")
    return remember(response, request.COOKIES[COOKIE], outlives_browser=outlives_browser)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@not_too_often
def bring_back(request: HttpRequest) -> HttpResponse:
    """Continue with answers from a file."""
    posted, status = request.method == "POST", 200
    length = request.META.get("CONTENT_LENGTH") or "0"
    form = AnswersFileForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        dropped=length.isdecimal() and int(length) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE,
    )
    if posted and form.is_valid() and form.document is not None:
        if form.size > LARGE_FILE and not ratelimit.consume(request, action="large_file"):
            status, refusal = 429, FILE_REFUSED["large_file"]
        else:
            try:
                return _brought_back(request, form.document)
            except (TooLarge, AddressFull, NoRoom) as error:
                status, refusal = STATUSES.get(error.why, 200), FILE_REFUSED[error.why]
        form.refuse(refusal)
    context = {"form": form, "check": own_check(request)}
    return render(request, "assessments/bring_back.html", context, status=status)


@transaction.atomic
def _brought_back(request: HttpRequest, document: Document) -> HttpResponse:
    """Start a self-check with the answers of a document. Raises TooLarge, AddressFull and NoRoom.

    In one transaction: if the page could not be made, the browser would lose both its old check and the new one.
    """
    check, token = start_check(document=document, replacing=own_check(request))
    workspace = Workspace(check, None)
    report = carried_report(
        workspace.state,
        left_behind=document.left_behind,
        changed=document.changed,
        count=len(document.answers),
    )
    # Shown here, and not after a redirect: what is left behind is kept nowhere.
    context = workspace.context(heading="Your answers are back", report=report)
    page = render(request, "assessments/carried.html", context) if report else None
    return remember(page or redirect(workspace.url("tasks")), token)


@sensitive_post_parameters()
@require_POST
@not_too_often
def restart(request: HttpRequest) -> HttpResponse:
    """Start a new check from what was typed on a page whose check had ended.

    If this browser has another check by now, the answers are saved in it; where it already has an answer, both are
    shown. It keeps its account's name, if it has one.
    """
    check = own_check(request)
    page = _page_of_questions(request.GET.get("to", ""))
    edition = encoded(check.edition if check else current_published())
    if not page.has_questions(edition):
        # The check that ended was by another edition or revision: give back what was typed.
        return keep_typed(request, "other_edition")
    token = None
    try:
        with transaction.atomic():
            if check is None:
                check, token = start_check()
            workspace = Workspace(check, None)
            form = SectionForm(
                workspace.state, page.questions(workspace.state), request.POST, all_changed=True
            )
            form.is_valid()
            workspace = workspace.refreshed()
            has_name = bool(check.platform or check.handle)
            if not has_name:
                save_name(workspace, form)
            rest = rest_of(form)
            in_rest = {change.question for change in rest}
            changes = [change for change in form.changes if change.question not in in_rest]
            saved = save_answers(draft=check, changes=changes, by=None, unless_answered=rest)
    except NotSaved as error:
        return keep_typed(request, error.why)
    if has_name and NameForm(request.POST, check=check).new_name:
        messages.warning(request, NAME_NOT_SAVED)
    remaining = form.after(workspace.state, saved)
    if remaining.problems or remaining.conflicts:
        response = page.shown(request, workspace, remaining)
    else:
        response = redirect(page.onwards(workspace))
    return remember(response, token) if token else response


@dataclass(frozen=True)
class _PageOfQuestions:
    """A page of the questionnaire: a section's, or else a screen's of the way through."""

    section: str | None
    screen: str | None

    def has_questions(self, edition: Edition) -> bool:
        if self.section:
            return any(question.section == self.section for question in edition.questions)
        return any(self.screen in (question.id, question.together) for question in edition.questions)

    def questions(self, state: AssessmentState) -> tuple[Question, ...]:
        return state.questions_of(self.section) if self.section else self._screen(state).questions

    def _screen(self, state: AssessmentState) -> Screen:
        screen = screen_named(state, self.screen or "")
        if screen is None:
            raise Http404
        return screen

    def shown(self, request: HttpRequest, workspace: Workspace, form: SectionForm) -> HttpResponse:
        if self.section:
            return section_page(request, workspace, self.section, form)
        return screen_page(request, workspace, self._screen(workspace.state), form, Marks.of(request))

    def onwards(self, workspace: Workspace) -> str:
        if self.section:
            return workspace.url("section", section=self.section) + f"?{READY}"
        return workspace.url("next")


def _page_of_questions(address: str) -> _PageOfQuestions:
    """The page that has this address. Raises Http404 for the address of any other page."""
    try:
        match = resolve(address)
    except Resolver404:
        raise Http404 from None
    if match.view_name not in ("check:section", "check:ask"):
        raise Http404
    return _PageOfQuestions(match.kwargs.get("section"), match.kwargs.get("screen"))


@require_safe
def example(request: HttpRequest, name: str) -> HttpResponse:
    """The advisory for one of the sample situations."""
    projection = _example(name)
    context = {"a": projection, "example": name, "title": TITLES[name]}
    return render(request, "assessments/advisory.html", context)


@require_safe
def example_pdf(request: HttpRequest, name: str) -> HttpResponseBase:
    """The same advisory as a PDF."""
    projection = _example(name)
    return pdf_response(
        request,
        lambda: _printed(advisory_pdf, projection, for_stranger=True),
        "example-advisory.pdf",
        back=reverse("example", kwargs={"name": name}),
        inline=True,
    )


def _example(name: str) -> Projection:
    if name not in TITLES:
        raise Http404
    document = read_document(sample(name), editions(), calendar())
    as_of = document.as_of or timezone.localdate()
    election = election_for(document, calendar(), as_of=as_of)
    advisory = assess(document.edition, document.answers, as_of=as_of, election=election)
    return project(advisory, of_asked(document, advisory))


@require_safe
def questionnaire(request: HttpRequest) -> HttpResponseBase:
    """The blank questionnaire, to print."""
    return pdf_response(
        request,
        lambda: _printed(questionnaire_pdf, current(), calendar().default_for(timezone.localdate())),
        "questionnaire.pdf",
        back=reverse("home"),
        inline=True,
    )


@lru_cache(maxsize=16)
def _printed(make: Callable[..., bytes], *subjects: Any, **options: Any) -> bytes:
    """A PDF that is the same for everyone, printed only once: many requests for it must not keep others waiting."""
    return make(*subjects, **options)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form whose token no longer fits, and give back what was typed, with a new token.

    This applies only to forms from our own site. Otherwise another site could prepare such a form and have someone
    submit it with one press of a button. If nothing was typed, the person gets a link to the form's page instead,
    because that page says what the button does.
    If someone else is signed in, a sign-in form names them and offers to sign them out.
    """
    match = request.resolver_match
    if match is None or not _is_ours(request, reason):
        return render(request, "403_csrf.html", status=403)
    if match.view_name == "account_logout":
        # Someone may have signed in since, on another tab. This page has the button that signs them out.
        return render(request, "account/logout.html", status=403)
    if match.view_name in ("account_login", "mfa_login_webauthn") and isinstance(request.user, User):
        onward = get_login_redirect_url(request)
        if User.normalize_username(request.POST.get("login", "")) == request.user.email:
            return redirect(onward)
        asked_for = get_next_redirect_url(request)
        query = f"?{urlencode({'next': asked_for})}" if asked_for else ""
        context = {"onward": onward, "sign_in": reverse("account_login") + query}
        return render(request, "account/already_signed_in.html", context, status=403)
    if typed_in(request):
        has_ended = match.namespace == "check" and own_check(request) is None
        return keep_typed(request, "ended" if has_ended else "stale", status=403)
    return render(request, "403_csrf.html", {"back": _page_of_form(request)}, status=403)


def _is_ours(request: HttpRequest, reason: str) -> bool:
    """Whether a form came from our own site."""
    is_ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    origin = request.headers.get("Origin")
    is_ours = is_ours and origin in (None, f"{request.scheme}://{request.get_host()}")
    # For a browser that sends neither header, Django has checked the page that the form came from.
    return is_ours and not reason.startswith(("Origin checking", "Referer checking"))


def _page_of_form(request: HttpRequest) -> str:
    """The URL of our page that a form came from; empty if the browser does not send it."""
    page = request.headers.get("Referer", "")
    return page if url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure()) else ""


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for a fault. For a fault of the database, the page gives back what was typed."""
    error = sys.exc_info()[1]
    if isinstance(error, FAULTS):
        try:
            return unavailable(request, error)
        except Exception as fault:  # noqa: BLE001 - the plain page needs nothing that could fail
            log.error("The page for a fault of the database could not be made: %s", type(fault).__name__)
    return defaults.server_error(request)


def logged_if_it_fails(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for a refusal. If it cannot be made, the log says why: Django's own log would not."""

    @wraps(page)
    def wrapped(request: HttpRequest, exception: Exception) -> HttpResponse:
        # For an unknown address, the page is the first to read the form, which may be one that cannot be read.
        with suppress(BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
            request.POST  # noqa: B018 - what is read is kept
        try:
            return page(request, exception)
        except Exception:
            log.exception("The page for a refusal could not be made")
            raise

    return wrapped


def style(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for people who develop the portal."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "pages/style.html")
