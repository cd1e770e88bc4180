"""Publishing editions from the files."""

from __future__ import annotations

from django.db import transaction

from assessments.models import Attestation
from bulletin.encoding.schema import Edition
from bulletin.models import PublishedEdition
from bulletin.publish import EditionChanged, encoded, publish_edition, replace_edition


@transaction.atomic
def publish(*, edition: Edition) -> tuple[PublishedEdition, str]:
    """Publish an edition; return its row, and what was done: "published", "already published" or "replaced".

    A revision that was published as provisional is replaced if it has changed and nothing attested rests on it.
    Drafts that are pinned to it then have the new content. Raises EditionChanged.
    """
    try:
        published, is_new = publish_edition(edition=edition)
    except EditionChanged:
        # Whoever attests locks this row as well, so that nothing can be attested in the meantime.
        rows = PublishedEdition.objects.select_for_update()
        row = rows.filter(edition_id=edition.id).order_by("-revision").first()
        is_newest = row is not None and row.revision == edition.sheet.revision
        if row is None or not is_newest or not encoded(row).sheet.provisional:
            raise
        if Attestation.objects.filter(assessment__edition=row).exists():
            raise EditionChanged(
                f"{edition.id}: the files differ from revision {row.revision} as published, and self-checks were "
                f"attested with it. Set `revision: {row.revision + 1}` in edition.yaml."
            ) from None
        return replace_edition(edition=edition), "replaced"
    return published, "published" if is_new else "already published"
