"""Publish editions, and load them back. A published edition never changes, unless it is provisional."""

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
    revision = edition.sheet.revision
    published = PublishedEdition.objects.select_for_update().filter(edition_id=edition.id)
    newest = published.order_by("-revision").first()
    if newest is None or newest.revision < revision:
        return PublishedEdition.objects.create(revision=revision, **_columns(edition)), True
    same = published.filter(revision=revision).first()
    # The content is compared, and not the digest: the schema may have got new keys since, with defaults.
    if same is None or canonical(_parsed(same)) != canonical(edition):
        raise EditionChanged(
            f"{edition.id}: the files differ from revision {revision} as published. "
            f"A published edition never changes: set `revision: {newest.revision + 1}` in edition.yaml."
        )
    return same, False


def replace_edition(*, edition: Edition) -> PublishedEdition:
    """Replace the content of a provisional revision. The caller makes sure that nothing attested rests on it."""
    row = PublishedEdition.objects.get(edition_id=edition.id, revision=edition.sheet.revision)
    PublishedEdition.objects.filter(pk=row.pk).update(**_columns(edition))
    row.refresh_from_db()
    return row


def _columns(edition: Edition) -> dict[str, str]:
    # The content is one string: PostgreSQL's jsonb would lose the order of choices, which would change the digest.
    return {"edition_id": edition.id, "digest": digest(edition), "content": canonical(edition)}


def current_published() -> PublishedEdition:
    """The current edition's newest revision, without its content.

    Raises PublishedEdition.DoesNotExist if the current edition is not published yet.
    """
    return PublishedEdition.objects.latest_revision(shelf.CURRENT)


def encoded(published: PublishedEdition) -> Edition:
    """The edition that a row holds, ready to score answers. Read from the database only if it is not on file."""
    for edition in editions().values():
        if digest(edition) == published.digest:
            return edition
    return _from_database(published.digest)


@lru_cache(maxsize=16)
def _from_database(of_digest: str) -> Edition:
    # The content of a digest never changes, so the cache cannot go stale.
    return _parsed(PublishedEdition.objects.get(digest=of_digest))


def _parsed(published: PublishedEdition) -> Edition:
    """The edition in a row, under the digest that it was published with."""
    edition = Edition.model_validate_json(published.content)
    return edition.model_copy(update={"published_digest": published.digest})
