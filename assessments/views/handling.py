"""How officers handle a share: who is assigned to it, and whether it is dealt with. Members do not see this."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from assessments.forms.desk import AssignForm
from assessments.models import DeskEntry, Share, User
from assessments.services import desk
from assessments.views.access import officer

ASSIGNED_ELSEWHERE = "Another officer assigned this share after you opened the page. Nothing was changed."
NOT_AN_OFFICER = "Nothing was changed. Choose an officer from the list."
NEWS_UNREAD = "The member just added something. Read it first, then mark the share as dealt with."

UNANSWERED = "Nothing was changed, because this request has no reply yet. Reply first, or confirm below."


@dataclass(frozen=True)
class Handling:
    """What officers have done about a share, and the officers it can be assigned to."""

    entry: DeskEntry
    officers: list[User]


def handling_of(share: Share) -> Handling:
    """The handling of a share that is not withdrawn."""
    entries = DeskEntry.objects.select_related("assigned_to", "dealt_by").defer("words")
    return Handling(entries.get(share=share), list(User.objects.officers()))


@require_POST
@officer
def assign(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Assign a share to an officer, or to nobody."""
    share, form = _visible(by, pk), AssignForm(request.POST)
    if not form.is_valid():
        messages.warning(request, NOT_AN_OFFICER)
        return _back(share)
    to = form.cleaned_data["officer"]
    try:
        desk.assign_share(share=share, to=to, seen=form.cleaned_data["seen"], by=by)
    except desk.NotAnOfficer:
        messages.warning(request, NOT_AN_OFFICER)
    except desk.AssignedElsewhere:
        messages.warning(request, ASSIGNED_ELSEWHERE)
    except desk.NotShared:
        # The page says that it was withdrawn.
        pass
    else:
        name = "you" if to == by else to
        messages.success(request, f"Assigned to {name}." if to else "Assigned to no one.")
    return _back(share)


@require_POST
@officer
def deal(request: HttpRequest, by: User, pk: int) -> HttpResponse:
    """Mark a share as dealt with or, with `reopen`, remove the mark."""
    share = _visible(by, pk)
    try:
        if "reopen" in request.POST:
            desk.reopen_share(share=share, by=by)
            messages.success(request, "Reopened.")
        else:
            desk.mark_dealt(share=share, by=by, without_reply="without_reply" in request.POST)
            messages.success(request, "Marked as dealt with.")
    except desk.Unanswered:
        messages.warning(request, UNANSWERED)
    except desk.NewsUnread:
        messages.warning(request, NEWS_UNREAD)
    except desk.NotShared:
        # The page says that it was withdrawn.
        pass
    return _back(share)


def _visible(by: User, pk: int) -> Share:
    return get_object_or_404(Share.objects.visible_to(by), pk=pk)


def _back(share: Share) -> HttpResponse:
    return redirect(f"{reverse('share', kwargs={'pk': share.pk})}#handling")
