"""Frozen rows: the database refuses to change or delete them, and the system check reports where it would not."""

# ruff: noqa: S608  # SQL of our own making is what these tests are about

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models, transaction

from assessments.models import (
    Answer,
    Assessment,
    AuditAddress,
    AuditEvent,
    Export,
    PurgePermit,
    Share,
    SocialAccount,
    StoredPdf,
    frozen,
)
from assessments.services import audit
from assessments.services.audit import Action, current_address, delete_addresses
from assessments.services.purging import purging
from assessments.services.sharing import withdraw, write_advice
from bulletin.models import PublishedEdition
from tests.cast import account_of, answered, office_of, person, shared
from tests.thawing import thaw

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

EVENT, ADDRESS = "assessments_auditevent", "assessments_auditaddress"
ON_POSTGRESQL = connection.vendor == "postgresql"


def append_event() -> None:
    """Append an event with an address."""
    token = current_address.set("192.0.2.7")
    with transaction.atomic():
        audit.append(office=None, action=Action.SIGN_IN_CLOSED, about=person("new"), by=None)
    current_address.reset(token)


@pytest.fixture(scope="module")
def module_rows(module_share) -> None:
    """Each frozen table has a row; one event has an address."""
    share = Share.objects.get(pk=module_share)
    member = share.attestation.attested_by
    write_advice(share=share, text="You may.", by=member)
    StoredPdf.objects.create(attestation=share.attestation, name="a.pdf", sha256="0" * 64, size=1)
    withdraw(share=shared(share.attestation, nonce="b" * 64), by=member)
    Export.objects.create(exported_by=member, form="zip", shares=[share.pk])
    append_event()
    if ON_POSTGRESQL:
        # Foreign keys that wait to be checked would not let triggers be dropped.
        run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def event(module_rows, db) -> AuditEvent:
    return AuditEvent.objects.get(address__isnull=False)


def refusal(sql: str) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(refused.value).splitlines()[0]


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


# --- What is refused ----------------------------------------------------------------------


@pytest.mark.parametrize("name", frozen.FROZEN)
def test_every_frozen_table_refuses_what_it_should_and_only_that(event, name):
    model = apps.get_model("assessments", name)
    table, pk = model._meta.db_table, model._meta.pk.column
    before = count(table)
    assert before
    for field in model._meta.concrete_fields:
        assert refusal(f'UPDATE {table} SET "{field.column}" = "{field.column}"').endswith("never changed")
    assert "never deleted" in refusal(f"DELETE FROM {table}")
    assert count(table) == before
    if name in ("Share", "Attestation", "AuditEvent", "AdviceRequest", "Export"):
        # Others point to these rows and have to be deleted first; an export stays on record.
        return
    with purging():
        run(f"DELETE FROM {table} WHERE {pk} IN (SELECT max({pk}) FROM {table})")
    assert count(table) == before - 1


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"UPDATE {EVENT} SET action = 'kept'", f"{EVENT}: rows are never changed"),
        (f"UPDATE {EVENT} SET action = action", f"{EVENT}: rows are never changed"),
        (f"DELETE FROM {EVENT}", f"{EVENT}: rows are never deleted"),
        (f"UPDATE {ADDRESS} SET address = 'x'", f"{ADDRESS}: rows are never changed"),
        (f"DELETE FROM {ADDRESS}", f"{ADDRESS}: rows are never deleted without a purge permit"),
    ],
)
def test_a_frozen_row_is_neither_changed_nor_deleted(event, sql, message):
    before = count(EVENT), count(ADDRESS)
    assert refusal(sql) == message
    assert (count(EVENT), count(ADDRESS)) == before


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (f"{EVENT} CASCADE", "rows are never deleted"),
        (ADDRESS, f"{ADDRESS}: rows are never deleted without a purge permit"),
    ],
)
def test_a_frozen_table_is_not_truncated(event, table, message):
    before = count(EVENT), count(ADDRESS)
    assert message in refusal(f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {table}")
    assert (count(EVENT), count(ADDRESS)) == before


@pytest.mark.skipif(ON_POSTGRESQL, reason="only SQLite has REPLACE")
def test_a_frozen_row_is_not_replaced(event):
    columns = "hash, number, at, action, record_type, record_id, address_hash, previous, record_hash"
    sql = f"INSERT OR REPLACE INTO {EVENT} ({columns}) SELECT {columns} FROM {EVENT}"
    assert "rows are never replaced" in refusal(sql)
    conflict = f"INSERT INTO {EVENT} ({columns}) SELECT {columns} FROM {EVENT} WHERE true "
    assert "rows are never replaced" in refusal(f"{conflict} ON CONFLICT (hash) DO UPDATE SET number = 2")


def replacing(row: models.Model, values: Mapping[str, str]) -> str:
    """An INSERT OR REPLACE of a row, with other values in some columns, given as SQL."""
    table, pk = row._meta.db_table, row._meta.pk.column
    columns = [str(field.column) for field in row._meta.concrete_fields]
    selected = ", ".join(values.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT OR REPLACE INTO {table} ({names}) SELECT {selected} FROM {table} WHERE {pk} = '{row.pk}'"


@pytest.fixture(params=["ON", "OFF"])
def recursive(request: Any, event: AuditEvent) -> Any:
    """The portal's connections have recursive triggers; those of other programs need not have them."""
    run(f"PRAGMA recursive_triggers = {request.param}")
    yield
    run("PRAGMA recursive_triggers = ON")


def frozen_rows() -> dict[str, models.Model]:
    """A row of each table that is frozen in whole or in part."""
    attested = Assessment.objects.get(attestation__isnull=False)
    some = {name: apps.get_model("assessments", name)._default_manager.first() for name in frozen.FROZEN}
    answer, account = attested.answers.first(), attested.account
    return some | {
        "Answer": answer,
        "Assessment": attested,
        "SocialAccount": account,
        "edition": attested.edition,
    }


OTHER_VALUES = {
    "Answer": {"note": "'another'"},
    "Assessment": {"deleted_at": "started_at", "deleted_by_id": "started_by_id"},
    "SocialAccount": {"office_id": "office_id + 1"},
    "edition": {"content": "'\"{}\"'"},
}
"""For each table that is frozen in part, what a row must not come to have."""


@pytest.mark.skipif(ON_POSTGRESQL, reason="only SQLite has REPLACE")
@pytest.mark.parametrize("name", [*frozen.FROZEN, *OTHER_VALUES])
def test_no_frozen_row_is_replaced(recursive, name):
    row, values = frozen_rows()[name], OTHER_VALUES.get(name, {})
    pk = str(row._meta.pk.column)
    assert "rows are never replaced" in refusal(replacing(row, values))
    # The new row has another key, and what else is unique is the same.
    of_row = {f.column: getattr(row, f.attname) for f in row._meta.concrete_fields}
    if any(pk not in key and None not in [of_row[c] for c in key] for key in frozen._keys(type(row))):
        sql = replacing(row, {pk: f"'{'f' * 64}'" if pk == "hash" else f"{pk} + 1000"})
        assert "rows are never replaced" in refusal(sql)


@pytest.mark.skipif(ON_POSTGRESQL, reason="only SQLite has REPLACE")
@pytest.mark.parametrize("name", OTHER_VALUES)
def test_nor_is_it_by_another_row_that_gets_its_key(recursive, name):
    row = frozen_rows()[name]
    draft = Assessment.objects.drafts().first()
    assert draft
    other = {
        "Answer": Answer(draft=draft, question="q", value="no", answered_by=draft.started_by),
        "Assessment": draft,
        "SocialAccount": account_of(office_of(person("other"), "Ward 99")),
        "edition": PublishedEdition(
            edition_id="another", revision=1, digest="a" * 64, content='{"sheet": {"provisional": true}}'
        ),
    }[name]
    other.save()
    table = row._meta.db_table
    assert "rows are never replaced" in refusal(
        f"UPDATE OR REPLACE {table} SET id = {row.pk} WHERE id = {other.pk}"
    )


# --- What frozen rows lean on ----------------------------------------------------------------


def test_an_account_never_moves_to_another_office_and_its_name_changes(event):
    account = SocialAccount.objects.get()
    other = office_of(person("other"), "Ward 99")
    message = "an account never moves to another office"
    assert message in refusal(f"UPDATE assessments_socialaccount SET office_id = {other.pk}")
    SocialAccount.objects.filter(pk=account.pk).update(handle="@renamed", office=account.office)
    account.refresh_from_db()
    account.save()
    assert account.handle == "@renamed"


def test_what_is_attested_is_neither_marked_as_deleted_nor_brought_back(event):
    attested = Assessment.objects.get(attestation__isnull=False)
    draft = Assessment.objects.filter(attestation__isnull=True).first()
    assert draft
    set_to = f"deleted_at = started_at, deleted_by_id = {attested.started_by_id}"
    run(f"UPDATE assessments_assessment SET {set_to} WHERE id = {draft.pk}")
    sql = f"UPDATE assessments_assessment SET {set_to} WHERE id = {attested.pk}"
    assert "attested rows are never changed" in refusal(sql)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Answer", "attested rows are never changed"),
        ("Assessment", "attested rows are never changed"),
        ("SocialAccount", "an account never moves to another office"),
        ("edition", "a published edition never changes"),
    ],
)
def test_none_of_it_is_deleted_to_come_back_with_other_values(event, name, message):
    row = frozen_rows()[name]
    assert message in refusal(f"DELETE FROM {row._meta.db_table} WHERE id = {row.pk}")


def test_what_nothing_frozen_leans_on_is_deleted(event):
    if ON_POSTGRESQL:
        run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    edition = PublishedEdition.objects.create(
        edition_id="another", revision=1, digest="a" * 64, content='{"sheet": {"provisional": true}}'
    )
    account = account_of(office_of(person("other"), "Ward 99"))
    draft = answered(account, account.office.member)
    draft.answers.all().delete()
    run(f"DELETE FROM assessments_assessment WHERE id = {draft.pk}")
    run(f"DELETE FROM assessments_socialaccount WHERE id = {account.pk}")
    run(f"DELETE FROM bulletin_publishededition WHERE id = {edition.pk}")


def provisional(row: PublishedEdition, *, is_provisional: bool) -> None:
    content = json.loads(row.content)
    content["sheet"]["provisional"] = is_provisional
    thaw()
    PublishedEdition.objects.filter(pk=row.pk).update(content=json.dumps(content))
    frozen.install(using="default")


@pytest.mark.parametrize("column", ["edition_id", "revision", "digest", "content"])
@pytest.mark.parametrize(
    ("is_provisional", "rests_on_it", "refused"),
    [(False, False, True), (True, False, False), (True, True, True), (False, True, True)],
)
def test_an_edition_changes_only_while_it_is_provisional_and_nothing_attested_rests_on_it(
    event, column, is_provisional, rests_on_it, refused
):
    row = PublishedEdition.objects.get(pk=Assessment.objects.get(attestation__isnull=False).edition_id)
    if not rests_on_it:
        row = PublishedEdition.objects.create(
            edition_id="another", revision=1, digest="a" * 64, content=row.content
        )
    if ON_POSTGRESQL:
        run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    provisional(row, is_provisional=is_provisional)
    values = {"edition_id": "'other'", "revision": "99", "digest": f"'{'b' * 64}'", "content": "'\"{}\"'"}
    sql = f"UPDATE bulletin_publishededition SET {column} = {values[column]} WHERE id = {row.pk}"
    if refused:
        assert "a published edition never changes" in refusal(sql)
    else:
        run(sql)
    run(f"UPDATE bulletin_publishededition SET published_at = published_at WHERE id = {row.pk}")


# --- What a permit allows --------------------------------------------------------------------


@pytest.mark.parametrize("sql", [f"DELETE FROM {ADDRESS}", f"TRUNCATE {ADDRESS}"])
def test_with_a_permit_rows_that_may_be_purged_are_deleted_and_it_is_gone_afterwards(event, sql):
    if sql.startswith("TRUNCATE") and not ON_POSTGRESQL:
        pytest.skip("SQLite has no TRUNCATE")
    events = count(EVENT)
    with purging():
        if ON_POSTGRESQL:
            run("SET CONSTRAINTS ALL IMMEDIATE")
        run(sql)
    assert (count(EVENT), count(ADDRESS)) == (events, 0)
    assert not PurgePermit.objects.exists()


@pytest.mark.parametrize(
    "sql", [f"UPDATE {EVENT} SET number = 9", f"DELETE FROM {EVENT}", f"UPDATE {ADDRESS} SET salt = ''"]
)
def test_a_permit_allows_nothing_else(event, sql):
    with purging():
        assert "rows are never" in refusal(sql)


def test_a_permit_within_another_leaves_the_outer_one(event):
    with purging():
        with purging():
            pass
        assert delete_addresses(until=event.at) == 1


def test_where_purging_goes_wrong_neither_the_permit_nor_a_deletion_is_left(event):
    def purge() -> None:
        with purging():
            run(f"DELETE FROM {ADDRESS}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        purge()
    assert count(ADDRESS) == 1
    assert not PurgePermit.objects.exists()


@pytest.mark.skipif(not ON_POSTGRESQL, reason="on SQLite a trigger sees its own schema alone")
def test_a_temporary_table_by_the_permits_name_permits_nothing(event):
    run("CREATE TEMPORARY TABLE assessments_purgepermit (id int) ON COMMIT DROP")
    run("INSERT INTO pg_temp.assessments_purgepermit VALUES (1)")
    assert "without a purge permit" in refusal(f"DELETE FROM {ADDRESS}")


@pytest.mark.skipif(not ON_POSTGRESQL, reason="only one transaction at a time writes to SQLite")
@pytest.mark.django_db(transaction=True)
def test_a_permit_of_one_transaction_is_none_in_another():
    append_event()
    another = connection.copy()
    try:
        with (
            purging(),
            another.cursor() as cursor,
            pytest.raises(IntegrityError, match="without a purge permit"),
        ):
            cursor.execute(f"DELETE FROM {ADDRESS}")
    finally:
        another.close()


EMPTY = "BEGIN RETURN NEW; END"

# --- What the check finds -------------------------------------------------------------------------


def check() -> str:
    try:
        call_command("check", databases=["default"], stdout=io.StringIO(), stderr=io.StringIO())
    except CommandError as error:
        return str(error)
    return ""


def alter(name: str, table: str, how: str) -> None:
    """Drop a trigger, or replace it with one that does something else."""
    run(f"DROP TRIGGER {name}{frozen.drop_from(connection, table)}")
    if how == "altered":
        does = (
            "FOR EACH ROW EXECUTE FUNCTION assessments_refuse('x')"
            if ON_POSTGRESQL
            else "BEGIN SELECT 1; END"
        )
        run(f"CREATE TRIGGER {name} BEFORE INSERT ON {table} {does}")


TRIGGERS = {name: table for name, (table, _) in frozen.expected(connection.vendor).items()}


@pytest.mark.parametrize("how", ["dropped", "altered"])
@pytest.mark.parametrize("names", [[EVENT + "_kept"], [*TRIGGERS]], ids=["one", "all"])
def test_the_check_names_each_trigger_that_is_gone_or_altered_and_migrate_puts_it_back(names, how):
    assert check() == ""
    for name in names:
        alter(name, TRIGGERS[name], how)
    report = check()
    for name in names:
        assert f"The trigger {name} on {TRIGGERS[name]} is missing" in report
    assert "manage.py migrate" in report
    assert report.count("assessments.E001") == len(names)
    # As from the command line, where checks run first.
    call_command("migrate", verbosity=0, skip_checks=False)
    assert check() == ""


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has neither functions nor triggers that are turned off")
@pytest.mark.parametrize(
    "sql",
    [
        f"ALTER TABLE {EVENT} DISABLE TRIGGER {EVENT}_kept",
        f"CREATE OR REPLACE FUNCTION {frozen.FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS '{EMPTY}'",
    ],
)
def test_the_check_finds_triggers_that_are_turned_off_or_emptied(event, sql):
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run(sql)
    assert f"The trigger {EVENT}_kept on {EVENT} is missing" in check()
    call_command("migrate", verbosity=0)
    assert check() == ""
    assert "rows are never deleted" in refusal(f"DELETE FROM {EVENT}")


def test_the_check_finds_a_permit_that_was_left_behind():
    PurgePermit.objects.create()
    assert "assessments.E002" in check()


def test_migrate_puts_all_the_triggers_back():
    thaw()
    assert len(frozen.missing(connection)) == len(TRIGGERS)
    call_command("migrate", verbosity=0)
    assert frozen.missing(connection) == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("again", [False, True])
def test_a_test_that_commits_frozen_rows_leaves_the_next_an_empty_database(again):
    assert frozen.missing(connection) == {}
    assert not AuditEvent.objects.exists()
    append_event()


@pytest.mark.skipif(ON_POSTGRESQL, reason="only SQLite rebuilds a table to alter it")
@pytest.mark.django_db(transaction=True)
def test_altering_a_frozen_table_drops_its_triggers_until_the_end_of_the_migration():
    old: Any = AuditAddress._meta.get_field("salt")
    new: Any = models.CharField(max_length=65)
    new.set_attributes_from_name("salt")
    with connection.schema_editor() as editor:
        editor.alter_field(AuditAddress, old, new)
    assert sorted(frozen.missing(connection)) == [
        f"{ADDRESS}_{which}" for which in ("kept", "replaced", "unchanged")
    ]
    with connection.schema_editor() as editor:
        editor.alter_field(AuditAddress, new, old)
    call_command("migrate", verbosity=0)
    assert frozen.missing(connection) == {}
