"""Changing the audit trail's list of actions on a portal that is in use.

Events are never removed from the trail, so the wider list stays when a migration is reversed. When an earlier migration
is then applied again, it does not add its narrower list if events of later actions exist. A later migration adds the
widest list.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


class AddWider(migrations.AddConstraint):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        rows = model.objects.using(schema_editor.connection.alias)
        condition: Any = self.constraint.condition  # type: ignore[attr-defined]  # a CheckConstraint
        if not rows.exclude(condition).exists():
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"{self.constraint.create_sql(model, schema_editor)} NOT VALID")

    def database_backwards(self, *_: Any) -> None:
        pass


class RemoveNarrower(migrations.RemoveConstraint):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        connection = schema_editor.connection
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        with connection.cursor() as cursor:
            exists = self.name in connection.introspection.get_constraints(cursor, table)
        if exists:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, *_: Any) -> None:
        pass
