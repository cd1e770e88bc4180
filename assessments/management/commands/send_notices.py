"""`manage.py send_notices`: email people that notices wait for them."""

from typing import Any

from django.core.management.base import BaseCommand

from assessments.services.notices import send_digests
from assessments.services.outbox import send_waiting


class Command(BaseCommand):
    """Emails each person about new notices, and retries emails that failed. Run it every 5 to 10 minutes."""

    help = (
        "Email each person about the notices they have not seen, without their content and at most once an hour. "
        "Retry emails that could not be sent. "
        "Run it every 5 to 10 minutes."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        counts = (send_digests(), send_waiting())
        sent, failed = (sum(numbers) for numbers in zip(*counts, strict=True))
        self.stdout.write(
            f"Mails sent: {sent}." + (f" Not sent, and tried again next time: {failed}." if failed else "")
        )
