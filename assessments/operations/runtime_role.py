"""A PostgreSQL role for the running portal: it can read and write rows, but not change tables."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, transaction

from assessments.models.frozen import FROZEN

LOCKED = ("Attestation", "Share")
"""The frozen models whose rows services lock by `SELECT … FOR UPDATE`. That needs the right to update them; their
triggers still refuse any update."""
ROW_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
TABLE_RIGHTS = ("TRUNCATE", "TRIGGER")


class CannotGrant(Exception):
    """The role cannot be used for the portal; the message tells people why."""


def grant_runtime(role: str) -> int:
    """Give a role the rights that the running portal needs, and revoke all others; return the number of tables.

    The role owns nothing here and is no superuser, so it cannot alter, drop or truncate a table, or turn off a
    trigger. It cannot change rows of frozen tables either. Since the portal purges, the role can give itself a purge
    permit, and so delete on its own whatever a purge deletes, such as an attestation; audit events and the lists of
    exports it can never delete. Run this as the tables' owner after each `migrate`. Raises CannotGrant.
    """
    if connection.vendor != "postgresql":
        raise CannotGrant(
            "Only PostgreSQL has roles. A SQLite database belongs to the user who runs the portal."
        )
    with transaction.atomic(), connection.cursor() as cursor:
        oids = _roles_of(cursor, role)
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        rights = _rights({table for (table,) in cursor.fetchall()})
        try:
            _grant(cursor, role, schema, rights)
        except DatabaseError as error:
            reason = str(error).partition("\n")[0]
            raise CannotGrant(f"PostgreSQL refuses: {reason}. Run this as the tables' owner.") from error
        _check_rights(cursor, role, oids, schema, rights)
    return len(rights)


def _rights(tables: set[str]) -> dict[str, set[str]]:
    """What the portal may do with the rows of each table."""
    frozen = {name: apps.get_model("assessments", name)._meta.db_table for name in FROZEN}
    if not {*frozen.values(), "django_migrations"} <= tables:
        raise CannotGrant("Some tables are missing. Run migrate first.")
    rights = {table: set(ROW_RIGHTS) for table in tables} | {"django_migrations": {"SELECT"}}
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
        # Before PostgreSQL 15, every role may create tables and functions there.
        f"REVOKE CREATE ON SCHEMA {within} FROM PUBLIC, {to}",
        f"GRANT USAGE ON SCHEMA {within} TO {to}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {within} TO {to}",
        *(
            f"GRANT {', '.join(sorted(given))} ON {within}.{connection.ops.quote_name(table)} TO {to}"
            for table, given in rights.items()
        ),
    ):
        cursor.execute(sql)


# --- Roles that are refused -------------------------------------------------------------------

TOO_MIGHTY = {
    "can become a superuser, and so bypass the triggers": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(oids)s::oid[]) AND rolsuper"
    ),
    "can make itself a member of other roles": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(oids)s::oid[]) AND rolcreaterole"
    ),
    "can copy the whole server, as a replica does": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(oids)s::oid[]) AND rolreplication"
    ),
    "is a member of {}, which has rights to every table": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(oids)s::oid[]) AND rolname IN "
        "('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_write_all_data', "
        "'pg_create_subscription', 'pg_maintain')"
    ),
    # Objects of every kind: whoever drops a function drops the triggers that call it.
    "owns {}, or can become its owner": (
        "SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend "
        "JOIN pg_database ON datname = current_database() "
        "WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass AND refobjid = ANY (%(oids)s::oid[]) "
        "AND (dbid = pg_database.oid OR (classid = 'pg_database'::regclass AND objid = pg_database.oid)) "
        "ORDER BY 1"
    ),
    "can turn triggers off for its own session": (
        "SELECT rolname FROM pg_roles WHERE oid = ANY (%(oids)s::oid[]) "
        "AND has_parameter_privilege(oid, 'session_replication_role', 'SET')"
    ),
    "starts its sessions with triggers turned off": (
        "SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting "
        "WHERE setting ILIKE 'session_replication_role=replica' "
        "AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = %(role)s)) "
        "AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
    ),
}
"""Each way in which a role can get round the triggers, and the query that finds whether it can.

`oids` are those of the role and of every role that it can become by SET ROLE, since it has their rights. The
columns of a query's first row are put into the text."""
PARAMETERS = 150_000
"""The first version of PostgreSQL with rights on parameters."""


def _roles_of(cursor: Any, role: str) -> list[int]:
    """The oids of the role and of every role it can become. Raises CannotGrant if one can get round the triggers."""
    cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [role])
    if not cursor.fetchone()[0]:
        raise CannotGrant(
            f"The role {role} does not exist. Create it first: CREATE ROLE {role} LOGIN PASSWORD '…'"
        )
    cursor.execute("SELECT oid FROM pg_roles WHERE pg_has_role(%s, oid, 'MEMBER')", [role])
    oids = [oid for (oid,) in cursor.fetchall()]
    for fault, sql in TOO_MIGHTY.items():
        if "has_parameter_privilege" in sql and cursor.connection.server_version < PARAMETERS:
            continue
        cursor.execute(sql, {"role": role, "oids": oids})
        if row := cursor.fetchone():
            raise CannotGrant(f"{role} {fault.format(*row)}. Name another role.")
    return oids


# --- The rights after granting ----------------------------------------------------------------

ON_SCHEMA = """
SELECT has_schema_privilege(%(role)s, %(schema)s, 'USAGE'),
       EXISTS (SELECT FROM unnest(%(oids)s::oid[]) AS member WHERE has_schema_privilege(member, %(schema)s, 'CREATE'))
"""
# A right to a single column is already too much.
ON_TABLES = """
SELECT tablename, wanted, has_table_privilege(%(role)s, pg_class.oid, wanted),
       EXISTS (SELECT FROM unnest(%(oids)s::oid[]) AS member WHERE has_table_privilege(member, pg_class.oid, wanted)
               OR CASE WHEN wanted IN ('INSERT', 'UPDATE')
                  THEN has_any_column_privilege(member, pg_class.oid, wanted) END)
FROM pg_tables JOIN pg_class ON relname = tablename AND relnamespace = %(schema)s::regnamespace
     CROSS JOIN unnest(%(rights)s) AS wanted
WHERE schemaname = %(schema)s ORDER BY 1, 2
"""


def _check_rights(cursor: Any, role: str, oids: list[int], schema: str, rights: dict[str, set[str]]) -> None:
    """Check the result: PostgreSQL only warns where a right cannot be revoked or granted. Raises CannotGrant."""
    params = {"role": role, "oids": oids, "schema": schema, "rights": [*ROW_RIGHTS, *TABLE_RIGHTS]}
    cursor.execute(ON_SCHEMA, params)
    can_use, can_create = cursor.fetchone()
    if can_create:
        raise CannotGrant(
            f"{role} can still create tables and functions in the schema {schema}, because every role can, or one "
            f"that it can become. Ask the schema's owner to run: REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"
        )
    lacking = [] if can_use else [f"USAGE on the schema {schema}"]
    remaining = []
    cursor.execute(ON_TABLES, params)
    for table, right, role_has, member_has in cursor.fetchall():
        if right in rights[table] and not role_has:
            lacking.append(f"{right} on {table}")
        elif right not in rights[table] and member_has:
            remaining.append(f"{right} on {table}")
    if remaining:
        raise CannotGrant(
            f"{role} still has {', '.join(remaining)}, because every role has, or one that it can become. "
            "Revoke that first."
        )
    if lacking:
        raise CannotGrant(
            f"{role} lacks {', '.join(lacking)}. Run this as the owner of the tables and their schema."
        )
