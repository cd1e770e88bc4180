"""Frozen rows: tables whose rows the database itself refuses to change or delete.

It refuses by triggers, so that no mistake in the code, no shell and no other program gets around them. `install` puts
them in place after every `migrate`, and `missing` lists those that are absent or differ from what they should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

FROZEN: dict[str, bool] = {
    "AuditEvent": False,
    "AuditAddress": True,
    "Attestation": True,
    "Finding": True,
    "Share": True,
    "ShareContent": True,
    "Withdrawal": True,
    "AdviceRequest": True,
    "AdviceEntry": True,
    "StoredPdf": True,
    "Export": False,
}
"""The models whose rows are never changed, and whether a purge permit allows deleting their rows."""

ATTESTED = {
    "Answer": ("draft_id", ("INSERT", "UPDATE", "DELETE")),
    "Assessment": ("id", ("UPDATE OF account_id, edition_id, election, voting_day, campaign_ends",)),
}
"""The models whose rows are frozen once their assessment is attested: the column with the assessment's key, and the
statements that are refused. A purge permit allows deleting these rows.
"""


class PurgePermit(models.Model):
    """While a permit exists in a transaction, that transaction can delete frozen rows.

    The transaction that creates the permit also deletes it (see services/purging.py), so no other ever sees it.
    """

    def __str__(self) -> str:
        return f"purge permit {self.pk}"


PERMITS = "assessments_purgepermit"
ATTESTATIONS = "assessments_attestation"
FUNCTION = "assessments_refuse"
WHEN_ATTESTED = "assessments_refuse_attested"
# The schema is named: without it, a temporary table of the same name would come first on the search path.
BODY = f"""
DECLARE
  permitted boolean;
BEGIN
  IF TG_NARGS > 1 THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.{PERMITS})', TG_TABLE_SCHEMA) INTO permitted;
    IF permitted THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END
"""  # noqa: S608 - made of our own names
BODY_WHEN_ATTESTED = f"""
DECLARE
  found boolean;
  row_before jsonb := to_jsonb(OLD);
  row_after jsonb := to_jsonb(NEW);
BEGIN
  EXECUTE format(
    'SELECT EXISTS (SELECT FROM %1$I.assessments_attestation WHERE assessment_id IN ($1, $2)) AND NOT ($3 AND '
    'EXISTS (SELECT FROM %1$I.{PERMITS}))', TG_TABLE_SCHEMA
  ) INTO found USING (row_before ->> TG_ARGV[1])::bigint, (row_after ->> TG_ARGV[1])::bigint, TG_OP = 'DELETE';
  IF found THEN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
"""  # noqa: S608 - made of our own names
REFUSE_CHANGE = "assessments_refuse_change"
BODY_REFUSE_CHANGE = """
BEGIN
  IF to_jsonb(OLD) ->> TG_ARGV[1] IS DISTINCT FROM to_jsonb(NEW) ->> TG_ARGV[1] THEN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END
"""
REFUSE_EDITION = "assessments_refuse_edition"
# The content is JSON within a JSON string.
BODY_REFUSE_EDITION = """
DECLARE
  rested_on boolean;
BEGIN
  IF (OLD.edition_id, OLD.revision, OLD.digest, OLD.content)
     IS NOT DISTINCT FROM (NEW.edition_id, NEW.revision, NEW.digest, NEW.content) THEN
    RETURN NEW;
  END IF;
  EXECUTE format(
    'SELECT EXISTS (SELECT FROM %1$I.assessments_attestation JOIN %1$I.assessments_assessment '
    'ON assessments_assessment.id = assessment_id WHERE edition_id = $1)', TG_TABLE_SCHEMA
  ) INTO rested_on USING OLD.id;
  IF rested_on OR NOT coalesce(((OLD.content #>> '{}')::jsonb #>> '{sheet,provisional}')::boolean, false) THEN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END
"""
FUNCTIONS = {
    FUNCTION: BODY,
    WHEN_ATTESTED: BODY_WHEN_ATTESTED,
    REFUSE_CHANGE: BODY_REFUSE_CHANGE,
    REFUSE_EDITION: BODY_REFUSE_EDITION,
}


def expected(vendor: str, absent: frozenset[str] = frozenset()) -> dict[str, tuple[str, str]]:
    """Every trigger that should exist, by name: its table, and the SQL that creates it.

    The SQL is written exactly as the database returns it, so that the two can be compared. `absent` names columns
    that the migrations so far have not added; no trigger can name them.
    """
    make = _on_postgresql if vendor == "postgresql" else _on_sqlite
    triggers = {}
    for name, can_be_purged in FROZEN.items():
        table = apps.get_model("assessments", name)._meta.db_table
        refused = f"{table}: rows are never deleted" + (" without a purge permit" if can_be_purged else "")
        for suffix, (event, message) in {
            "unchanged": ("UPDATE", f"{table}: rows are never changed"),
            "kept": ("DELETE", refused),
            "whole": ("TRUNCATE", refused),
        }.items():
            permit = can_be_purged and event != "UPDATE"
            if sql := make(f"{table}_{suffix}", table, event, message, permit):
                triggers[f"{table}_{suffix}"] = (table, sql)
    for name, (column, events) in ATTESTED.items():
        table = apps.get_model("assessments", name)._meta.db_table
        for event in events:
            trigger, message = (
                f"{table}_attested_{event[:6].lower()}",
                f"{table}: attested rows are never changed",
            )
            event = _without(event, absent)  # noqa: PLW2901
            attested = _attested_on_postgresql if vendor == "postgresql" else _attested_on_sqlite
            triggers[trigger] = (table, attested(trigger, table, event, message, column))
    return triggers | _leant_on(vendor)


def _leant_on(vendor: str) -> dict[str, tuple[str, str]]:
    """The triggers on what frozen rows depend on.

    They protect an account's office, the mark that a self-check is deleted once it is attested, and the content of
    editions.
    """
    account, draft, edition = (
        "assessments_socialaccount",
        "assessments_assessment",
        "bulletin_publishededition",
    )
    moved = f"{account}: an account never moves to another office"
    deleted = f"{draft}: attested rows are never changed"
    replaced = f"{edition}: a published edition never changes"
    names = (f"{account}_office_kept", f"{draft}_attested_kept", f"{edition}_attested_kept")
    columns = "deleted_at, deleted_by_id"
    if vendor == "postgresql":
        make = "CREATE TRIGGER {} BEFORE UPDATE{} ON {} FOR EACH ROW EXECUTE FUNCTION {}({})"
        sql = (
            make.format(names[0], " OF office_id", account, REFUSE_CHANGE, f"'{moved}', 'office_id'"),
            make.format(names[1], f" OF {columns}", draft, WHEN_ATTESTED, f"'{deleted}', 'id'"),
            make.format(names[2], "", edition, REFUSE_EDITION, f"'{replaced}'"),
        )
    else:
        make = 'CREATE TRIGGER "{}" BEFORE UPDATE{} ON "{}" WHEN {} BEGIN SELECT RAISE(ABORT, \'{}\'); END'
        is_changed = " OR ".join(
            f"OLD.{name} IS NOT NEW.{name}" for name in ("edition_id", "revision", "digest", "content")
        )
        is_attested = "EXISTS (SELECT 1 FROM assessments_attestation WHERE assessment_id IN (OLD.id, NEW.id))"
        is_rested_on = (
            "EXISTS (SELECT 1 FROM assessments_attestation JOIN assessments_assessment "
            "ON assessments_assessment.id = assessment_id WHERE edition_id = OLD.id)"
        )
        is_final = "NOT coalesce(json_extract(json_extract(OLD.content, '$'), '$.sheet.provisional'), 0)"
        sql = (
            make.format(names[0], " OF office_id", account, "OLD.office_id IS NOT NEW.office_id", moved),
            make.format(names[1], f" OF {columns}", draft, is_attested, deleted),
            make.format(
                names[2], "", edition, f"({is_changed}) AND ({is_final} OR {is_rested_on})", replaced
            ),
        )
    return {
        name: (table, text) for name, table, text in zip(names, (account, draft, edition), sql, strict=True)
    }


def _without(event: str, absent: frozenset[str]) -> str:
    """An event such as `UPDATE OF account_id, election` without the columns that are absent."""
    what, of, columns = event.partition(" OF ")
    return what + of + ", ".join(column for column in columns.split(", ") if column not in absent)


def _attested_on_postgresql(name: str, table: str, event: str, message: str, column: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION {WHEN_ATTESTED}('{message}', '{column}')"
    )


def _attested_on_sqlite(name: str, table: str, event: str, message: str, column: str) -> str:
    rows = [
        row for row, events in (("OLD", "UPDATE DELETE"), ("NEW", "INSERT UPDATE")) if event[:6] in events
    ]
    ids = ", ".join(f"{row}.{column}" for row in rows)
    permit = f' AND NOT EXISTS (SELECT 1 FROM "{PERMITS}")' if event == "DELETE" else ""  # noqa: S608
    return (
        f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" '  # noqa: S608
        f"WHEN EXISTS (SELECT 1 FROM assessments_attestation WHERE assessment_id IN ({ids})){permit} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _on_postgresql(name: str, table: str, event: str, message: str, permit: bool) -> str:
    level = "STATEMENT" if event == "TRUNCATE" else "ROW"
    arguments = f"'{message}'" + (", 'permit'" if permit else "")
    return (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {level} "
        f"EXECUTE FUNCTION {FUNCTION}({arguments})"
    )


def _on_sqlite(name: str, table: str, event: str, message: str, permit: bool) -> str:
    if event == "TRUNCATE":
        return ""  # SQLite has no TRUNCATE
    unless = f' WHEN NOT EXISTS (SELECT 1 FROM "{PERMITS}")' if permit else ""  # noqa: S608
    return (
        f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}"{unless} '
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _present(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The SQL of each trigger in the database, by name; empty if it is turned off or calls other code."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            return dict(cursor.fetchall())
        cursor.execute(
            """
            SELECT tgname, pg_get_triggerdef(pg_trigger.oid, true), proname, prosrc, tgenabled IN ('O', 'A')
            FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_class ON pg_class.oid = tgrelid
            WHERE NOT tgisinternal AND pg_table_is_visible(pg_class.oid)
            """
        )
        return {
            name: sql if is_on and FUNCTIONS.get(function) == body else ""
            for name, sql, function, body, is_on in cursor.fetchall()
        }


def missing(connection: BaseDatabaseWrapper) -> dict[str, tuple[str, str]]:
    """The triggers that are missing or differ from what they should be, in the form of `expected`.

    A table that no migration has created yet needs no triggers.
    """
    present, tables = _present(connection), set(connection.introspection.table_names())
    return {
        name: (table, sql)
        for name, (table, sql) in expected(connection.vendor, _absent(connection, tables)).items()
        if {table, PERMITS, *((ATTESTATIONS,) if "_attested_" in name else ())} <= tables
        and present.get(name) != sql
    }


def _absent(connection: BaseDatabaseWrapper, tables: set[str]) -> frozenset[str]:
    """The columns of an assessment that no migration has added yet."""
    model = apps.get_model("assessments", "Assessment")
    if model._meta.db_table not in tables:
        return frozenset()
    with connection.cursor() as cursor:
        there = connection.introspection.get_table_description(cursor, model._meta.db_table)
    wanted = {str(field.column) for field in model._meta.fields}
    return frozenset(wanted - {column.name for column in there})


def install(*, using: str, **_: Any) -> None:
    """Create the triggers that are missing.

    It runs after each `migrate` and not in a migration, because on SQLite altering a table drops its triggers.
    """
    connection = connections[using]
    absent = missing(connection)
    if not absent:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for function, body in FUNCTIONS.items():
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
                )
        for name, (table, sql) in absent.items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + drop_from(connection, table))
            cursor.execute(sql)


def lift_for_migration(connection: BaseDatabaseWrapper) -> None:
    """Drop the trigger on editions before a migration; `install` puts it back at its end.

    SQLite refuses to replace a table, as most migrations do, while a trigger on another table names it.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS bulletin_publishededition_attested_kept")


def drop_from(connection: BaseDatabaseWrapper, table: str) -> str:
    """The clause that DROP TRIGGER needs after the trigger's name: on PostgreSQL its table, on SQLite nothing."""
    return f" ON {table}" if connection.vendor == "postgresql" else ""


def triggers_are_there(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """System check of the named databases: every trigger is in place, and no purge permit was left behind."""
    faults: list[checks.CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        faults += [
            checks.Error(
                f"The trigger {name} on {table} is missing, or is not as it should be: rows can be changed or "
                "deleted that must stay as they are.",
                hint="Run `manage.py migrate`, which puts it back.",
                id="assessments.E001",
            )
            for name, (table, _sql) in missing(connection).items()
        ]
        has_permits = PERMITS in connection.introspection.table_names()
        if has_permits and PurgePermit.objects.using(alias).exists():
            faults.append(
                checks.Error(
                    "A purge permit was left behind: anyone can delete rows that must stay.",
                    hint=f"Empty the table {PERMITS}, and find out who wrote to it.",
                    id="assessments.E002",
                )
            )
    return faults
