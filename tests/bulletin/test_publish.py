"""Publishing: an edition is published once and never changes afterwards."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from bulletin import shelf
from bulletin.encoding.digest import digest
from bulletin.encoding.loader import EncodingFaults
from bulletin.encoding.schema import Edition
from bulletin.models import PublishedEdition
from bulletin.publish import EditionChanged, publish_edition
from tests.tables import EDITION, edition

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def changed(*, title: str = "Use of Social Media, Corrected", revision: int | None = None) -> Edition:
    """The edition with another title, and with another revision if one is given."""
    sheet = edition().sheet
    update = {"title": title, "revision": revision or sheet.revision}
    return edition().model_copy(update={"sheet": sheet.model_copy(update=update)})


def rows() -> list[tuple[str, int, str]]:
    return list(PublishedEdition.objects.order_by("revision").values_list("edition_id", "revision", "digest"))


def test_an_edition_is_published_with_its_revision_and_digest():
    published, is_new = publish_edition(edition=edition())
    assert is_new
    assert rows() == [(EDITION, edition().sheet.revision, digest(edition()))]
    assert str(published) == f"{EDITION}, revision {edition().sheet.revision}"


def test_what_is_published_reads_back_as_the_same_edition():
    published, _ = publish_edition(edition=edition())
    published.refresh_from_db()
    again = Edition.model_validate_json(published.content)
    choices = [list(question.choices) for question in again.questions]
    assert choices == [list(question.choices) for question in edition().questions]
    assert again.model_dump() == edition().model_dump()
    assert digest(again) == published.digest == digest(edition())


def test_the_same_edition_again_changes_nothing():
    first, _ = publish_edition(edition=edition())
    first.refresh_from_db()
    again, is_new = publish_edition(edition=edition())
    assert not is_new
    assert (again.pk, again.published_at) == (first.pk, first.published_at)
    assert len(rows()) == 1


def test_other_content_under_the_same_revision_is_refused_in_words_and_changes_nothing():
    publish_edition(edition=edition())
    before = rows()
    with pytest.raises(EditionChanged) as refused:
        publish_edition(edition=changed())
    revision = edition().sheet.revision
    assert str(refused.value) == (
        f"{EDITION}: the files differ from revision {revision} as published. "
        f"A published edition never changes: set `revision: {revision + 1}` in edition.yaml."
    )
    assert rows() == before
    content = Edition.model_validate_json(PublishedEdition.objects.get().content)
    assert content.sheet.title == edition().sheet.title


def test_a_newer_revision_is_published_beside_the_older_one_and_is_the_latest():
    publish_edition(edition=edition())
    newer = changed(revision=edition().sheet.revision + 1)
    published, is_new = publish_edition(edition=newer)
    assert is_new
    assert [digest_ for *_, digest_ in rows()] == [digest(edition()), digest(newer)]
    assert PublishedEdition.objects.latest_revision(EDITION) == published


def test_a_revision_may_skip_numbers_but_the_next_is_counted_from_the_newest():
    publish_edition(edition=changed(revision=7))
    with pytest.raises(EditionChanged, match="set `revision: 8`"):
        publish_edition(edition=changed(title="Another", revision=7))


def test_an_older_revision_that_was_never_published_is_refused():
    publish_edition(edition=changed(revision=3))
    with pytest.raises(EditionChanged, match=r"revision 2 .* set `revision: 4`"):
        publish_edition(edition=changed(title="Late", revision=2))
    assert len(rows()) == 1


def test_an_older_revision_just_as_it_was_published_is_known_again():
    first, _ = publish_edition(edition=edition())
    publish_edition(edition=changed(revision=edition().sheet.revision + 1))
    again, is_new = publish_edition(edition=edition())
    assert (again.pk, is_new) == (first.pk, False)


# --- The command --------------------------------------------------------------


def loaded() -> str:
    out = StringIO()
    call_command("load_editions", stdout=out)
    return out.getvalue()


def test_load_editions_says_what_it_publishes_and_a_second_time_that_it_was_there():
    line = f"{EDITION}, revision {edition().sheet.revision}: %s (digest {digest(edition())[:16]})\n"
    assert loaded() == line % "published"
    before = rows()
    assert loaded() == line % "already published"
    assert rows() == before


def test_load_editions_refuses_files_that_differ_from_what_was_published(monkeypatch):
    monkeypatch.setattr("assessments.services.publishing.encoded", lambda _: edition().earlier[1])
    publish_edition(edition=changed())
    with pytest.raises(CommandError, match="A published edition never changes"):
        loaded()
    assert rows() == [(EDITION, edition().sheet.revision, digest(changed()))]


def test_load_editions_tells_every_fault_of_the_files_and_publishes_nothing(monkeypatch):
    def faulty() -> None:
        raise EncodingFaults(["rules.yaml:1:1 rules: no", "advice.yaml:2:3 advice: no"])

    monkeypatch.setattr("assessments.management.commands.load_editions.calendar", faulty)
    with pytest.raises(CommandError) as refused:
        loaded()
    assert str(refused.value).splitlines() == [
        "The files have faults:",
        "rules.yaml:1:1 rules: no",
        "advice.yaml:2:3 advice: no",
    ]
    assert rows() == []


def test_check_names_a_copy_that_kept_the_id_and_nothing_is_read_in_its_place(monkeypatch, tmp_path):
    (tmp_path / "editions").mkdir()
    for name in (EDITION, "zz-copy"):
        (tmp_path / "editions" / name).symlink_to(shelf.HERE / "editions" / EDITION)
    monkeypatch.setattr(shelf, "HERE", tmp_path)
    shelf.editions.cache_clear()
    try:
        with pytest.raises(CommandError) as refused:
            call_command("load_editions", "--check", stdout=StringIO())
    finally:
        shelf.editions.cache_clear()
    fault = (
        f"zz-copy/edition.yaml:5:1 id: `{EDITION}` is also the id of `{EDITION}`; use each id once, and a folder "
        "has the id of its edition as its name"
    )
    assert str(refused.value).splitlines() == ["The files have faults:", fault]


def test_what_is_on_file_is_what_the_shelf_holds():
    loaded()
    assert {edition_id for edition_id, *_ in rows()} == set(shelf.editions())
