"""Every migration, undone and applied again on a portal in use: all that it does not undo is still there."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import Client

from assessments.models import (
    Answer,
    Assessment,
    AuditEvent,
    DeskEntry,
    FormerName,
    Office,
    Share,
    ShareContent,
    ShorterRetention,
    User,
    frozen,
)
from assessments.records.attested import sha256_of
from assessments.services import audit, desk_export, reviewing, sharing
from assessments.services.audit_proof import chains, compare_records, walk
from assessments.services.drafts import change_election
from assessments.services.printing import Kind, pdf_of
from tests.cast import account_of, answered, attested, client_of, office_of, person, publish, shared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
OURS = ("assessments", "bulletin")
LATER = {"assessments_deskentry", "assessments_deskfinding", "assessments_deskunsure"}
"""Tables that are derived from others, and so can be derived again."""


def in_use() -> None:
    """Drafts, an attestation, an answered share, a withdrawn share, what an officer did, and the trail."""
    publish()
    member, officer = person("member"), person("officer", is_officer=True)
    office = office_of(member)
    draft = answered(account_of(office), member)
    reviewing.comment(
        assessment=draft, about="question", subject="conduct.abuse", text="Look at this.", by=member
    )
    named = account_of(office, "P" * 190, "@" + "h" * 190)
    attestation = attested(named, {"conduct.abuse": "unsure"}, notes={"conduct.abuse": "Once."})
    asked = shared(attestation, nonce="1" * 64, ask="May I?", questions={"conduct.abuse"})
    sharing.write_advice(share=asked, text="You may.", by=officer)
    sharing.write_advice(share=asked, text="Thanks.", by=member)
    sharing.withdraw(share=shared(attestation, nonce="2" * 64, ask="And now?"), by=member)
    for kind in Kind:
        pdf_of(asked, kind)
    pdf_of(attestation)
    assert client_of(officer).get("/desk/").status_code == 200
    desk_export.append_export(keys=[asked.pk], form="csv", by=officer)
    FormerName.objects.create(user=officer, name="Robin Ng")
    FormerName.objects.create(office=office, name="Ward 99")
    ShorterRetention.objects.create(
        office=office, keep_drafts_months=6, keep_attested_years=2, starts_at=NOW, chosen_by=member
    )


def rows() -> dict[str, list[str]]:
    """Every row of our tables, by table. A row lists its columns by name, so that their order does not matter."""
    by_table = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(tuple(f"{app}_" for app in OURS)):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table's own name
                names = [column[0] for column in cursor.description]
                by_table[table] = sorted(
                    repr(sorted(zip(names, row, strict=True))) for row in cursor.fetchall()
                )
    return by_table


def without_nonce_of_withdrawn(before: dict[str, list[str]]) -> dict[str, list[str]]:
    """All rows, as they are once 0010 is undone and done again: the nonce of a withdrawn share is in no content."""
    shares = [row.replace(repr(sha256_of("2" * 64)), "None") for row in before["assessments_share"]]
    return before | {"assessments_share": sorted(shares)}


LOSSLESS: dict[str, Callable[[dict[str, list[str]]], dict[str, list[str]]]] = {
    "0010_share_nonce": without_nonce_of_withdrawn,
    "0011_election_dates": dict,
    "0013_trust": dict,
    "0014_frozen_names": dict,
}
"""The migrations after which every row can be known, with the rows once each is undone and done again."""


def steps() -> list[tuple[str, str]]:
    graph = MigrationLoader(connection).graph
    return [node for node in graph.forwards_plan(graph.leaf_nodes("assessments")[0]) if node[0] in OURS]


@pytest.fixture
def portal(transactional_db: None, time_machine: Any) -> Any:
    time_machine.move_to(NOW, tick=False)
    in_use()
    yield
    call_command("migrate", verbosity=0)


def test_0011_is_undone_and_done_again_with_events_of_the_kinds_that_it_added(portal):
    draft = Assessment.objects.drafts().first()
    assert draft
    member = draft.started_by
    change_election(assessment=draft, election="toronto-2030", by=member)
    with transaction.atomic():
        audit.append(office=draft.account.office, action=audit.Action.MOVED, about=draft, by=member)
    before = rows()
    call_command("migrate", "assessments", "0010", verbosity=0)
    call_command("migrate", verbosity=0)
    assert rows() == before
    assert frozen.missing(connection) == {}
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.filter(action="moved").update(action="unknown")


def test_each_is_undone_and_done_again_with_what_it_does_not_undo_still_there(portal):
    before, people = rows(), list(User.objects.order_by("email").values_list("email", "name", "password"))
    plan = steps()
    assert len(plan) >= 10
    for step in reversed(range(1, len(plan))):
        app, name = plan[step]
        below = next((n for a, n in reversed(plan[:step]) if a == app), None)
        if below is None:
            # It is the first of its app.
            continue
        if name.startswith("0003_"):
            # PostgreSQL cannot go back further with a name that is too long for the older column; it is not cut.
            with connection.cursor() as cursor:
                cursor.execute("UPDATE assessments_socialaccount SET platform = 'X', handle = '@' || id")
        at_this_step = rows()
        call_command("migrate", app, below, verbosity=0)
        if name in LOSSLESS:
            call_command("migrate", app, name, verbosity=0)
            assert rows() == LOSSLESS[name](at_this_step)
            call_command("migrate", app, below, verbosity=0)
    call_command("migrate", verbosity=0)
    after = rows()
    unchanged = [
        "assessments_office",
        "assessments_membership",
        *(t for t in before if t.startswith("bulletin_")),
    ]
    assert {table: after[table] for table in unchanged} == {table: before[table] for table in unchanged}
    assert list(User.objects.order_by("email").values_list("email", "name", "password")) == people
    for app in OURS:
        call_command("migrate", app, "zero", verbosity=0)
    assert rows() == {}
    call_command("migrate", verbosity=0)
    assert not frozen.missing(connection)
    assert not [table for table in connection.introspection.table_names() if table.startswith("kept_")]
    assert Client().get("/health/ready").json()["broken"] == ["editions"]


def test_a_shorter_retention_is_not_put_back_if_the_office_has_chosen_others_since(portal):
    call_command("migrate", "assessments", "0013", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE assessments_office SET keep_attested_years = 30")
    call_command("migrate", verbosity=0)
    assert not ShorterRetention.objects.exists()
    assert FormerName.objects.count() == 2
    # The next row gets a key of its own.
    FormerName.objects.create(user=User.objects.first(), name="Another")


def test_a_hold_from_before_there_were_reasons_has_its_reason_as_not_recorded(portal):
    call_command("migrate", "assessments", "0020", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE assessments_office SET held_at = %s, held_by_id = member_id WHERE ends_on IS NULL", [NOW]
        )
    call_command("migrate", verbosity=0)
    office = Office.objects.get()
    assert (office.held_at, office.hold_reason, office.hold_file_number) == (
        NOW,
        "not recorded",
        "not recorded",
    )


def test_the_desk_is_made_again_from_what_was_shared(portal):
    before = rows()
    call_command("migrate", "assessments", "0006", verbosity=0)
    assert Share.objects.count() == 2
    call_command("migrate", verbosity=0)
    after = rows()
    for table in LATER - {"assessments_deskentry"}:
        assert len(after[table]) == len(before[table]) > 0
    entry = DeskEntry.objects.get(withdrawn_at__isnull=True)
    assert (entry.account[-190:], entry.answered_at, "thanks." in entry.words) == ("h" * 190, NOW, True)
    assert after["assessments_auditevent"] == before["assessments_auditevent"]
    assert after["assessments_sharecontent"] == before["assessments_sharecontent"]
    assert all(walk(chain).fault == "" for chain in chains({}))
    assert not compare_records().older


def test_a_share_has_the_hash_of_the_nonce_in_its_content_and_is_frozen_again(portal):
    before = rows()
    call_command("migrate", "assessments", "0009", verbosity=0)
    call_command("migrate", "assessments", "0010", verbosity=0)
    current = Share.objects.standing().get()
    assert current.nonce_hash == sha256_of(json.loads(current.content.record)["nonce"]) == sha256_of("1" * 64)
    assert Share.objects.get(withdrawal__isnull=False).nonce_hash is None
    assert not frozen.missing(connection)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Share.objects.update(nonce_hash=None)
    assert rows()["assessments_sharecontent"] == before["assessments_sharecontent"]


def test_of_two_earlier_shares_with_one_nonce_the_first_has_its_hash(portal):
    call_command("migrate", "assessments", "0009", verbosity=0)
    content = ShareContent.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO assessments_share (attestation_id, shared_by_id, shared_at, sha256, code) SELECT "
            "attestation_id, shared_by_id, shared_at, %s, %s FROM assessments_share WHERE id = %s",
            ["0" * 64, "0" * 24, content.share_id],
        )
        cursor.execute("SELECT max(id) FROM assessments_share")
        (other,) = cursor.fetchone()
    ShareContent.objects.create(share_id=other, record=content.record)
    call_command("migrate", "assessments", "0010", verbosity=0)
    assert Share.objects.get(pk=content.share_id).nonce_hash == sha256_of("1" * 64)
    assert Share.objects.get(pk=other).nonce_hash is None


def test_before_there_were_attestations_answers_can_be_changed_and_are_kept(portal):
    answers = list(Answer.objects.order_by("pk").values_list("pk", "question", "value", "note"))
    call_command("migrate", "assessments", "0004", verbosity=0)
    assert not [name for name in frozen._present(connection) if "attested" in name]
    with connection.cursor() as cursor:
        # This includes attested answers: nothing is left that records the attestation.
        cursor.execute("UPDATE assessments_answer SET note = note")
    call_command("migrate", verbosity=0)
    assert list(Answer.objects.order_by("pk").values_list("pk", "question", "value", "note")) == answers
    assert not Share.objects.exists()
    assert not frozen.missing(connection)
