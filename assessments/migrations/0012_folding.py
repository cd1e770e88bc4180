from typing import Any

from django.db import migrations, models
from django.db.models import Q

from assessments.typed.folding import searchable
from assessments.typed.handles import account_key


def compare_by_folded_names(apps: Any, _: Any) -> None:
    """Give each account the key of its name, but keep what has a name twice already: the first one has the key.

    The current functions are used: whoever changes them later migrates again.
    """
    taken = set()
    model = apps.get_model("assessments", "SocialAccount")
    for account in model.objects.order_by("pk"):
        key = account.office_id, account_key(account.platform, account.handle)
        if key not in taken:
            taken.add(key)
            model.objects.filter(pk=account.pk).update(name_key=key[1])


def search_by_folded_words(apps: Any, _: Any) -> None:
    """Fold the words of the desk's rows again. They are folded less already, which makes no difference."""
    model = apps.get_model("assessments", "DeskEntry")
    for entry in model.objects.filter(withdrawn_at__isnull=True).only("words", "account_words").iterator():
        model.objects.filter(pk=entry.pk).update(
            words=searchable(entry.words), account_words=searchable(entry.account_words)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0011_election_dates"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="socialaccount", name="account_once_per_office"),
        migrations.AddField(
            model_name="socialaccount",
            name="name_key",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="The name as it is compared. Empty if another account had the name before names were compared so.",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(compare_by_folded_names, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(search_by_folded_words, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name="socialaccount",
            constraint=models.UniqueConstraint(
                fields=["office", "name_key"], condition=~Q(name_key=""), name="account_once_per_office"
            ),
        ),
    ]
