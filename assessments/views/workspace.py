"""The self-check that a request is about: the browser's own anonymous check, or an office's assessment.

The questionnaire has the same pages for both, and a Workspace hides the difference from them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from assessments.forms.section import LinkedContradiction, element_id
from assessments.models import AnonymousCheck, Assessment, Attestation, User
from assessments.models.checks import LIFE
from assessments.records.state import AssessmentState, assessment_state
from assessments.reports.screens import Point, newest_point
from assessments.services.answering import SelfCheck
from assessments.views.access import View
from assessments.views.not_saved import keep_typed, made_for_another
from bulletin.models import PublishedEdition
from bulletin.publish import current_published
from bulletin.shelf import current

Response = TypeVar("Response", bound=HttpResponseBase)

COOKIE = settings.CHECK_COOKIE_NAME
"""The cookie with an anonymous check's token, which scripts cannot read.

It lasts until the browser closes or, if the person chose that, for as long as the check is kept.
"""
DRAFT = "draft"
"""The input that names the self-check that a form was made from. An anonymous check's address does not name it."""
READY = "ready"
"""Marks an address: the person has read the warning before guarded questions."""


@dataclass(frozen=True)
class Workspace:
    """A self-check, the person who works on it (None if nobody signed in), and the addresses of its pages."""

    self_check: SelfCheck
    by: User | None

    @property
    def is_anonymous(self) -> bool:
        return isinstance(self.self_check, AnonymousCheck)

    @property
    def outlives_browser(self) -> bool:
        """Whether it is an anonymous check whose token the browser keeps after it closes."""
        return isinstance(self.self_check, AnonymousCheck) and self.self_check.outlives_browser

    @property
    def is_open(self) -> bool:
        """Whether answers can be changed: not after attestation, nor after the end of the office's term."""
        return self.in_term and self.attestation is None

    @property
    def in_term(self) -> bool:
        """Whether anything can be written: not after the end of the office's term."""
        return isinstance(self.self_check, AnonymousCheck) or self.self_check.account.office.ends_on is None

    @property
    def by_member(self) -> bool:
        """Whether the person is the office's member, who alone attests and shares."""
        return isinstance(self.self_check, Assessment) and self.self_check.account.office.member == self.by

    @property
    def attestation(self) -> Attestation | None:
        """The attestation; None for a draft."""
        return self.self_check.attestation_or_none if isinstance(self.self_check, Assessment) else None

    @functools.cached_property
    def later(self) -> Attestation | None:
        """The account's newest attestation, if it is later than this one and so supersedes it."""
        if self.attestation is None or not isinstance(self.self_check, Assessment):
            return None
        of_account = Attestation.objects.filter(assessment__account=self.self_check.account_id).defer(
            "record"
        )
        return of_account.filter(attested_at__gt=self.attestation.attested_at).first()

    @functools.cached_property
    def newer(self) -> PublishedEdition | None:
        """The newer revision that a draft can move to: only the current edition gets any."""
        own = self.self_check.edition
        on_file = current()
        # Nearly every draft has the newest revision, and then no query is needed to say so.
        if not self.is_open or own.edition_id != on_file.id or own.revision >= on_file.sheet.revision:
            return None
        newest = current_published()
        return newest if newest.revision > own.revision else None

    @property
    def mark(self) -> str:
        """The mark of this self-check in forms: it shows whether a form was made from this self-check or another.

        A form from before a move to another revision of the questions is one from another.
        """
        check = self.self_check
        name = check.token_hash[:16] if isinstance(check, AnonymousCheck) else str(check.pk)
        return f"{name}-{check.edition.digest[:16]}"

    def why_stale(self, mark: str) -> str:
        """Why a form with this mark cannot be saved: what it was made from has ended or moved. Empty if it can."""
        if mark == self.mark:
            return ""
        return "moved" if mark.partition("-")[0] == self.mark.partition("-")[0] else "ended"

    def refreshed(self) -> Workspace:
        """The same workspace with its state worked out again, after a save."""
        return Workspace(self.self_check, self.by)

    def moved(self) -> Workspace:
        """The same workspace with the self-check as it is stored now, after a move to another revision."""
        stored = type(self.self_check)._default_manager.select_related("edition").defer("edition__content")
        return Workspace(stored.get(pk=self.self_check.pk), self.by)

    def url(self, name: str, **kwargs: Any) -> str:
        """The address of one of the self-check's pages."""
        if self.is_anonymous:
            return reverse(f"check:{name}", kwargs=kwargs)
        return reverse(f"assessment:{name}", kwargs={"pk": self.self_check.pk, **kwargs})

    def question_url(self, question: str, *, back: str = "") -> str:
        """The address of a question in its section, past the warning before a guarded one. `back` is a flag."""
        section = self.state.edition.question[question].section
        flags = f"{READY}&{back}" if back else READY
        return f"{self.url('section', section=section)}?{flags}#{element_id(question)}"

    @functools.cached_property
    def contradictions(self) -> tuple[LinkedContradiction, ...]:
        """The answers that cannot all be right, each time with links to mend any of them."""
        return tuple(
            LinkedContradiction(
                contradiction.text,
                tuple((self.state.question(q), self.question_url(q)) for q in contradiction.questions),
                contradiction.is_of_election,
            )
            for contradiction in self.state.advisory.contradictions
        )

    def contradictions_beside(self, question: str) -> tuple[LinkedContradiction, ...]:
        """Those that a question is part of, with links to the others."""
        return tuple(
            LinkedContradiction(
                contradiction.text,
                tuple(link for link in contradiction.questions if link[0].id != question),
                contradiction.is_of_election,
            )
            for contradiction in self.contradictions
            if question in {about.id for about, _ in contradiction.questions}
        )

    @functools.cached_property
    def newest(self) -> Point | None:
        """The newest point of the result, for the panel."""
        return newest_point(self.state)

    def context(self, **extra: Any) -> dict[str, Any]:
        """The variables of a template: what every page of the self-check needs, and `extra`."""
        more_names: tuple[str, ...] = ("review", "attest", "confirm", "done", "reassess", "share", "compare")
        more_names = () if self.is_anonymous else more_names
        names = (
            "tasks",
            "next",
            "settled",
            "details",
            "move",
            "answers",
            "advisory",
            "copies",
            "pdf",
            "json",
            "file",
        )
        links = {f"url_{name}": self.url(name) for name in (*names, *more_names)}
        return {"workspace": self, "state": self.state, **links, **extra}

    @functools.cached_property
    def state(self) -> AssessmentState:
        """The self-check's answers and advisory, as of today in Toronto."""
        return assessment_state(self.self_check, as_of=timezone.localdate())


def with_workspace(view: View) -> View:
    """Give the view the Workspace of the request's self-check.

    If there is no such self-check, nothing that someone typed is lost: the response to a POST still has it.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, pk: int | None = None, **kwargs: Any) -> HttpResponseBase:
        workspace = _office_workspace(request, pk) if pk is not None else _own_workspace(request)
        if isinstance(workspace, HttpResponse):
            return workspace
        response = view(request, workspace, **kwargs)
        if workspace.outlives_browser and COOKIE not in response.cookies:
            # Each answer extends the check's life, and the cookie has to last as long.
            remember(response, request.COOKIES[COOKIE], outlives_browser=True)
        return response

    return wrapped


def own_check(request: HttpRequest) -> AnonymousCheck | None:
    """This browser's anonymous check, if it has one that has not ended."""
    token = request.COOKIES.get(COOKIE)
    if not token:
        return None
    live = AnonymousCheck.objects.live().with_token(token).select_related("edition").defer("edition__content")
    return live.first()


def remember(response: Response, token: str, *, outlives_browser: bool = False) -> Response:
    """Give the browser the token of its check, until the browser closes or for as long as a check is kept."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=LIFE if outlives_browser else None,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _own_workspace(request: HttpRequest) -> Workspace | HttpResponse:
    check = own_check(request)
    if check is not None:
        return Workspace(check, None)
    if request.method == "POST":
        return keep_typed(request, "ended")
    return redirect(reverse("home") + "?ended")


def _office_workspace(request: HttpRequest, pk: int) -> Workspace | HttpResponse:
    if not isinstance(request.user, User):
        if request.method == "POST":
            return keep_typed(request, "signed_out")
        return redirect_to_login(request.get_full_path())
    if made_for_another(request):
        return keep_typed(request, "other_person")
    visible = Assessment.objects.visible_to(request.user)
    related = visible.select_related("edition", "account__office__member", "attestation__attested_by").defer(
        "edition__content"
    )
    assessment = related.filter(pk=pk).first()
    if assessment is not None:
        return Workspace(assessment, request.user)
    if request.method == "POST":
        # The same page whether or not the assessment exists: the person may just have left the office.
        return keep_typed(request, "not_yours", status=404)
    raise Http404
