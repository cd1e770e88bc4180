"""Publish editions, and load them back. A published edition never changes."""

from __future__ import annotations

from functools import lru_cache

from django.db import transaction

from bulletin import shelf
from bulletin.encoding.digest import canonical, digest
from bulletin.encoding.schema import Edition
from bulletin.models import PublishedEdition
from bulletin.shelf import editions


class EditionChanged(Exception):
    """An edition on file differs from the one published under the same revision."""


@transaction.atomic
def publish_edition(*, edition: Edition) -> tuple[PublishedEdition, bool]:
    """Publish an edition; return its row, and whether the row is new.

    Publishing the same content again changes nothing. Raises EditionChanged if the revision is already published
    with other content, or is older than the newest one.
    """
    revision, edition_digest = edition.sheet.revision, digest(edition)
    published = PublishedEdition.objects.select_for_update().filter(edition_id=edition.id)
    newest = published.order_by("-revision").first()
    if newest is None or newest.revision < revision:
        return (
            PublishedEdition.objects.create(
                edition_id=edition.id,
                revision=revision,
                digest=edition_digest,
                # One string: PostgreSQL's jsonb would lose the order of choices, which would change the digest.
                content=canonical(edition),
            ),
            True,
        )
    same = published.filter(revision=revision, digest=edition_digest).first()
    if same is None:
        raise EditionChanged(
            f"{edition.id}: the files, or the engine, differ from revision {revision} as published. "
            f"A published edition never changes: set `revision: {newest.revision + 1}` in edition.yaml."
        )
    return same, False


def current_published() -> PublishedEdition:
    """The current edition's newest revision, without its content.

    Raises PublishedEdition.DoesNotExist if the current edition is not published yet.
    """
    return PublishedEdition.objects.defer("content").latest_revision(shelf.CURRENT)


def encoded(published: PublishedEdition) -> Edition:
    """The edition that a row holds, ready to score answers. Read from the database only if it is not on file."""
    for edition in editions().values():
        if digest(edition) == published.digest:
            return edition
    return _from_database(published.digest)


@lru_cache(maxsize=16)
def _from_database(of_digest: str) -> Edition:
    # A published edition never changes, so the cache cannot go stale.
    return Edition.model_validate_json(PublishedEdition.objects.get(digest=of_digest).content)
