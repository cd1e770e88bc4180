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
    "Assessment": ("id", ("UPDATE OF account_id, edition_id, election, voting_day, campaign_ends", "DELETE")),
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
  IF TG_OP = 'UPDATE' AND (OLD.edition_id, OLD.revision, OLD.digest, OLD.content)
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
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
"""
KEEP_ACCOUNT = "assessments_keep_account"
BODY_KEEP_ACCOUNT = """
DECLARE
  rested_on boolean;
BEGIN
  EXECUTE format(
    'SELECT EXISTS (SELECT FROM %1$I.assessments_attestation JOIN %1$I.assessments_assessment '
    'ON assessments_assessment.id = assessment_id WHERE account_id = $1)', TG_TABLE_SCHEMA
  ) INTO rested_on USING OLD.id;
  IF rested_on THEN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN OLD;
END
"""
FUNCTIONS = {
    FUNCTION: BODY,
    WHEN_ATTESTED: BODY_WHEN_ATTESTED,
    REFUSE_CHANGE: BODY_REFUSE_CHANGE,
    REFUSE_EDITION: BODY_REFUSE_EDITION,
    KEEP_ACCOUNT: BODY_KEEP_ACCOUNT,
}


def expected(vendor: str, absent: frozenset[str] = frozenset()) -> dict[str, tuple[str, str]]:
    """Every trigger that should exist, by name: its table, and the SQL that creates it.

    The SQL is written exactly as the database returns it, so that the two can be compared. `absent` names columns
    that the migrations so far have not added, as `table.column`; no trigger can name them.
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
            event = _without(table, event, absent)  # noqa: PLW2901
            attested = _attested_on_postgresql if vendor == "postgresql" else _attested_on_sqlite
            triggers[trigger] = (table, attested(trigger, table, event, message, column))
    triggers |= _leant_on(vendor)
    return triggers | _not_replaced(absent) if vendor == "sqlite" else triggers


ACCOUNT, DRAFT, EDITION = "assessments_socialaccount", "assessments_assessment", "bulletin_publishededition"
MOVED = f"{ACCOUNT}: an account never moves to another office"
CHANGED = f"{DRAFT}: attested rows are never changed"
REPUBLISHED = f"{EDITION}: a published edition never changes"
# Conditions on SQLite. The first is left open for the keys of assessments; OLD or another row is put into the others.
IS_ATTESTED = "EXISTS (SELECT 1 FROM assessments_attestation WHERE assessment_id"
RESTED_ON = (
    "EXISTS (SELECT 1 FROM assessments_attestation JOIN assessments_assessment AS rests "
    "ON rests.id = assessment_id WHERE rests.{} = {}.id)"
)
EDITION_IS_LEANT_ON = (
    "NOT coalesce(json_extract(json_extract({0}.content, '$'), '$.sheet.provisional'), 0) OR "
    + RESTED_ON.format("edition_id", "{0}")
)


def _leant_on(vendor: str) -> dict[str, tuple[str, str]]:
    """The triggers on what frozen rows depend on.

    They protect an account's office, the mark that a self-check is deleted once it is attested, and the content of
    editions. Accounts and editions that frozen rows depend on are not deleted: they could come back with other
    values.
    """
    names = (
        (f"{ACCOUNT}_office_kept", ACCOUNT),
        (f"{ACCOUNT}_attested_delete", ACCOUNT),
        (f"{DRAFT}_attested_kept", DRAFT),
        (f"{EDITION}_attested_kept", EDITION),
        (f"{EDITION}_attested_delete", EDITION),
    )
    marked = "UPDATE OF deleted_at, deleted_by_id"
    if vendor == "postgresql":
        make = "CREATE TRIGGER {} BEFORE {} ON {} FOR EACH ROW EXECUTE FUNCTION {}({})"
        parts = (
            ("UPDATE OF office_id", REFUSE_CHANGE, f"'{MOVED}', 'office_id'"),
            ("DELETE", KEEP_ACCOUNT, f"'{MOVED}'"),
            (marked, WHEN_ATTESTED, f"'{CHANGED}', 'id'"),
            ("UPDATE", REFUSE_EDITION, f"'{REPUBLISHED}'"),
            ("DELETE", REFUSE_EDITION, f"'{REPUBLISHED}'"),
        )
        return {
            name: (table, make.format(name, event, table, function, arguments))
            for (name, table), (event, function, arguments) in zip(names, parts, strict=True)
        }
    is_changed = " OR ".join(
        f"OLD.{name} IS NOT NEW.{name}" for name in ("edition_id", "revision", "digest", "content")
    )
    is_leant_on = EDITION_IS_LEANT_ON.format("OLD")
    parts = (
        ("UPDATE OF office_id", "OLD.office_id IS NOT NEW.office_id", MOVED),
        ("DELETE", RESTED_ON.format("account_id", "OLD"), MOVED),
        (marked, f"{IS_ATTESTED} IN (OLD.id, NEW.id))", CHANGED),
        ("UPDATE", f"({is_changed}) AND ({is_leant_on})", REPUBLISHED),
        ("DELETE", is_leant_on, REPUBLISHED),
    )
    return {
        name: (table, _refusing(name, event, table, condition, message))
        for (name, table), (event, condition, message) in zip(names, parts, strict=True)
    }


def _refusing(name: str, event: str, table: str, condition: str, message: str) -> str:
    """The SQL of a trigger on SQLite that refuses a statement where a condition holds."""
    return (
        f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" WHEN {condition} '
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _not_replaced(absent: frozenset[str]) -> dict[str, tuple[str, str]]:
    """The triggers on SQLite against statements that replace rows, such as INSERT OR REPLACE.

    Such a statement deletes every row with the same key or the same unique values. It runs the triggers for deleting
    only on connections with `recursive_triggers`, which other programs do not turn on.
    """
    frozen = {apps.get_model("assessments", name): "" for name in FROZEN}
    others = {
        apps.get_model("assessments", "Answer"): f"{IS_ATTESTED} = kept.draft_id)",
        apps.get_model("assessments", "Assessment"): f"{IS_ATTESTED} = kept.id)",
        apps.get_model("assessments", "SocialAccount"): "",
        apps.get_model("bulletin", "PublishedEdition"): f"({EDITION_IS_LEANT_ON.format('kept')})",
    }
    triggers = {}
    for model, condition in (frozen | others).items():
        table, pk = model._meta.db_table, model._meta.pk.column
        keys = [key for key in _keys(model) if not absent & {f"{table}.{column}" for column in key}]
        same = " OR ".join(_same(key) for key in keys)
        columns = ", ".join(dict.fromkeys(column for key in keys for column in key))
        events = {"replaced": ("INSERT", "")}
        if model in others:
            events["replaced_by_update"] = (f"UPDATE OF {columns}", f" AND kept.{pk} IS NOT OLD.{pk}")
        for suffix, (event, another) in events.items():
            name = f"{table}_attested_{suffix}" if condition else f"{table}_{suffix}"
            where = f"({same}){another}" + (f" AND {condition}" if condition else "")
            exists = f'EXISTS (SELECT 1 FROM "{table}" AS kept WHERE {where})'  # noqa: S608
            triggers[name] = (
                table,
                _refusing(name, event, table, exists, f"{table}: rows are never replaced"),
            )
    return triggers


def _keys(model: type[models.Model]) -> list[tuple[str, ...]]:
    """The columns, or groups of columns, that have each value in one row of a model's table only."""
    columns = {field.name: str(field.column) for field in model._meta.concrete_fields}
    unique = [c for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
    return [
        *((str(field.column),) for field in model._meta.concrete_fields if field.unique),
        *(tuple(columns[name] for name in constraint.fields) for constraint in unique),
    ]


def _same(key: tuple[str, ...]) -> str:
    """The condition that two rows have the same key, under the conditions of the constraints above.

    The portal's events have no office, and an account's empty name is compared with none.
    """
    if key == ("number",):
        return "(kept.number = NEW.number AND kept.office_id IS NULL AND NEW.office_id IS NULL)"
    same = " AND ".join(f"kept.{column} = NEW.{column}" for column in key)
    return f"({same} AND kept.name_key <> '')" if "name_key" in key else f"({same})"


def _without(table: str, event: str, absent: frozenset[str]) -> str:
    """An event such as `UPDATE OF account_id, election` without the columns that are absent."""
    what, of, columns = event.partition(" OF ")
    return what + of + ", ".join(name for name in columns.split(", ") if f"{table}.{name}" not in absent)


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
    """The columns that no migration has added yet and that triggers name, as `table.column`."""
    names = ["Assessment"] if connection.vendor == "postgresql" else [*FROZEN, *ATTESTED, "SocialAccount"]
    absent: set[str] = set()
    for model in (apps.get_model("assessments", name) for name in names):
        table = model._meta.db_table
        if table not in tables:
            continue
        with connection.cursor() as cursor:
            there = {c.name for c in connection.introspection.get_table_description(cursor, table)}
        absent |= {
            f"{table}.{field.column}" for field in model._meta.concrete_fields if field.column not in there
        }
    return frozenset(absent)


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
    """Drop the triggers on accounts and editions before a migration; `install` puts them back at its end.

    SQLite refuses to replace a table, as most migrations do, while a trigger on another table names it.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name, (table, _) in expected(connection.vendor).items():
                if table in (ACCOUNT, EDITION):
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


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
                f"The trigger {name} on {table} is missing or was changed. Rows that must stay as they are can "
                "be changed or deleted.",
                hint="Run `manage.py migrate`, which restores it.",
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
