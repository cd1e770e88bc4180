"""The configuration of the bulletin app."""

from typing import Any

from django.apps import AppConfig
from django.core import checks

from bulletin import shelf
from bulletin.encoding.loader import EncodingFaults


class BulletinConfig(AppConfig):
    """The bulletin's published editions."""

    name = "bulletin"

    def ready(self) -> None:
        """Prove the editions in `check --deploy`, which takes seconds, and not at every start."""
        checks.register(editions_work, deploy=True)


def editions_work(**_: Any) -> list[checks.CheckMessage]:
    """An error if an edition on file cannot be read, or does not work as its proof wants."""
    try:
        lines = [line for edition in shelf.editions().values() for line in shelf.flaws(edition)]
    except EncodingFaults as error:
        lines = error.faults
    if not lines:
        return []
    hint = "See “How to change a question or a rule” in CONTRIBUTING.md."
    return [checks.Error("The editions have faults:\n" + "\n".join(lines), hint=hint, id="bulletin.E001")]
