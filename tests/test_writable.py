"""Each form writes only the fields that it is for (tests/cases/writable.yaml)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from assessments.models import User
from assessments.views.workspace import DRAFT
from tests.tables import table
from tests.test_permissions import (
    ROW,
    address_of,
    browser,  # noqa: F401  # fixtures
    expected,
    module_pks,  # noqa: F401
    pks,  # noqa: F401
    sent_by,
)

WRITABLE: dict[str, list[str]] = table("writable.yaml")
SENDERS = ("member", "administrator", "with_check", "anonymous")
"""Each form is sent by the first of these who is redirected by it, or else by the first who gets a page."""
OURS = [model for app in ("assessments", "bulletin") for model in apps.get_app_config(app).get_models()]
FORGED = {
    models.CharField: "forged",
    models.TextField: "forged",
    models.EmailField: "forged@example.ca",
    models.URLField: "https://forged.example.ca/",
    models.JSONField: '"forged"',
    models.BooleanField: "on",
    models.DateField: "2001-02-03",
    models.DateTimeField: "2001-02-03 04:05:06",
}
NUMBER = "9876"


def sender(address: str) -> str | None:
    for status in (302, 200):
        for person in SENDERS:
            if expected(ROW[address], person)["POST"] == status:
                return person
    return None


POSTED = {address: person for address in ROW if (person := sender(address))}


def forged(stranger: User) -> dict[str, str]:
    """Every field of every model, by its name and by its column, with a value that no record here has."""
    fields = [field for model in OURS for field in model._meta.concrete_fields]
    values: dict[str, str] = {}
    for field in fields:
        by_kind = (value for kind, value in FORGED.items() if type(field) is kind)
        value = str(stranger.pk) if field.related_model is User else next(by_kind, NUMBER)
        # Of fields that share a name, the first counts.
        values = {field.name: value, field.attname: value} | values
    # A questionnaire's form names its draft by this, and is given back if it is another draft's.
    return {name: value for name, value in values.items() if name != DRAFT}


def rows() -> dict[tuple[str, Any], dict[str, Any]]:
    return {
        (model.__name__, row[model._meta.pk.attname]): row
        for model in OURS
        for row in model._default_manager.order_by().values()
    }


DEFAULTS = {
    model.__name__: {field.attname: field.get_default() for field in model._meta.concrete_fields}
    for model in OURS
}
"""What a new row has by default, without a form."""


def written(before: dict[Any, Any], after: dict[Any, Any], forms: dict[str, Any]) -> Iterator[str]:
    """The fields that a request wrote with values that it sent, under the fields' names or the form's."""
    meant = {str(value) for value in forms["sent"].values() if len(str(value)) > 2}
    posted = forms["forged"] | forms["sent"]
    for (model, pk), row in after.items():
        was = before.get((model, pk), DEFAULTS[model])
        for name, value in row.items():
            named = {posted.get(name), posted.get(name.removesuffix("_id"))}
            # `on` becomes True, and the text of a time is cut to seconds.
            texts = {"on"} if value is True else {str(value), str(value)[:19]}
            if texts & (named | meant) and was[name] != value:
                yield f"{model}.{name}"


@pytest.mark.parametrize("address", POSTED)
def test_a_form_writes_what_the_table_names_and_nothing_else(cast, pks, browser, address):  # noqa: F811
    client = browser(POSTED[address], fresh=ROW[address].get("fresh", False))
    forms = {"sent": sent_by(ROW[address]), "forged": forged(cast.stranger)}
    before = rows()
    client.post(address_of(ROW[address], pks), forms["forged"] | forms["sent"])
    assert sorted(set(written(before, rows(), forms))) == sorted(WRITABLE.get(address, []))


def test_the_table_names_addresses_that_take_a_form():
    assert WRITABLE.keys() <= POSTED.keys()
