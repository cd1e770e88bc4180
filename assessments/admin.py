"""The admin site's pages: people and offices, to look up. They show no answers and change nothing.

Administrators make changes on the portal's own pages, which ask for a fresh proof of identity and add an audit event.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from assessments.models import Membership, Office, User
from assessments.typed.folding import fold


class ComesByInvitation(admin.ModelAdmin):
    """Records that start with an accepted invitation. They are ended, never deleted: they show who could see what."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search in Python, because databases cannot match other spellings. There are few people and offices."""
        terms = fold(search_term, accents=False).split()
        if not terms:
            return queryset, False
        texts = queryset.order_by().values_list("pk", *self.get_search_fields(request))
        matches = [
            pk for pk, *words in texts if all(term in fold("\n".join(words), accents=False) for term in terms)
        ]
        return queryset.filter(pk__in=matches), False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ComesByInvitation):
    """People, by email address. A role comes by invitation; the portal's own pages change a name or a sign-in."""

    list_display = ("email", "name", "is_active", "is_staff", "is_officer", "last_login")
    list_filter = ("is_active", "is_staff", "is_officer")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = ("email", "name", "is_active", "is_staff", "is_officer", "last_login", "date_joined")


@admin.register(Office)
class OfficeAdmin(ComesByInvitation):
    """Offices. The member never changes, because a successor gets their own office.

    The portal's own pages change its name and end its term, and the office itself sets its retention periods.
    """

    list_display = ("name", "member", "starts_on", "ends_on")
    list_select_related = ("member",)
    search_fields = ("name", "member__name", "member__email")


@admin.register(Membership)
class MembershipAdmin(ComesByInvitation):
    """Who is on whose staff, read-only: only the member removes someone, and no change of a date brings them back."""

    list_display = ("office", "user", "joined_at", "ended_at")
    list_select_related = ("office__member", "user")
    search_fields = ("office__name", "user__name", "user__email")
