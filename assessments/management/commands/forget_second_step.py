"""`manage.py forget_second_step EMAIL`: for someone who lost their passkeys, their app and their recovery codes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.models import User
from assessments.services.sign_ins import forget_second_step


class Command(BaseCommand):
    """Deletes a person's second steps and signs them out everywhere. It weakens security, so no page does this."""

    help = "Delete the second steps of someone who lost them. Confirm the person's identity first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the person's email address")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(options["email"])
        except User.DoesNotExist:
            raise CommandError("No one has this email address.") from None
        count = forget_second_step(user=user)
        self.stdout.write(f"Deleted second steps: {count}. {user.email} is signed out everywhere.")
