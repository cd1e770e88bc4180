"""What deploy/ names is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
COMMANDS = get_commands()


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


def test_gunicorn_takes_its_settings_and_the_portal():
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--check-config",
            "--config",
            "deploy/gunicorn.conf.py",
            "config.wsgi",
        ],
        cwd=DEPLOY.parent,
        env=os.environ | {"SECRET_KEY": "long and random", "BIND": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_nginx_sets_every_header_that_the_portal_believes():
    text = (DEPLOY / "nginx.conf").read_text()
    for header in ("X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme", "X-Request-ID $request_id"):
        assert f"proxy_set_header {header};" in text
    assert text.count("{") == text.count("}")
