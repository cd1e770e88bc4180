"""Back before the migration that added summaries, and forward again: no PDF is mistaken for another kind."""

from datetime import UTC, datetime

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from assessments.models import PurgePermit, Share, StoredPdf
from assessments.services.printing import Kind, pdf_of
from tests.cast import account_of, attested, office_of, person, publish, shared


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_summaries_go_with_their_files_and_are_printed_again(time_machine):
    time_machine.move_to(datetime(2026, 7, 1, 15, 0, tzinfo=UTC), tick=False)
    publish()
    share = shared(attested(account_of(office_of(person("member")))))
    before = {kind: pdf_of(share, kind) for kind in Kind}
    assert before[Kind.FULL] != before[Kind.SUMMARY]
    names = dict(StoredPdf.objects.filter(share=share).values_list("kind", "name"))
    try:
        call_command("migrate", "assessments", "0007", verbosity=0)
        assert default_storage.exists(names["full"])
        assert not default_storage.exists(names["summary"])
    finally:
        call_command("migrate", verbosity=0)
    assert list(StoredPdf.objects.filter(share__isnull=False).values_list("kind")) == [("full",)]
    assert {kind: pdf_of(Share.objects.get(), kind) for kind in Kind} == before
    assert not PurgePermit.objects.exists()
