"""`manage.py demo_code [EMAIL]`: the code to sign in with as the demonstration's officer or administrator."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assessments.management.commands.demo_data import SIGN_INS, WITH_CODE
from assessments.management.demo_authenticator import NoCode, code_for
from assessments.models import User


class Command(BaseCommand):
    """Prints a line for each person: the code and for how long it is valid, or what to do first."""

    help = "Print the code to sign in as the demonstration's officer or administrator (DEBUG only)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "email", nargs="?", help="whose code to print (default: the officer's and the administrator's)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("demo_code needs DEBUG=true and a database with the demonstration.")
        email = User.normalize_username(options["email"] or "")
        codes = [person.email for person in WITH_CODE]
        if email and email not in codes:
            known = email in [person.email for person in SIGN_INS]
            reason = "signs in without a code" if known else "is not in the demonstration"
            raise CommandError(f"{email} {reason}. Choose {' or '.join(codes)}.")
        users = User.objects.filter(email__in=[email] if email else codes).order_by("pk")
        if not users:
            raise CommandError("This database has no demonstration. Run `manage.py demo_data` first.")
        for user in users:
            try:
                code = code_for(user)
            except NoCode as reason:
                self.stdout.write(f"{user.email}  {reason}")
            else:
                self.stdout.write(f"{user.email}  {code.digits}  valid for {code.seconds} seconds")
