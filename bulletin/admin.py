"""The admin site's page of published editions, which is read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from bulletin.models import PublishedEdition


@admin.register(PublishedEdition)
class PublishedEditionAdmin(admin.ModelAdmin):
    """Published editions, newest revision first."""

    list_display = ("edition_id", "revision", "published_at", "digest")
    list_filter = ("edition_id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: only `manage.py load_editions` publishes an edition."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a published edition never changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: assessments are pinned to the edition."""
        return False
