from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0014_frozen_names"),
    ]

    operations = [
        # Checks that are there already count as empty until their next save, or until they end within a day.
        migrations.AddField(
            model_name="anonymouscheck",
            name="size",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
