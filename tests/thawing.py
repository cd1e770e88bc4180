"""Removes the triggers of the frozen tables, as someone with full access to the database could."""

from django.db import connection

from assessments.models import frozen


def thaw() -> None:
    """Drop every trigger of the frozen tables."""
    with connection.cursor() as cursor:
        for name, (table, _) in frozen.expected(connection.vendor).items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{frozen.drop_from(connection, table)}")
