"""The admin site's pages: people and offices to look up. They show no answers, and nobody comes in by way of them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from assessments.models import Membership, Office, User


class ComesByInvitation(admin.ModelAdmin):
    """What begins when someone accepts an invitation, and is ended, never deleted: it tells who could see what."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ComesByInvitation):
    """People, by e-mail address. Roles come by invitation, and a sign-in is closed on the portal's own page."""

    list_display = ("email", "name", "is_active", "is_staff", "is_officer", "last_login")
    list_filter = ("is_active", "is_staff", "is_officer")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = ("email", "name", "is_active", "is_staff", "is_officer", "last_login", "date_joined")
    readonly_fields = ("email", "is_active", "is_staff", "is_officer", "last_login", "date_joined")


@admin.register(Office)
class OfficeAdmin(ComesByInvitation):
    """Offices. The member is chosen once: a successor gets an office of their own. A term ends on the portal's own
    page, and what is kept how long is the office's to say.
    """

    list_display = ("name", "member", "starts_on", "ends_on")
    list_select_related = ("member",)
    search_fields = ("name", "member__name", "member__email")
    readonly_fields = tuple(f.name for f in Office._meta.fields if f.name not in ("id", "name"))


@admin.register(Membership)
class MembershipAdmin(ComesByInvitation):
    """Who is on whose staff: to read. The member alone removes somebody, and nobody brings them back by a date."""

    list_display = ("office", "user", "joined_at", "ended_at")
    list_select_related = ("office__member", "user")
    search_fields = ("office__name", "user__name", "user__email")
    readonly_fields = ("office", "user", "joined_at", "ended_at")
