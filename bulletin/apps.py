"""The configuration of the bulletin app."""

from django.apps import AppConfig


class BulletinConfig(AppConfig):
    """The bulletin's published editions."""

    name = "bulletin"
