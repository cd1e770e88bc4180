"""`manage.py forget_single_sign_on EMAIL`: for someone whose account at the provider was replaced by a new one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.models import User
from assessments.services.sign_ins import forget_single_sign_on


class Command(BaseCommand):
    """Removes a person's link to single sign-on and signs them out everywhere. They can then link another."""

    help = "Remove a person's link to single sign-on, to link a new account. Confirm the person's identity first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the person's email address")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = User.objects.get_by_natural_key(options["email"])
        except User.DoesNotExist:
            raise CommandError("No one has this email address.") from None
        count = forget_single_sign_on(user=user)
        self.stdout.write(f"Removed links: {count}. {user.email} is signed out everywhere.")
