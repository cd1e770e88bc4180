"""Sharing from one preview: once, whatever is sent again, and however the requests meet."""

import hashlib
import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from assessments.models import Attestation, AuditEvent, Share
from assessments.pdf.authenticity import new_code
from assessments.services import sharing
from tests.cast import NONCE, at_the_same_moment, attested, client_of, make, shared, together

pytestmark = pytest.mark.django_db
HASH = hashlib.sha256(NONCE.encode()).hexdigest()
GIVE = {"rule": "9", "question": "account.stage", "nonce": NONCE, "give": "yes", "consent": "yes"}


def post(attestation: Attestation) -> Any:
    address = f"/assessments/{attestation.assessment_id}/share"
    return client_of(attestation.attested_by).post(address, GIVE)


def events() -> int:
    return AuditEvent.objects.filter(action="shared").count()


def test_a_share_has_the_hash_of_its_nonce_and_its_record_the_nonce(attestation):
    share = shared(attestation, nonce=NONCE)
    assert share.nonce_hash == HASH
    assert json.loads(share.content.record)["nonce"] == NONCE
    assert hashlib.sha256(share.content.record.encode()).hexdigest() == share.sha256


def test_the_database_refuses_a_second_share_from_one_preview(attestation):
    share = shared(attestation, nonce=NONCE)
    with pytest.raises(IntegrityError), transaction.atomic():
        Share.objects.create(
            attestation=attestation,
            shared_by=share.shared_by,
            sha256="0" * 64,
            code=new_code(),
            nonce_hash=HASH,
        )


def test_shares_from_before_the_column_can_be_many(attestation):
    for number in range(2):
        Share.objects.create(
            attestation=attestation,
            shared_by=attestation.attested_by,
            sha256=str(number) * 64,
            code=new_code(),
        )
    assert Share.objects.filter(nonce_hash=None).count() == 2


def test_a_request_that_did_not_see_the_first_ends_with_the_first_share(attestation, monkeypatch):
    first = shared(attestation, nonce=NONCE)
    monkeypatch.setattr(sharing, "shared_with", lambda **_: None)
    answer = post(attestation)
    assert answer["Location"] == f"/shares/{first.pk}"
    assert (Share.objects.count(), events()) == (1, 1)


def test_what_was_withdrawn_is_not_shared_again_by_the_same_preview(attestation):
    first = shared(attestation, nonce=NONCE)
    sharing.withdraw(share=first, by=attestation.attested_by)
    assert post(attestation)["Location"] == f"/assessments/{attestation.assessment_id}/share"
    assert (Share.objects.count(), hasattr(Share.objects.get(), "content")) == (1, False)


def test_nothing_is_left_with_which_to_guess_what_was_withdrawn(attestation):
    sharing.withdraw(share=shared(attestation, nonce=NONCE), by=attestation.attested_by)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table's own name
            assert NONCE not in repr(cursor.fetchall()), table


def test_a_nonce_of_another_assessment_shares_nothing(attestation):
    shared(attestation, nonce=NONCE)
    other = attested(attestation.assessment.account)
    assert post(other).status_code == 404
    assert Share.objects.count() == 1


@at_the_same_moment
def test_ten_at_once_share_once():
    attestation = attested(make().account)
    places = together(*[lambda: post(attestation)["Location"]] * 10)
    assert places == [f"/shares/{Share.objects.get().pk}"] * 10
    assert events() == 1
