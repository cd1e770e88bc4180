"""`manage.py sendtestemail ADDRESS`: Django's own, which explains what failed instead of showing a traceback."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import sendtestemail

from config.mail import fault_in_words


class Command(sendtestemail.Command):
    """Sends a test email, and reports what the email server answered."""

    help = "Send a test email with the portal's settings. Exit with 1 if it cannot be sent."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except ValueError as error:
            # An address that no email can have.
            raise CommandError(f"The email was not sent: {error}.") from error
        except OSError as error:
            raise CommandError(f"The email was not sent: {fault_in_words(error)}") from error
        addresses = ", ".join(options["email"])
        self.stdout.write(f"The email server accepted the email to {addresses}. Check that it arrives.")
