"""The records of the assessments app, each kind in a module of its own."""

from assessments.models.people import Membership, Office, User

__all__ = ["Membership", "Office", "User"]
