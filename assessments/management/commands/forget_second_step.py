"""`manage.py forget_second_step EMAIL`: for someone who lost their passkeys, their app and their recovery codes."""

from __future__ import annotations

from assessments.management.person import PersonCommand
from assessments.models import User
from assessments.services.sign_ins import forget_second_step


class Command(PersonCommand):
    """Deletes a person's second steps and signs them out everywhere. It weakens security, so no page does this."""

    help = "Delete the second steps of someone who lost them. Confirm the person's identity first."

    def act_on(self, user: User) -> str:
        count = forget_second_step(user=user)
        return f"Deleted second steps: {count}. {user.email} is signed out everywhere."
