"""`manage.py forget_single_sign_on EMAIL`: for someone whose account at the provider was replaced by a new one."""

from __future__ import annotations

from assessments.management.person import PersonCommand
from assessments.models import User
from assessments.services.sign_ins import forget_single_sign_on


class Command(PersonCommand):
    """Removes a person's link to single sign-on and signs them out everywhere. They can then link another."""

    help = "Remove a person's link to single sign-on, to link a new account. Confirm the person's identity first."

    def act_on(self, user: User) -> str:
        count = forget_single_sign_on(user=user)
        return f"Removed links: {count}. {user.email} is signed out everywhere."
