"""`manage.py createsuperuser`: the first administrator, who invites all others."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError
from django.db import DatabaseError

from assessments.models import User

NEEDED = (User.USERNAME_FIELD, *User.REQUIRED_FIELDS)


class Command(createsuperuser.Command):
    """Django's command, with a plain message if something is missing."""

    help = (
        "Create the first administrator, who invites all other people. "
        "With --noinput, the password comes from DJANGO_SUPERUSER_PASSWORD in the environment."
    )

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DatabaseError:
            raise CommandError(
                "Cannot use the database. Check DATABASE_URL, and run `manage.py migrate` first."
            ) from None

    def handle(self, *args: Any, **options: Any) -> None:
        if options["interactive"]:
            super().handle(*args, **options)
            return
        if not all(options[name] or os.environ.get(f"DJANGO_SUPERUSER_{name.upper()}") for name in NEEDED):
            raise CommandError(
                "With --noinput, use --email and --name, or set DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_NAME in "
                "the environment. The password comes from DJANGO_SUPERUSER_PASSWORD."
            )
        super().handle(*args, **options)
        if "DJANGO_SUPERUSER_PASSWORD" not in os.environ:
            self.stdout.write(
                "This person has no password yet. Set one with `manage.py changepassword EMAIL`."
            )
