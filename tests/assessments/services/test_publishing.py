"""Publishing from the files: a provisional revision is replaced as long as nothing attested rests on it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from assessments.models import Assessment, Attestation
from assessments.records.state import assessment_state
from assessments.services.attesting import Changed, attest
from assessments.services.publishing import publish
from bulletin import shelf
from bulletin.encoding.digest import canonical, digest
from bulletin.encoding.loader import read_earlier
from bulletin.encoding.schema import Edition, Question
from bulletin.models import PublishedEdition
from bulletin.publish import EditionChanged, encoded, publish_edition
from tests.cast import answered, at_the_same_moment, attested, make, seen, together
from tests.tables import EDITION, edition

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture(scope="module", autouse=True)
def provisional_on_file() -> Iterator[None]:
    """The current edition on file is provisional. No revision is, once it is released."""
    sheet = edition().sheet.model_copy(update={"provisional": True})
    on_file = {**shelf.editions(), EDITION: edition().model_copy(update={"sheet": sheet})}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "load_editions", lambda _: dict(on_file))
        shelf.editions.cache_clear()
        yield
    shelf.editions.cache_clear()


def other(**update: object) -> Edition:
    """The edition on file with another title, still provisional unless `update` says otherwise."""
    sheet = edition().sheet.model_copy(update={"title": "Use of Social Media, Corrected"} | update)
    return edition().model_copy(update={"sheet": sheet})


def first() -> Edition:
    return edition().earlier[1]


def test_a_provisional_revision_that_changed_is_replaced_and_drafts_go_on_with_it(cast):
    published, status = publish(edition=other())
    assert status == "replaced"
    assert (published.digest, published.revision) == (digest(other()), edition().sheet.revision)
    assert PublishedEdition.objects.filter(edition_id=EDITION).count() == 1
    draft = Assessment.objects.select_related("edition", "account__office__member").get(pk=cast.draft_pk)
    assert encoded(draft.edition).sheet.title == "Use of Social Media, Corrected"
    assert (
        assessment_state(draft, as_of=edition().sheet.issued).edition.sheet.title
        == encoded(draft.edition).sheet.title
    )


def test_one_that_something_attested_rests_on_is_not_replaced(cast):
    attested(cast.account)
    before = PublishedEdition.objects.get().content
    with pytest.raises(EditionChanged, match=r"self-checks were attested with it\. Set `revision: 3`"):
        publish(edition=other())
    assert PublishedEdition.objects.get().content == before


def test_one_that_is_final_is_not_replaced(published):
    publish(edition=other(provisional=False, revision=3))
    with pytest.raises(EditionChanged, match="A published edition never changes"):
        publish(edition=other(title="Another", revision=3))


def test_an_older_deployment_does_not_replace_what_a_newer_one_has_gone_beyond(published):
    publish(edition=other(revision=3))
    with pytest.raises(EditionChanged):
        publish(edition=other(title="Older"))


def _attested_or_changed(draft, mark):
    with suppress(Changed):
        attest(assessment=draft, by=draft.account.office.member, seen=mark)


@at_the_same_moment
def test_nothing_is_attested_with_content_that_is_being_replaced():
    cast = make()
    draft = answered(cast.account, cast.member)
    mark = seen(draft)
    results = together(lambda: _attested_or_changed(draft, mark), lambda: publish(edition=other()))
    row = PublishedEdition.objects.get()
    for attestation in Attestation.objects.all():
        assert json.loads(attestation.record)["digest"] == row.digest
    replaced = row.digest == digest(other())
    assert replaced != isinstance(results[1], EditionChanged)
    assert replaced != Attestation.objects.exists()


def test_the_same_again_changes_nothing(published):
    assert publish(edition=edition())[1] == "already published"


# --- The first revision -------------------------------------------------------------


def published_as_it_was() -> PublishedEdition:
    """Revision 1 as databases have it: every key of the schema of its day, defaults too."""
    kept = json.loads((shelf.HERE / "editions" / EDITION / "earlier/1.json").read_text())
    content = json.dumps(kept["content"], ensure_ascii=False, separators=(",", ":"))
    return PublishedEdition.objects.create(
        edition_id=EDITION, revision=1, digest=kept["digest"], content=content
    )


@pytest.fixture
def row(published) -> PublishedEdition:
    return published_as_it_was()


def test_the_first_revision_is_read_back_under_the_digest_it_was_published_with(row):
    assert digest(encoded(row)) == row.digest
    assert publish_edition(edition=first()) == (row, False)
    assert encoded(PublishedEdition.objects.get(revision=1)).sheet.revision == 1


def test_a_new_optional_key_of_the_schema_changes_no_digest_and_is_no_change(row, monkeypatch):
    before = digest(edition()), digest(encoded(row))

    class QuestionOfTomorrow(Question):
        audience: str = "everybody"

    class EditionOfTomorrow(Edition):
        questions: tuple[QuestionOfTomorrow, ...]
        __hash__ = object.__hash__

    tomorrow = EditionOfTomorrow.model_validate_json(canonical(edition()))
    assert tomorrow.questions[0].audience == "everybody"
    assert digest(tomorrow) == before[0]
    assert publish_edition(edition=tomorrow)[1] is False
    assert digest(encoded(PublishedEdition.objects.get(revision=1))) == before[1]


# --- The command --------------------------------------------------------------------


def test_load_editions_says_that_it_replaced_a_provisional_revision(published, monkeypatch):
    changed = other()
    monkeypatch.setattr(shelf, "load_editions", lambda _: {EDITION: changed})
    shelf.editions.cache_clear()
    out = StringIO()
    call_command("load_editions", stdout=out)
    shelf.editions.cache_clear()
    assert out.getvalue() == f"{EDITION}, revision 2: replaced (digest {digest(changed)[:16]})\n"


def test_load_editions_keeps_an_edition_as_the_next_revision_needs_it(monkeypatch, tmp_path):
    (tmp_path / "editions" / EDITION).mkdir(parents=True)
    editions = shelf.editions()
    monkeypatch.setattr(shelf, "HERE", tmp_path)
    monkeypatch.setattr(shelf, "load_editions", lambda _: dict(editions))
    out = StringIO()
    call_command("load_editions", "--keep", EDITION, stdout=out)
    kept = tmp_path / "editions" / EDITION / "earlier/2.json"
    assert out.getvalue() == f"{EDITION}, revision 2: saved in {kept}\n"
    again = read_earlier(kept.read_text())
    assert (digest(again), again.model_dump()) == (digest(edition()), edition().model_dump())


def test_load_editions_keeps_none_that_is_not_on_file():
    with pytest.raises(CommandError, match="No edition on file is called `ottawa`"):
        call_command("load_editions", "--keep", "ottawa")
