"""A role of PostgreSQL for the running portal: it reads and writes rows, and can change no table."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, transaction

from assessments.models.frozen import FROZEN

LOCKED = ("Attestation", "Share")
"""Frozen tables whose rows are locked by `SELECT … FOR UPDATE`, which asks for the right to change them; their
triggers refuse the change itself."""
OF_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
OF_TABLES = ("TRUNCATE", "TRIGGER")


class CannotGrant(Exception):
    """Why a role cannot be the portal's; the message is for people."""


def grant_runtime(role: str) -> int:
    """Give a role what the running portal needs, and take from it what it had beyond that; return how many tables.

    The role owns nothing here and is no superuser, so it cannot alter or drop a table, turn off a trigger or empty a
    table. Of frozen tables it cannot change rows either. It purges, and so can give itself a purge permit: what a
    purge deletes, such as an attestation, it can delete unasked. Audit events and the lists of exports it cannot.
    Run it as the tables' owner, after each `migrate`. Raises CannotGrant.
    """
    if connection.vendor != "postgresql":
        raise CannotGrant("Only PostgreSQL has roles. SQLite's file belongs to whoever runs the portal.")
    with transaction.atomic(), connection.cursor() as cursor:
        its = _roles_of(cursor, role)
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        rights = _rights({table for (table,) in cursor.fetchall()})
        try:
            _grant(cursor, role, schema, rights)
        except DatabaseError as error:
            said = str(error).partition("\n")[0]
            raise CannotGrant(f"PostgreSQL refuses: {said}. Run this as the tables' owner.") from error
        _refuse_what_remains(cursor, role, its, schema, rights)
    return len(rights)


def _rights(tables: set[str]) -> dict[str, set[str]]:
    """What the portal may do with the rows of each table."""
    frozen = {name: apps.get_model("assessments", name)._meta.db_table for name in FROZEN}
    if not {*frozen.values(), "django_migrations"} <= tables:
        raise CannotGrant("Not all tables are there yet. Run migrate first.")
    rights = {table: set(OF_ROWS) for table in tables} | {"django_migrations": {"SELECT"}}
    for name, can_be_purged in FROZEN.items():
        if name not in LOCKED:
            rights[frozen[name]].discard("UPDATE")
        if not can_be_purged:
            rights[frozen[name]].discard("DELETE")
    return rights


def _grant(cursor: Any, role: str, schema: str, rights: dict[str, set[str]]) -> None:
    to, within = (connection.ops.quote_name(name) for name in (role, schema))
    for sql in (
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {within} FROM {to}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {within} FROM {to}",
        # Before PostgreSQL 15 everybody may make tables and functions there.
        f"REVOKE CREATE ON SCHEMA {within} FROM PUBLIC, {to}",
        f"GRANT USAGE ON SCHEMA {within} TO {to}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {within} TO {to}",
        *(
            f"GRANT {', '.join(sorted(given))} ON {within}.{connection.ops.quote_name(table)} TO {to}"
            for table, given in rights.items()
        ),
    ):
        cursor.execute(sql)


# --- Who is none ------------------------------------------------------------------------------

BEYOND = {
    "can become a superuser, whom no trigger stops": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(its)s::oid[]) AND rolsuper"
    ),
    "can make itself a member of other roles": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(its)s::oid[]) AND rolcreaterole"
    ),
    "can copy the whole server, as a replica does": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(its)s::oid[]) AND rolreplication"
    ),
    "is a member of {}, whose rights stop at no table": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(its)s::oid[]) AND rolname IN "
        "('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_write_all_data', "
        "'pg_create_subscription', 'pg_maintain')"
    ),
    # Of all kinds: whoever drops a function drops the triggers that call it.
    "owns {}, or can become who does": (
        "SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend "
        "JOIN pg_database ON datname = current_database() "
        "WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass AND refobjid = ANY (%(its)s::oid[]) "
        "AND (dbid = pg_database.oid OR (classid = 'pg_database'::regclass AND objid = pg_database.oid)) "
        "ORDER BY 1"
    ),
    "can turn triggers off for its own session": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(its)s::oid[]) "
        "AND has_parameter_privilege(oid, 'session_replication_role', 'SET')"
    ),
    "begins its sessions with triggers turned off": (
        "SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting "
        "WHERE setting ILIKE 'session_replication_role=replica' "
        "AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = %(role)s)) "
        "AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
    ),
}
"""What lets a role get round the triggers, and a query that finds by what.

`its` are the role and each that a session of its can become by SET ROLE: what those can do, it can."""
PARAMETERS = 150_000
"""The version of PostgreSQL from which on there are rights on parameters."""


def _roles_of(cursor: Any, role: str) -> list[int]:
    """The role and each that it can become. Raises CannotGrant where one of them is too mighty."""
    cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [role])
    if not cursor.fetchone()[0]:
        raise CannotGrant(f"There is no role {role}. Make it first: CREATE ROLE {role} LOGIN PASSWORD '…'")
    cursor.execute("SELECT oid FROM pg_roles WHERE pg_has_role(%s, oid, 'MEMBER')", [role])
    its = [oid for (oid,) in cursor.fetchall()]
    for says, sql in BEYOND.items():
        if "has_parameter_privilege" in sql and cursor.connection.server_version < PARAMETERS:
            continue
        cursor.execute(sql, {"role": role, "its": its})
        if found := cursor.fetchone():
            raise CannotGrant(f"{role} {says.format(*found)}. Name another role.")
    return its


# --- What it can do now -----------------------------------------------------------------------

ON_SCHEMA = """
SELECT has_schema_privilege(%(role)s, %(schema)s, 'USAGE'),
       EXISTS (SELECT FROM unnest(%(its)s::oid[]) AS one WHERE has_schema_privilege(one, %(schema)s, 'CREATE'))
"""
# A right on one column is one too many.
ON_TABLES = """
SELECT tablename, wanted, has_table_privilege(%(role)s, pg_class.oid, wanted),
       EXISTS (SELECT FROM unnest(%(its)s::oid[]) AS one WHERE has_table_privilege(one, pg_class.oid, wanted)
               OR CASE WHEN wanted IN ('INSERT', 'UPDATE')
                  THEN has_any_column_privilege(one, pg_class.oid, wanted) END)
FROM pg_tables JOIN pg_class ON relname = tablename AND relnamespace = %(schema)s::regnamespace
     CROSS JOIN unnest(%(rights)s) AS wanted
WHERE schemaname = %(schema)s ORDER BY 1, 2
"""


def _refuse_what_remains(
    cursor: Any, role: str, its: list[int], schema: str, rights: dict[str, set[str]]
) -> None:
    """Look at what came of it: PostgreSQL only warns of a right that one cannot take away, or cannot give."""
    named = {"role": role, "its": its, "schema": schema, "rights": [*OF_ROWS, *OF_TABLES]}
    cursor.execute(ON_SCHEMA, named)
    can_use, can_make = cursor.fetchone()
    if can_make:
        raise CannotGrant(
            f"{role} can still make tables and functions in the schema {schema}: everybody can, or a role that it "
            f"can become. Have the schema's owner run: REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"
        )
    lacks = [] if can_use else [f"USAGE on the schema {schema}"]
    remains = []
    cursor.execute(ON_TABLES, named)
    for table, right, itself, by_any in cursor.fetchall():
        if right in rights[table] and not itself:
            lacks.append(f"{right} on {table}")
        elif right not in rights[table] and by_any:
            remains.append(f"{right} on {table}")
    if remains:
        raise CannotGrant(
            f"{role} still has {', '.join(remains)}: everybody has, or a role that it can become. "
            "Take that away first."
        )
    if lacks:
        raise CannotGrant(
            f"{role} lacks {', '.join(lacks)}. Run this as the owner of the tables and their schema."
        )
