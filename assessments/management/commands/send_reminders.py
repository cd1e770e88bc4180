"""`manage.py send_reminders`: email people about what is due soon."""

from typing import Any

from django.core.management.base import BaseCommand

from assessments.services.reminding import send_reminders


class Command(BaseCommand):
    """Reminds people a week before and a day before something is due. Run it every hour."""

    help = (
        "Email people how many things are due, a week and a day before, without details. Run it every hour."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sent, failed = send_reminders()
        self.stdout.write(
            f"Reminders sent: {sent}." + (f" Not sent: {failed}. The next run tries again." if failed else "")
        )
