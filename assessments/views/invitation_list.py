"""Inviting many people by a list: a form, a preview of what each line does, and the confirmation."""

from __future__ import annotations

from io import StringIO

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from assessments.forms.invitation_list import COLUMNS, InvitationListForm
from assessments.models import User
from assessments.services.csv_file import write_csv
from assessments.services.invitation_list import queue_invitations
from assessments.views.access import administrator, freshly_signed_in
from assessments.views.downloads import file_response

TOO_MANY = "You have sent several lists in a short time. Try again in an hour. Nothing was sent."
CHANGED = (
    "Nothing was sent. The list, or someone’s access, has changed since the preview. Check the new preview."
)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@administrator
@freshly_signed_in
def invite_list(request: HttpRequest, by: User) -> HttpResponse:
    """Invite the people of a list. The page itself carries the list from the preview to the confirmation.

    So it is stored nowhere before it is confirmed, and in no address.
    """
    posted = request.method == "POST"
    length = request.META.get("CONTENT_LENGTH") or "0"
    form = InvitationListForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        dropped=length.isdecimal() and int(length) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE,
    )
    if not posted or not form.is_valid():
        return render(request, "people/invite_list.html", {"form": form})
    problem, status = "", 200
    if "send" in request.POST:
        if request.POST.get("previewed") != form.mark or not form.invited:
            problem, status = CHANGED, 409
        elif not ratelimit.consume(request, action="invite_list", user=by):
            problem, status = TOO_MANY, 429
        else:
            messages.success(request, _queued(queue_invitations(people=form.invited, by=by)))
            return redirect("people")
    return render(request, "people/invite_list.html", {"form": form, "problem": problem}, status=status)


def _queued(count: int) -> str:
    if not count:
        # The list was sent twice at the same moment.
        return "Everyone on this list is already invited."
    return (
        f"{count} invitation{'' if count == 1 else 's'} will be sent within about ten minutes. "
        "The list of invitations shows which are not sent yet."
    )


@require_safe
@administrator
def invitation_template(_: HttpRequest, by: User) -> HttpResponseBase:  # noqa: ARG001  # given by `administrator`
    """A CSV file that has only the names of the columns."""
    file = StringIO(newline="")
    write_csv(file, [names[0] for names in COLUMNS.values()], [])
    return file_response(file.getvalue().encode(), "text/csv; charset=utf-8", "invitations.csv")
