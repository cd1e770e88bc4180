"""The register of an office's social accounts with their assessments, and keeping an anonymous check there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from assessments.forms.elections import ElectionForm
from assessments.forms.register import AccountForm, KeepForm
from assessments.models import (
    AnonymousCheck,
    Assessment,
    Attestation,
    Membership,
    Office,
    SocialAccount,
    User,
)
from assessments.reports.across import across, doubles
from assessments.reports.register import account_rows, assessment_rows, purpose_of, with_sharing
from assessments.services import register as services
from assessments.views.access import signed_in
from assessments.views.workspace import COOKIE, own_check

NOT_DELETED = Q(assessments__deleted_at__isnull=True)
"""The assessments of an account that nobody deleted."""
ATTESTED = Q(assessments__attestation__isnull=False)
"""The assessments of an account that are attested."""


def _assessments(user: User) -> Any:
    """The assessments that a person may see, with everything that a row shows."""
    visible = Assessment.objects.visible_to(user)
    related = visible.select_related(
        "edition", "started_by", "account__office__member", "attestation__attested_by"
    )
    return related.defer("edition__content").with_superseded().prefetch_related("answers", "done_marks")


def _posted(request: HttpRequest) -> QueryDict | None:
    """The input of a POST, which may be empty: a form then reports every missing input. None for other methods."""
    return request.POST if request.method == "POST" else None


@require_safe
@signed_in
def register(request: HttpRequest, by: User) -> HttpResponse:
    """The accounts of the person's offices."""
    if by.is_staff or by.is_officer:
        # They have no office, so they start on another page.
        return redirect("people" if by.is_staff else "desk")
    offices = list(Office.objects.visible_to(by).select_related("member"))
    accounts = SocialAccount.objects.visible_to(by)
    # Only the newest self-check of each account is scored.
    last = accounts.order_by().annotate(last=Max("assessments", filter=NOT_DELETED)).values("last")
    rows = account_rows(
        accounts.annotate(
            drafts=Count("assessments", filter=NOT_DELETED & ~ATTESTED),
            attested=Count("assessments", filter=NOT_DELETED & ATTESTED),
        ),
        _assessments(by).filter(pk__in=last),
        today=timezone.localdate(),
    )
    listed = []
    for office in offices:
        office_rows = [row for row in rows if row.account.office_id == office.pk]
        checked = [(row.account, row.newest.state) for row in office_rows if row.newest]
        named = [row.account for row in office_rows]
        listed.append((office, office_rows, across(named, checked), doubles(named)))
    context = {
        "offices": listed,
        "has_accounts": bool(rows),
        "can_add": any(office.ends_on is None for office in offices),
        # The office that has the button to add a first account: one whose term has not ended.
        "starts_in": None if rows else next((office for office in offices if office.ends_on is None), None),
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
        except services.DuplicateAccount as duplicate:
            form.refuse_duplicate(duplicate.account)
        else:
            messages.success(request, "Account added.")
            return redirect("account", pk=account.pk)
    return render(request, "assessments/new_account.html", {"form": form})


@require_safe
@signed_in
def account(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """An account and its assessments, newest first."""
    visible = SocialAccount.objects.visible_to(by).select_related("office__member")
    return _account_page(request, by, get_object_or_404(visible, pk=pk), ElectionForm())


def _account_page(request: HttpRequest, by: User, account: SocialAccount, form: ElectionForm) -> HttpResponse:
    attestations = with_sharing(Attestation.objects.filter(assessment__account=account))
    rows = assessment_rows(
        _assessments(by).filter(account=account), today=timezone.localdate(), attestations=attestations
    )
    attested = [row for row in rows if row.attestation]
    drafts = [row for row in rows if not row.attestation]
    deleted = Assessment.objects.in_offices_of(by).restorable().filter(account=account)
    context = {
        "account": account,
        "purpose": purpose_of(account),
        "drafts": drafts,
        "attested": attested,
        "in_term": account.office.ends_on is None,
        "by_member": account.office.member == by,
        # A draft is continued; without one, the next self-check has the answers of the last attested one.
        "draft": drafts[0] if drafts else None,
        "last": next((row for row in attested if not row.is_superseded), None),
        "form": form,
        "deleted": deleted.select_related("deleted_by").order_by("-deleted_at"),
    }
    return render(request, "assessments/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_account(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Edit the description of an account. Nothing can be changed once the term has ended."""
    current = Office.objects.visible_to(by).current()
    account = get_object_or_404(SocialAccount.objects.filter(office__in=current), pk=pk)
    form = AccountForm(_posted(request), by=by, instance=account)
    if form.is_valid():
        try:
            services.describe_account(account=account, described=form.details, by=by)
        except services.DuplicateAccount as duplicate:
            form.refuse_duplicate(duplicate.account)
        else:
            messages.success(request, "Saved.")
            return redirect("account", pk=pk)
    return render(request, "assessments/edit_account.html", {"form": form, "pk": pk})


@require_POST
@signed_in
def assess_account(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Start a self-check of an account, by default for the next election. It cannot start once the term has ended."""
    offices = Office.objects.visible_to(by).current()
    accounts = SocialAccount.objects.filter(office__in=offices).select_related("office__member")
    account = get_object_or_404(accounts, pk=pk)
    form = ElectionForm(request.POST)
    if not form.is_valid():
        return _account_page(request, by, account, form)
    draft = services.assess_account(account=account, by=by, **form.cleaned_data)
    sources = list(draft.answers.exclude(carried_from="").values_list("carried_from", flat=True))
    if sources:
        _say_where_from(request, sources)
    return redirect("assessment:next", pk=draft.pk)


def _say_where_from(request: HttpRequest, sources: list[str]) -> None:
    """Say from which self-check a new one starts; `sources` has the account that each answer is from."""
    accounts = " and ".join(dict.fromkeys(sources))
    messages.info(
        request,
        f"1 answer comes from the self-check of {accounts}. Confirm it when it appears."
        if len(sources) == 1
        else f"{len(sources)} answers come from the self-check of {accounts}. Confirm them when they appear.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def keep(request: HttpRequest, by: User) -> HttpResponse:
    """Move this browser's anonymous check into one of the person's offices."""
    check = own_check(request)
    if check is None:
        return _nothing_to_keep(request)
    form = KeepForm(_posted(request), by=by, check=check)
    if form.offices and form.is_valid():
        try:
            draft = services.keep_in_register(check=check, account=form.chosen, by=by)
        except AnonymousCheck.DoesNotExist:
            return _nothing_to_keep(request)
        except services.DuplicateAccount as duplicate:
            form.refuse_duplicate(duplicate.account)
        else:
            messages.success(
                request, "Your self-check is saved to your office. This browser no longer keeps it."
            )
            response = redirect("assessment:tasks", pk=draft.pk)
            response.delete_cookie(COOKIE, samesite="Lax")
            return response
    return render(request, "assessments/keep.html", {"form": form, "check": check})


def _nothing_to_keep(request: HttpRequest) -> HttpResponse:
    """Explain that there is no check to keep. A second press of the button also leads here, so the words reassure."""
    messages.info(
        request, "This browser has no self-check to save. If you just saved one, it is in the list below."
    )
    return redirect("register")
