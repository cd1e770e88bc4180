"""`manage.py send_notices`: email people that notices wait for them."""

from typing import Any

from django.core.management.base import BaseCommand

from assessments.services.notices import send_digests


class Command(BaseCommand):
    """Sends each person at most one email about their new notices. Run it every 5 to 10 minutes."""

    help = (
        "Mail each person about the notices they have not seen, without any content, once an hour at most. "
        "Run it every 5 to 10 minutes."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sent, failed = send_digests()
        self.stdout.write(
            f"Mails sent: {sent}." + (f" Not sent, and tried again next time: {failed}." if failed else "")
        )
