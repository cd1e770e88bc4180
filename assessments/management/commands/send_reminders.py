"""`manage.py send_reminders`: email people about what is due soon."""

from typing import Any

from django.core.management.base import BaseCommand

from assessments.services.reminding import send_reminders


class Command(BaseCommand):
    """Reminds people a week before and a day before something is due. Run it every hour."""

    help = "Mail people, a week and a day before, how many things are due, and not what. Run it every hour."

    def handle(self, *args: Any, **options: Any) -> None:
        sent, failed = send_reminders()
        self.stdout.write(
            f"Reminders sent: {sent}."
            + (f" Not sent, and tried again next time: {failed}." if failed else "")
        )
