from typing import Any

from django.db import migrations


def end_all(apps: Any, _: Any) -> None:
    """Delete the sessions of before: nothing could read them, and what they hold is not encrypted."""
    apps.get_model("sessions", "Session").objects.all().delete()
    apps.get_model("usersessions", "UserSession").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0024_role_words"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(end_all, migrations.RunPython.noop, elidable=True)]
