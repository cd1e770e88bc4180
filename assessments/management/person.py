"""Commands about one person, who is named by their email address."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.models import User


class PersonCommand(BaseCommand):
    """A command that takes a person's email address."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the person's email address")

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            user = User.objects.get_by_natural_key(options["email"])
        except User.DoesNotExist:
            raise CommandError("No one has this email address.") from None
        return self.act_on(user)

    def act_on(self, user: User) -> str:
        """Do it for this person, and return what to print."""
        raise NotImplementedError
