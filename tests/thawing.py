"""Frozen tables without their triggers, as someone would make them who has the database to themselves."""

from django.db import connection

from assessments.models import frozen


def thaw() -> None:
    """Drop every trigger of the frozen tables."""
    with connection.cursor() as cursor:
        for name, (table, _) in frozen.expected(connection.vendor).items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{frozen.drop_from(connection, table)}")
