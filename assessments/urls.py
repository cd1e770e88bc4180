"""The addresses of the assessments app."""

from django.urls import path

from assessments.views import public

urlpatterns = [
    path("", public.home, name="home"),
    path("advisory", public.advisory, name="advisory"),
]
