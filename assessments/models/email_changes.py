"""New email addresses that people asked for and have not confirmed yet."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from assessments.models.invitations import a_week_from_now
from assessments.models.people import User


def new_nonce() -> str:
    """A random name for a change, which its link contains."""
    return secrets.token_urlsafe(32)


class EmailChange(models.Model):
    """The email address that a person wants, until they confirm it by the link in an email.

    The link has the nonce and a signature. The signature is stored nowhere, so that a copy of the database confirms
    nothing.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField("email address")
    nonce = models.CharField(max_length=64, unique=True, default=new_nonce)
    asked_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(default=a_week_from_now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="emailchange_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        # Never the address: logs may show this text.
        return f"email change {self.pk}"

    @property
    def is_expired(self) -> bool:
        """Whether the link is too old to be used."""
        return self.ends_at <= timezone.now()
