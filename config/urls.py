"""Every address of the portal, by app."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("assessments.urls")),
    path("admin/", admin.site.urls),
]
