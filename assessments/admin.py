"""The admin site's pages about people and offices."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.http import HttpRequest

from assessments.models import Membership, Office, User


class UserCreationForm(AdminUserCreationForm):
    """A new person, with or without a password."""

    class Meta:
        model = User
        fields = ("email", "name")


class UserChangeForm(DjangoUserChangeForm):
    """A person's details and rights."""

    class Meta:
        model = User
        fields = "__all__"


# allauth's list of addresses would let an administrator have a link to somebody's new password sent elsewhere.
admin.site.unregister(EmailAddress)


class KeptForGood(admin.ModelAdmin):
    """A record that tells who could see what: it is ended, never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(KeptForGood, DjangoUserAdmin):
    """People, by e-mail address."""

    form = UserChangeForm
    add_form = UserCreationForm
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (
            "Rights",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "name", "usable_password", "password1", "password2"),
            },
        ),
    )


@admin.register(Office)
class OfficeAdmin(KeptForGood):
    """Offices. The member is chosen once: a successor gets an office of their own."""

    list_display = ("name", "member", "starts_on", "ends_on")
    list_select_related = ("member",)
    search_fields = ("name", "member__name", "member__email")
    autocomplete_fields = ("member",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Fix the member once the office exists."""
        return ("member",) if obj else ()


@admin.register(Membership)
class MembershipAdmin(KeptForGood):
    """Who is on whose staff. Office and person are chosen once: others get a new membership."""

    list_display = ("office", "user", "joined_at", "ended_at")
    list_select_related = ("office__member", "user")
    search_fields = ("office__name", "user__name", "user__email")
    autocomplete_fields = ("office", "user")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Fix office and person once the membership exists."""
        return ("office", "user") if obj else ()
