"""`manage.py send_reminders`: email people about what is due soon, and ask for access reviews."""

from typing import Any

from assessments.management.scheduled import ScheduledCommand
from assessments.services.access_reviews import ask_for_reviews
from assessments.services.reminding import send_reminders


class Command(ScheduledCommand):
    """Reminds people a week and a day before something is due, and asks for access reviews. Run it every hour."""

    help = (
        "Email people how many things are due, a week and a day before, without details. In April and October, "
        "ask members and administrators to review who has access. Run it every hour."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sent, failed = send_reminders()
        self.stdout.write(
            f"Reminders sent: {sent}." + (f" Not sent: {failed}. The next run tries again." if failed else "")
        )
        if asked := ask_for_reviews():
            self.stdout.write(f"Requests for an access review queued: {asked}.")
