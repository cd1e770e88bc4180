"""What deploy/ names is there."""

import re
import runpy
from pathlib import Path

import pytest
from django.core.management import get_commands

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
# The worker's command comes from the app of tasks, where workers are in use.
COMMANDS = {*get_commands(), "db_worker"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_command_of_a_unit_is_one_of_ours(unit):
    for command in re.findall(r"manage\.py (\w+)", unit.read_text()):
        assert command in COMMANDS


def test_every_timer_has_its_service_and_the_other_way_round():
    names = {unit.name for unit in UNITS}
    timers = {unit.stem for unit in UNITS if unit.suffix == ".timer"}
    assert {f"{name}.service" for name in timers} <= names
    assert {"send_notices", "purge_expired", "send_reminders", "backup"} <= {
        command for unit in UNITS for command in re.findall(r"manage\.py (\w+)", unit.read_text())
    }


def test_gunicorns_settings_are_ones_that_it_knows(monkeypatch):
    from gunicorn.config import Config  # noqa: PLC0415

    monkeypatch.delenv("BIND", raising=False)
    known = Config().settings
    told = runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))
    ours = {name for name in told if not name.startswith("_") and name not in ("os", "multiprocessing")}
    assert ours <= known.keys()
    assert told["worker_class"] == "gthread"


def test_nginx_sets_every_header_that_the_portal_believes():
    text = (DEPLOY / "nginx.conf").read_text()
    for header in ("X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme", "X-Request-ID $request_id"):
        assert f"proxy_set_header {header};" in text
    assert text.count("{") == text.count("}")
