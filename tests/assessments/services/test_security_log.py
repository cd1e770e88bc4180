"""The security log's lines: exactly the fixed fields, and nothing that a person typed."""

import io
import json
import logging
import re
from pathlib import Path

import pytest

from assessments.oidc import claims
from assessments.services import security_log
from assessments.services.audit import current_address
from assessments.services.security_log import Event, Method, Reason, write
from assessments.services.sign_in_changes import RECORDED_AS, Change
from tests.cast import person

FIELDS = {
    "timestamp",
    "level",
    "logger",
    "event",
    "outcome",
    "person",
    "by",
    "address",
    "request",
    "method",
    "reason",
}
OPERATING = Path(__file__).resolve().parents[3] / "deploy" / "operating.md"


@pytest.fixture
def lines(monkeypatch, django_capture_on_commit_callbacks):
    """What the security log writes, parsed."""
    stream = io.StringIO()
    handler = next(h for h in logging.getLogger("portal").handlers if type(h) is logging.StreamHandler)
    monkeypatch.setattr(handler, "stream", stream)

    def read():
        parsed = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in parsed if line["logger"] == "portal.security"]

    return read


@pytest.mark.django_db
@pytest.mark.parametrize("event", Event)
def test_each_line_has_exactly_the_fixed_fields(lines, django_capture_on_commit_callbacks, event):
    with django_capture_on_commit_callbacks(execute=True):
        write(event, email="zq7@example.ca", method=Method.PASSWORD, reason=Reason.IDLE)
    (line,) = lines()
    assert set(line) == FIELDS
    assert line["event"] == event.value
    assert re.fullmatch("unknown-[0-9a-f]{16}", line["person"])
    assert "zq7" not in json.dumps(line)


@pytest.mark.django_db
def test_a_line_about_someone_has_their_key_and_the_requests_address(
    lines, django_capture_on_commit_callbacks
):
    member, administrator = person("member"), person("administrator")
    token = current_address.set("192.0.2.7")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            write(Event.SIGN_IN_SUSPENDED, person=member, by=administrator)
    finally:
        current_address.reset(token)
    (line,) = lines()
    assert (line["person"], line["by"]) == (str(member.pk), str(administrator.pk))
    assert (line["address"], line["outcome"], line["request"]) == ("192.0.2.7", "success", None)


def test_an_unknown_address_has_one_name_however_it_is_typed_and_another_key_gives_another(settings):
    first = security_log.key_of_address("Zq7@Example.ca ")
    assert first == security_log.key_of_address("zq7@example.ca")
    assert first != security_log.key_of_address("zq8@example.ca")
    settings.SECRET_KEY = "another key"
    assert first != security_log.key_of_address("zq7@example.ca")


def test_every_change_is_an_event_of_the_trail_and_of_the_log():
    assert set(RECORDED_AS) == set(Change)


def test_operators_can_read_what_every_field_event_method_and_reason_means():
    page = OPERATING.read_text(encoding="utf-8")
    section = page.partition("## The security log\n")[2].partition("\n## ")[0]
    rows = {
        name
        for row in re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    names = {*Event, *Method, *Reason, *claims.Reason, *FIELDS}
    assert rows == {str(name) for name in names}
