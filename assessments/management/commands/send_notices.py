"""`manage.py send_notices`: email people about their new notices."""

from typing import Any

from assessments.management.scheduled import ScheduledCommand
from assessments.services.mail import BETWEEN_TRIES
from assessments.services.notices import send_digests
from assessments.services.outbox import count_waiting, send_waiting


class Command(ScheduledCommand):
    """Emails each person about new notices, and retries emails that failed. Run it every 5 to 10 minutes."""

    help = (
        "Email each person the number of new notices, at most once an hour. Retry emails that were not sent. "
        "Run it every 5 to 10 minutes."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        digests, digests_failed = send_digests()
        others, _ = send_waiting()
        waiting = digests_failed + count_waiting()
        minutes = BETWEEN_TRIES.seconds // 60
        self.stdout.write(
            f"Emails sent: {digests + others}. Emails waiting: {waiting}."
            + (
                f" The first run that starts {minutes} minutes or more after the last attempt tries again."
                if waiting
                else ""
            )
        )
