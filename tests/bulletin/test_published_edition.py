"""Published editions: the latest revision, and what the database refuses."""

from hashlib import sha256

import pytest
from django.db import IntegrityError

from bulletin.models import PublishedEdition

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def publish(edition_id: str = "toronto-1.1", revision: int = 1, **fields: object):
    """Publish an edition with a unique digest."""
    values = {
        "digest": sha256(f"{edition_id} {revision}".encode()).hexdigest(),
        "content": {"rules": [{"id": "9", "phrase": "shall not — “ever”"}]},
        **fields,
    }
    return PublishedEdition.objects.create(edition_id=edition_id, revision=revision, **values)


def test_the_latest_revision_is_the_highest_whatever_the_order_of_publication():
    publish(revision=2)
    tenth = publish(revision=10)
    publish(revision=9)
    publish("toronto-1.2", revision=11)
    assert PublishedEdition.objects.latest_revision("toronto-1.1") == tenth


def test_an_edition_that_was_never_published_has_no_latest_revision():
    publish("toronto-1.2")
    with pytest.raises(PublishedEdition.DoesNotExist):
        PublishedEdition.objects.latest_revision("toronto-1.1")


def test_content_comes_back_as_it_was_published():
    publish()
    published = PublishedEdition.objects.get()
    assert published.content == {"rules": [{"id": "9", "phrase": "shall not — “ever”"}]}


def test_a_revision_that_was_published_already_is_refused():
    publish(revision=1)
    with pytest.raises(IntegrityError):
        publish(revision=1, digest="a" * 64)


def test_content_that_was_published_already_is_refused():
    publish(revision=1, digest="a" * 64)
    with pytest.raises(IntegrityError):
        publish(revision=2, digest="a" * 64)


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64])
def test_a_digest_that_is_not_64_characters_in_lower_case_is_refused(digest):
    with pytest.raises(IntegrityError, match="edition_digest_is_sha256"):
        publish(digest=digest)


def test_a_revision_below_one_is_refused():
    with pytest.raises(IntegrityError, match="edition_revisions_count_from_one"):
        publish(revision=0)


def test_an_edition_is_named_by_its_id_and_revision():
    assert str(publish()) == "toronto-1.1, revision 1"
