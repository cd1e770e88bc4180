"""The assessments app."""

from django.apps import AppConfig


class AssessmentsConfig(AppConfig):
    """People, their answers, and what follows from them."""

    name = "assessments"
