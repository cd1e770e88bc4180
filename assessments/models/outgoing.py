"""Emails waiting to be sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from assessments.models.people import User


class OutgoingMail(models.Model):
    """An email to one person that is not sent yet.

    It is stored in the transaction of the change that it reports, and deleted once it is sent.

    It goes to the person's address, or to `address` if there is one. `name` is its template in templates/mail. `path`
    is the page that it links to. `words` has the other values that
    the template shows. None of them has anything that a person wrote in a self-check.
    """

    to = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    address = models.EmailField(blank=True)
    name = models.CharField(max_length=20)
    path = models.CharField(max_length=200)
    words = models.JSONField(default=dict)
    written_at = models.DateTimeField(default=timezone.now)
    # When a process last began to send it.
    tried_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["written_at", "pk"]

    def __str__(self) -> str:
        return f"email {self.name} {self.pk}"
