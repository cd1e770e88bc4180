"""A role of PostgreSQL for the running portal: it reads and writes rows, and can change no table."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection, transaction

from assessments.models.frozen import FROZEN

LOCKED = ("Attestation", "Share")
"""Frozen tables whose rows are locked by `SELECT … FOR UPDATE`, which asks for the right to change them; their
triggers refuse the change itself."""


class CannotGrant(Exception):
    """Why a role cannot be the portal's; the message is for people."""


def grant_runtime(role: str) -> int:
    """Give a role what the running portal needs, and take from it what it had beyond that; return how many tables.

    The role owns nothing here and is no superuser, so it cannot alter or drop a table, turn off a trigger or empty a
    table. Of frozen tables it cannot change rows either. Run it as the tables' owner, after each `migrate`. Raises
    CannotGrant.
    """
    if connection.vendor != "postgresql":
        raise CannotGrant("Only PostgreSQL has roles. SQLite's file belongs to whoever runs the portal.")
    quoted = connection.ops.quote_name(role)
    with transaction.atomic(), connection.cursor() as cursor:
        _refuse_what_is_no_runtime_role(cursor, role)
        cursor.execute("SELECT current_schema()")
        schema = connection.ops.quote_name(cursor.fetchone()[0])
        tables = connection.introspection.table_names(cursor)
        for sql in (
            f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {quoted}",
            # Before PostgreSQL 15 everybody may make tables and functions there.
            f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {quoted}",
            f"GRANT USAGE ON SCHEMA {schema} TO {quoted}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {quoted}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {quoted}",
            f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {quoted}",
        ):
            cursor.execute(sql)
        for name, can_be_purged in FROZEN.items():
            table = connection.ops.quote_name(apps.get_model("assessments", name)._meta.db_table)
            if name not in LOCKED:
                cursor.execute(f"REVOKE UPDATE ON {table} FROM {quoted}")
            if not can_be_purged:
                cursor.execute(f"REVOKE DELETE ON {table} FROM {quoted}")
    return len(tables)


BEYOND = {
    "can become a superuser, whom no trigger stops": (
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolsuper AND pg_has_role(%(role)s, oid, 'MEMBER'))"
    ),
    "can make itself a member of other roles": "SELECT rolcreaterole FROM pg_roles WHERE rolname = %(role)s",
    "owns tables of the portal, or can become who does": (
        "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() "
        "AND pg_has_role(%(role)s, tableowner, 'MEMBER'))"
    ),
    "owns the schema or the database, or can become who does": (
        "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = current_schema() "
        "AND pg_has_role(%(role)s, nspowner, 'MEMBER')) OR EXISTS (SELECT FROM pg_database "
        "WHERE datname = current_database() AND pg_has_role(%(role)s, datdba, 'MEMBER'))"
    ),
    "can turn triggers off for its own session": (
        "SELECT has_parameter_privilege(%(role)s, 'session_replication_role', 'SET')"
    ),
}
"""What lets a role get round the triggers, and how PostgreSQL tells. The last is there from version 15 on."""
PARAMETERS = 150_000


def _refuse_what_is_no_runtime_role(cursor: Any, role: str) -> None:
    cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [role])
    if not cursor.fetchone()[0]:
        raise CannotGrant(f"There is no role {role}. Make it first: CREATE ROLE {role} LOGIN PASSWORD '…'")
    for says, sql in BEYOND.items():
        if "has_parameter_privilege" in sql and cursor.connection.server_version < PARAMETERS:
            continue
        cursor.execute(sql, {"role": role})
        if cursor.fetchone()[0]:
            raise CannotGrant(f"{role} {says}. Name another role.")
