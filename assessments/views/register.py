"""The register of an office's social accounts, each with its drafts; and keeping an anonymous check there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.register import TAKEN, AccountForm, ElectionForm, KeepForm
from assessments.models import AnonymousCheck, Assessment, Membership, Office, SocialAccount, User
from assessments.records.state import AssessmentState, assessment_state
from assessments.reports.across import across
from assessments.scoring.wording import long_date
from assessments.services import register as services
from assessments.views.access import signed_in
from assessments.views.workspace import COOKIE, own_check

THERE = Q(assessments__deleted_at__isnull=True)
"""Of an account's assessments those that nobody deleted."""


@dataclass(frozen=True)
class AssessmentRow:
    """A draft in a list: where it stands today, in few words."""

    assessment: Assessment
    state: AssessmentState

    @property
    def is_ready(self) -> bool:
        """Whether somebody says that it can be reviewed, and nobody attested it since."""
        return self.assessment.ready_at is not None and self.assessment.attestation_or_none is None

    @property
    def left(self) -> str:
        """How much there is still to answer."""
        questions, minutes = len(self.state.advisory.unanswered), self.state.minutes_left
        facts = len(self.state.advisory.check)
        if not questions:
            return "Every question answered" + (f", {_number(facts, 'fact')} to look up" if facts else "")
        return f"{_number(questions, 'question')} left, about {_number(minutes, 'minute')}"

    @property
    def next(self) -> str:
        """What is due next: at once, else by the nearest day to come; empty where nothing has a day."""
        deadlines = self.state.advisory.deadlines
        at_once = sum(deadline.is_now for deadline in deadlines)
        days = sorted(d.due for d in deadlines if d.due and d.due >= self.state.as_of and not d.is_now)
        if at_once:
            return f"{_number(at_once, 'thing')} to do at once"
        return f"{_number(days.count(days[0]), 'thing')} to do by {long_date(days[0])}" if days else ""


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


@dataclass(frozen=True)
class AccountRow:
    """An account in the register, with how many drafts it has and where the newest stands."""

    account: SocialAccount
    drafts: int
    newest: AssessmentRow | None

    @property
    def purpose(self) -> str:
        return _purpose(self.account)


def _purpose(account: SocialAccount) -> str:
    """The purpose in one word; the form's longer words explain it."""
    return account.get_purpose_display().partition(":")[0]


def _rows(drafts: Iterable[Assessment]) -> list[AssessmentRow]:
    return [AssessmentRow(draft, assessment_state(draft, as_of=timezone.localdate())) for draft in drafts]


def _drafts(user: User) -> Any:
    """The drafts that a person may see, with all that a row of them shows."""
    visible = Assessment.objects.visible_to(user)
    related = visible.select_related(
        "edition", "started_by", "account__office__member", "attestation__attested_by"
    )
    return related.defer("edition__content").with_superseded().prefetch_related("answers")


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was posted, were it nothing at all: that is a form with everything missing."""
    return request.POST if request.method == "POST" else None


@require_safe
@signed_in
def register(request: HttpRequest, by: User) -> HttpResponse:
    """The accounts of one's offices."""
    if by.is_staff or by.is_officer:
        # No office is theirs: they begin elsewhere.
        return redirect("people" if by.is_staff else "desk")
    offices = list(Office.objects.visible_to(by).select_related("member"))
    accounts = SocialAccount.objects.visible_to(by)
    # Of each account its newest draft alone is reckoned.
    last = accounts.order_by().annotate(last=Max("assessments", filter=THERE)).values("last")
    newest = {row.assessment.account_id: row for row in _rows(_drafts(by).filter(pk__in=last))}
    rows = [
        AccountRow(account, account.drafts, newest.get(account.pk))  # type: ignore[attr-defined]  # annotated
        for account in accounts.annotate(drafts=Count("assessments", filter=THERE))
    ]
    listed = []
    for office in offices:
        its = [row for row in rows if row.account.office_id == office.pk]
        checked = [(row.account, row.newest.state) for row in its if row.newest]
        listed.append((office, its, across([row.account for row in its], checked)))
    context = {
        "offices": listed,
        "can_add": any(office.ends_on is None for office in offices),
        "has_left": not offices and Membership.objects.filter(user=by).exists(),
    }
    return render(request, "assessments/register.html", {**context, "check": own_check(request)})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new_account(request: HttpRequest, by: User) -> HttpResponse:
    """Add an account to the register."""
    form = AccountForm(_posted(request), by=by)
    if not form.offices:
        return redirect("register")
    if form.is_valid():
        try:
            account = services.add_account(account=form.details, by=by)
        except services.DuplicateAccount:
            form.add_error("handle", TAKEN)
        else:
            messages.success(request, "The account is in your register now.")
            return redirect("account", pk=account.pk)
    return render(request, "assessments/new_account.html", {"form": form})


@require_safe
@signed_in
def account(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """An account and its drafts, the newest first."""
    visible = SocialAccount.objects.visible_to(by).select_related("office__member")
    found = get_object_or_404(visible, pk=pk)
    rows = _rows(_drafts(by).filter(account=found))
    deleted = Assessment.objects.in_offices_of(by).restorable().filter(account=found)
    context = {
        "account": found,
        "purpose": _purpose(found),
        "rows": rows,
        "form": ElectionForm(),
        "deleted": deleted.select_related("deleted_by").order_by("-deleted_at"),
    }
    return render(request, "assessments/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_account(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Describe an account anew; in a term that has ended nothing is changed any more."""
    current = Office.objects.visible_to(by).current()
    found = get_object_or_404(SocialAccount.objects.filter(office__in=current), pk=pk)
    form = AccountForm(_posted(request), by=by, instance=found)
    if form.is_valid():
        try:
            services.describe_account(account=found, described=form.details, by=by)
        except services.DuplicateAccount:
            form.add_error("handle", TAKEN)
        else:
            messages.success(request, "Saved.")
            return redirect("account", pk=pk)
    return render(request, "assessments/edit_account.html", {"form": form, "pk": pk})


@require_POST
@signed_in
def assess_account(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Begin a self-check of an account, by default with the next election; an ended term begins none."""
    offices = Office.objects.visible_to(by).current()
    found = get_object_or_404(SocialAccount.objects.filter(office__in=offices), pk=pk)
    form = ElectionForm(request.POST)
    election = form.cleaned_data["election"] if form.is_valid() else ""
    draft = services.assess_account(account=found, by=by, election=election)
    return redirect("assessment:tasks", pk=draft.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def keep(request: HttpRequest, by: User) -> HttpResponse:
    """Move this browser's anonymous check into one of one's offices."""
    check = own_check(request)
    if check is None:
        return _nothing_to_keep(request)
    form = KeepForm(_posted(request), by=by, check=check)
    if form.offices and form.is_valid():
        try:
            kept = services.keep_in_register(check=check, account=form.chosen, by=by)
        except AnonymousCheck.DoesNotExist:
            return _nothing_to_keep(request)
        except services.DuplicateAccount:
            form.add_error("handle", TAKEN)
        else:
            messages.success(
                request, "Your self-check is kept here now. It is no longer kept for this browser alone."
            )
            response = redirect("assessment:tasks", pk=kept.pk)
            response.delete_cookie(COOKIE, samesite="Lax")
            return response
    return render(request, "assessments/keep.html", {"form": form, "check": check})


def _nothing_to_keep(request: HttpRequest) -> HttpResponse:
    """Where a second press of the button ends up as well, so it must not frighten."""
    messages.info(
        request, "This browser has no self-check to keep. If you just kept one, it is in the list below."
    )
    return redirect("register")
