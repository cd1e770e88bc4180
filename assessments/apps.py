"""The assessments app."""

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate

from config.checks import deployed


class AssessmentsConfig(AppConfig):
    """People, their answers, and what follows from them."""

    name = "assessments"

    def ready(self) -> None:
        """Have the triggers of frozen rows put back after every migration, and register the system checks."""
        from assessments.models import frozen  # noqa: PLC0415 - models can be imported only now

        post_migrate.connect(frozen.install, sender=self)
        checks.register(frozen.triggers_are_there, checks.Tags.database)
        checks.register(deployed, checks.Tags.security, deploy=True)
