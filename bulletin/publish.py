"""Publishing an edition: from then on it never changes."""

from __future__ import annotations

from functools import lru_cache

from django.db import transaction

from bulletin.encoding.digest import canonical, digest
from bulletin.encoding.schema import Edition
from bulletin.models import PublishedEdition
from bulletin.shelf import editions


class EditionChanged(Exception):
    """An edition on file differs from what was published under the same revision."""


@transaction.atomic
def publish_edition(*, edition: Edition) -> tuple[PublishedEdition, bool]:
    """Publish an edition, and say whether it is new.

    To publish the same content again changes nothing. Raises EditionChanged for other content under a revision
    that is published, or for a revision older than the newest one.
    """
    revision, its_digest = edition.sheet.revision, digest(edition)
    published = PublishedEdition.objects.select_for_update().filter(edition_id=edition.id)
    newest = published.order_by("-revision").first()
    if newest is None or newest.revision < revision:
        return (
            PublishedEdition.objects.create(
                edition_id=edition.id,
                revision=revision,
                digest=its_digest,
                # As one text: PostgreSQL's jsonb would forget the order of choices, and so change the digest.
                content=canonical(edition),
            ),
            True,
        )
    same = published.filter(revision=revision, digest=its_digest).first()
    if same is None:
        raise EditionChanged(
            f"{edition.id}: the files, or the engine, differ from revision {revision} as published. "
            f"A published edition never changes: set `revision: {newest.revision + 1}` in edition.yaml."
        )
    return same, False


def encoded(published: PublishedEdition) -> Edition:
    """A published edition as it can be reckoned with; read from the database only where it is not on file."""
    for edition in editions().values():
        if digest(edition) == published.digest:
            return edition
    return _from_database(published.pk)


@lru_cache(maxsize=16)
def _from_database(pk: int) -> Edition:
    # A published edition never changes, so what is remembered stays right.
    return Edition.model_validate_json(PublishedEdition.objects.get(pk=pk).content)
