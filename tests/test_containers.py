"""The Dockerfile and compose.yaml name what exists, and agree with deploy/README.md and deploy/systemd."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from ruamel.yaml import YAML

from assessments.pdf.fonts import SYSTEM_PACKAGES
from deploy import timers
from deploy.timers import NotUnderstood, Runner, Timer, read_timers
from tests.test_deploy import NGINX, certificate, needs_nginx, portal, wait_until  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {
    name: service for name, service in SERVICES.items() if service["image"].startswith("self-check-portal:")
}
STEPS = (ROOT / "deploy/README.md").read_text()
OWNER = "10001"
"""The user and the group of the portal in its containers."""


# --- The Dockerfile ---------------------------------------------------------------


def instructions(stage: str, kind: str) -> list[str]:
    """What the instructions of one kind say, in the stage of that name."""
    (text,) = re.findall(rf"^FROM \S+ AS {stage}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    whole = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [line.removeprefix(f"{kind} ") for line in whole.splitlines() if line.startswith(f"{kind} ")]


def allowed() -> list[str]:
    """What a build may read."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    return [rule.removeprefix("!") for rule in rules if rule.startswith("!")]


def test_a_build_reads_only_what_is_there_and_nothing_private():
    private = {"var", "secrets", "tls", "backups", "acme", ".env", ".git", ".venv", "tests", "tools"}
    assert all((ROOT / name).exists() for name in allowed())
    assert not private & set(allowed())
    for stage in ("build", "proxy"):
        for copied in instructions(stage, "COPY"):
            name = copied.split()[0]
            assert name == "." or name.split("/")[0] in allowed(), name
            assert (ROOT / name).exists(), name


def test_the_portal_has_in_its_image_each_file_of_ours_that_it_opens():
    # A backup names the version in it.
    read = set(
        re.findall(
            r'BASE_DIR / "([\w.]+)"',
            " ".join(path.read_text() for path in (ROOT / "assessments").rglob("*.py")),
        )
    )
    assert "pyproject.toml" in read
    assert read <= set(allowed())


def test_the_image_has_the_packages_that_printing_and_backups_need():
    (install,) = [line for line in instructions("portal", "RUN") if "apt-get install" in line]
    assert {*SYSTEM_PACKAGES.split(), "postgresql-client"} <= set(install.split())


def test_every_image_runs_as_the_portal_and_not_as_root():
    assert f"useradd --uid {OWNER} --gid portal" in DOCKERFILE
    assert f"groupadd --gid {OWNER} portal" in DOCKERFILE
    assert f"portal={OWNER}\n" in (ROOT / "deploy/containers/prepare.sh").read_text()
    for stage in ("portal", "proxy"):
        assert instructions(stage, "USER") == [f"{OWNER}:{OWNER}"]


def test_the_images_have_the_version_of_the_project():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r'org.opencontainers.image.version="(.+)"', DOCKERFILE) == [version, version]
    tags = {service["image"] for service in SERVICES.values() if "build" in service}
    assert tags == {f"self-check-portal:{version}", f"self-check-portal-proxy:{version}"}


def test_every_stage_is_built_on_one_exact_release():
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert len(bases) == 1
    assert re.fullmatch(r"debian:\d+\.\d+-slim", bases.pop())


def test_the_image_starts_gunicorn_as_the_unit_does():
    (unit,) = re.findall(
        r"ExecStart=\S+/(gunicorn .+)", (ROOT / "deploy/systemd/portal-web.service").read_text()
    )
    (command,) = instructions("portal", "CMD")
    assert json.loads(command) == unit.split()


# --- compose.yaml -----------------------------------------------------------------


def commands_of(service: dict[str, Any]) -> list[list[str]]:
    """The commands that a service runs, one of which may be a script."""
    command = service.get("command", [])
    if command[:2] == ["sh", "-ec"]:
        return [shlex.split(line) for line in command[2].splitlines()]
    return [command]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_has_rights_or_writes_to_its_image(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]


def test_only_nginx_can_be_reached_and_it_is_in_no_network_of_the_portal():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    others = {
        network for name, service in SERVICES.items() if name != "proxy" for network in service["networks"]
    }
    assert not others & set(SERVICES["proxy"]["networks"])
    assert SERVICES["db"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"] == {"internal": True}
    # It talks to the portal through this folder.
    for name in ("proxy", "web"):
        assert "web:/run/portal" in SERVICES[name]["volumes"]


def test_every_command_of_a_service_is_there():
    run = [command for service in OURS.values() for command in commands_of(service) if command]
    assert len(run) >= 7
    for program, file, *arguments in run:
        assert program == "python"
        assert (ROOT / file).exists()
        assert file != "manage.py" or arguments[0] in get_commands()


def test_before_the_start_the_owner_runs_the_commands_of_the_steps():
    (steps,) = re.findall(r"^(manage check --deploy.*?)^```", STEPS, re.MULTILINE | re.DOTALL)
    by_hand = [line.split("#")[0].split()[1:] for line in steps.splitlines()]
    by_setup = [
        [part for part in command[2:] if part != "--noinput"] for command in commands_of(SERVICES["setup"])
    ]
    assert [*by_setup, ["createsuperuser"]] == by_hand
    assert SERVICES["setup"]["environment"]["DATABASE_URL_FILE"] == "/run/secrets/owner_url"
    for name in ("web", "worker", "timers"):
        assert SERVICES[name]["depends_on"]["setup"] == {"condition": "service_completed_successfully"}
        assert "owner_url" not in SERVICES[name]["secrets"]


def test_every_setting_of_a_service_is_one_of_the_portal():
    settings = (ROOT / "config/settings.py").read_text()
    for service in OURS.values():
        for name in service["environment"]:
            assert re.search(rf"^{name.removesuffix('_FILE')}  ", settings, re.MULTILINE), name


def test_a_service_reads_each_secret_that_its_settings_name():
    for service in OURS.values():
        files = {value for name, value in service["environment"].items() if name.endswith("_FILE")}
        assert files == {f"/run/secrets/{name}" for name in service["secrets"]}


def test_services_wait_for_work_in_progress_as_long_as_the_units_do():
    for service, unit in (("web", "portal-web"), ("worker", "portal-worker@")):
        (seconds,) = re.findall(
            r"TimeoutStopSec=(\d+)", (ROOT / f"deploy/systemd/{unit}.service").read_text()
        )
        assert SERVICES[service]["stop_grace_period"] == f"{seconds}s"


def test_the_database_gets_the_roles_of_the_steps():
    def statements(text: str) -> list[str]:
        return re.findall(r"^CREATE [^;]+", re.sub(r"'…'|:'\w+'", "…", text), re.MULTILINE)

    roles = (ROOT / "deploy/containers/roles.sql").read_text()
    assert statements(roles) == statements(STEPS.partition("```sql")[2].partition("```")[0])
    for name in re.findall(r"/run/secrets/(\w+)", roles):
        assert name in SERVICES["db"]["secrets"]


@pytest.mark.skipif(os.geteuid() != 0, reason="it gives files to the portal's user, as root")
def test_preparing_makes_every_file_that_compose_names_and_changes_none(tmp_path):
    shutil.copytree(ROOT / "deploy/containers", tmp_path / "deploy/containers")
    prepare = [tmp_path / "deploy/containers/prepare.sh"]
    subprocess.run(prepare, check=True)
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    secrets = {secret["file"] for secret in COMPOSE["secrets"].values()}
    for name in {*secrets, *(name for name in mounted if name.startswith("./")), ".env"}:
        assert (tmp_path / name).exists(), name
    for name in secrets:
        status = (tmp_path / name).stat()
        assert (status.st_mode & 0o777, status.st_gid) == (0o440, int(OWNER))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    password = (tmp_path / "secrets/portal_password").read_text()
    assert f":{password}@db/" in (tmp_path / "secrets/database_url").read_text()
    assert password != (tmp_path / "secrets/owner_password").read_text()
    subprocess.run(prepare, check=True)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_the_history_keeps_none_of_what_preparing_makes():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/.env", "/secrets/", "/tls/", "/backups/", "/acme/"} <= set(ignored)


@needs_nginx
def test_nginx_finds_no_fault_in_its_settings_for_a_container(tmp_path):
    certificate(tmp_path)
    name = "portal.example.test"
    text = (ROOT / "deploy/nginx.conf").read_text().replace("check.example.ca", name)
    for path in (f"/etc/letsencrypt/live/{name}", "/var/log/nginx"):
        text = text.replace(path, str(tmp_path))
    (tmp_path / "portal.conf").write_text(text)
    main = (ROOT / "deploy/containers/nginx-main.conf").read_text()
    main = main.replace(" /tmp/", f" {tmp_path}/").replace("include mime.types;", "")
    (tmp_path / "nginx.conf").write_text(main)
    command = [str(NGINX), "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "[warn]" not in ended.stderr


def test_the_test_email_is_sent_by_a_service_that_reaches_the_email_server():
    steps = STEPS.partition("## With containers")[2]
    (service,) = re.findall(r"docker compose exec (\w+) python manage\.py sendtestemail", steps)
    assert "outgoing" in SERVICES[service]["networks"]


def test_the_steps_name_services_and_files_that_are_there():
    steps = STEPS.partition("## With containers")[2].replace("\\\n", " ")
    options = r"(?: --(?:volume \S+|\S+))*"
    named = re.findall(rf"docker compose (?:exec|run){options} (\w+)", steps)
    for words in re.findall(rf"docker compose (?:stop|up){options}((?: \w+)*)", steps):
        named += words.split()
    assert set(named) == {"setup", "proxy", "timers", "db", "web", "worker"}
    assert set(named) <= set(SERVICES)
    for script in re.findall(r"^deploy/\S+", steps, re.MULTILINE):
        assert os.access(ROOT / script, os.X_OK)


# --- The health check -------------------------------------------------------------


def health(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "deploy/health.py"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_health_check_asks_through_the_socket_and_names_what_is_broken(portal):  # noqa: F811
    bind = {"BIND": f"unix:{portal}/web.sock", "ALLOWED_HOSTS": "check.example.ca"}
    assert health(**bind).returncode == 1
    wait_until(lambda: "does not answer" not in health(**bind).stdout)
    answer = health(**bind)
    # This portal's tables were never made.
    assert (answer.returncode, json.loads(answer.stdout)["ready"]) == (1, False)
    assert "migrations" in json.loads(answer.stdout)["broken"]


# --- The timers -------------------------------------------------------------------


def test_the_runner_understands_every_timer_of_systemd():
    units = {unit.stem for unit in (ROOT / "deploy/systemd").glob("*.timer")}
    assert {timer.name for timer in read_timers()} == units
    for timer in read_timers():
        service = (ROOT / f"deploy/systemd/{timer.name}.service").read_text()
        assert " ".join(timer.command).startswith(re.findall(r"ExecStart=(\S+)", service)[0])
        assert "%" not in " ".join(timer.command).replace("%Y-%m-%dT%H%M%S", "")


CLOCKS = {
    # OnCalendar: what is due, as (last start, now)
    "04:00": [(("03:59", "04:00"), True), (("04:00", "04:01"), False), (("04:00", "03:59+1"), False)],
    "*:17": [(("10:16", "10:17"), True), (("10:17", "11:16"), False), (("10:17", "11:17"), True)],
    "*:0/5": [(("10:00", "10:04"), False), (("10:00", "10:05"), True), (("10:03", "10:04"), False)],
}
"""Both are times of one day, or of the next."""


def unit(folder: Path, name: str, *, clock: str = "*:0/1", command: str = "true", more: str = "") -> Timer:
    (folder / f"{name}.timer").write_text(f"[Timer]\nOnCalendar={clock}\n")
    (folder / f"{name}.service").write_text(
        f"[Unit]\nOnFailure=failed@{name}.service\n"
        f"[Service]\nTimeoutStartSec=3h\nExecStart={command}\n{more}\n"
    )
    (folder / "failed@.service").write_text(f"[Service]\nExecStart=sh -c 'echo %i >>{folder}/failures'\n")
    return timers.read_timer(folder / f"{name}.timer")


def seconds(clock: str) -> float:
    clock, _, days = clock.partition("+")
    hour, minute = map(int, clock.split(":"))
    return time.mktime((2026, 11, 25 + int(days or 0), hour, minute, 0, 0, 0, -1))


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_timer_is_due_once_its_time_has_come(tmp_path, clock):
    timer = unit(tmp_path, "portal-x", clock=clock)
    for (since, now), is_due in CLOCKS[clock]:
        assert timer.is_due(seconds(since), seconds(now)) is is_due, (since, now)
    # After days without a start, each has missed its time.
    assert timer.is_due(0, seconds("12:34"))


def test_what_runs_once_a_day_runs_once_on_the_days_when_the_clocks_change():
    daily = [timer for timer in read_timers() if timer.hour is not None]
    assert daily
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "America/Toronto")
        time.tzset()
        for day in ("2026-03-08", "2026-11-01"):
            begins = time.mktime(time.strptime(day, "%Y-%m-%d"))
            ends = time.mktime(time.strptime(f"{day} 23:59", "%Y-%m-%d %H:%M"))
            minutes = [begins + offset for offset in range(0, int(ends - begins) + 1, 60)]
            for timer in daily:
                assert sum(timer.is_due(at - 60, at) for at in minutes) == 1, (timer.name, day)
    time.tzset()


def test_the_nightly_printing_fits_into_the_memory_of_its_container():
    (timer,) = (timer for timer in read_timers() if timer.name == "portal-render")
    # By itself, it takes as many as the host has processors, which a container sees too.
    processes = int(timer.command[timer.command.index("--processes") + 1])
    memory = {"m": 1, "g": 1024}[COMPOSE["services"]["timers"]["mem_limit"][-1]] * int(
        COMPOSE["services"]["timers"]["mem_limit"][:-1]
    )
    assert processes * 400 < memory


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize(
    "path", sorted((ROOT / "deploy/systemd").glob("*.timer")), ids=lambda path: path.stem
)
def test_systemd_and_the_runner_agree_on_the_next_three_times(path):
    (clock,) = re.findall(r"OnCalendar=(.+)", path.read_text())
    command = ["systemd-analyze", "calendar", "--iterations=3", "--base-time=2026-11-25 10:01:30", clock]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"TZ": "UTC"}
    )
    by_systemd = re.findall(r"(?:Next elapse|Iter\. #\d|Iteration #\d): \w+ ([\d-]+ [\d:]+)", ended.stdout)
    timer = timers.read_timer(path)
    by_runner: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        now = seconds("10:01") + 30
        while len(by_runner) < 3:
            minute = now // 60 * 60 + 60
            if timer.is_due(now, minute):
                by_runner.append(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(minute)))
            now = minute
    time.tzset()
    assert by_runner == by_systemd


@pytest.mark.parametrize(
    ("clock", "command"),
    [
        ("Mon 04:00", "true"),
        ("daily", "true"),
        ("*:0/5:30", "true"),
        ("04:00", "echo %i"),
        ("04:00", "echo %H"),
    ],
)
def test_a_unit_that_the_runner_does_not_understand_is_refused(tmp_path, clock, command):
    with pytest.raises(NotUnderstood, match=re.escape(command if clock == "04:00" else clock)):
        unit(tmp_path, "portal-x", clock=clock, command=command)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = seconds("10:00")

    def __call__(self) -> float:
        return self.now


def ended(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def step_to_the_end(runner: Runner) -> None:
    """Step until the command under way has ended."""
    while runner.running:
        runner.step()
        time.sleep(0.01)


def test_a_command_starts_at_its_time_and_its_end_is_a_line_of_the_log(tmp_path, capfd):
    clock = Clock()
    runner = Runner([unit(tmp_path, "portal-x", command="false")], tmp_path, now=clock)
    runner.step()
    assert not runner.running
    clock.now += 60
    runner.step()
    step_to_the_end(runner)
    (line,) = ended(capfd)
    assert (line["event"], line["code"], line["level"]) == ("portal-x ended", 1, "error")
    runner.step()
    assert not runner.running


def test_a_file_that_a_full_disk_left_empty_does_not_stop_the_timers(tmp_path):
    timer, clock = unit(tmp_path, "portal-x"), Clock()
    Runner([timer], tmp_path, now=clock).step()
    (tmp_path / "portal-x").write_text("")
    os.utime(tmp_path / "portal-x", (clock.now, clock.now))
    clock.now += 60
    runner = Runner([timer], tmp_path, now=clock)
    runner.step()
    assert runner.running
    step_to_the_end(runner)


def reported(folder: Path) -> str:
    file = folder / "failures"
    return file.read_text() if file.exists() else ""


def test_a_failure_is_reported_once_an_hour_at_most(tmp_path):
    clock = Clock()
    runner = Runner([unit(tmp_path, "portal-x", command="false")], tmp_path, now=clock)
    runner.step()
    for minutes, reports in ((1, 1), (5, 1), (60, 2)):
        clock.now += minutes * 60
        runner.step()
        step_to_the_end(runner)
        runner.reports["portal-x"].process.wait()
        assert reported(tmp_path) == "portal-x\n" * reports


def test_a_command_that_takes_too_long_is_stopped_and_counts_as_failed(tmp_path, capfd):
    clock = Clock()
    # Its exit code is of success.
    slow = f"sh -c 'trap \"exit 0\" TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done'"
    runner = Runner([unit(tmp_path, "portal-x", clock="10:01", command=slow)], tmp_path, now=clock)
    runner.step()
    clock.now += 60
    runner.step()
    wait_until((tmp_path / "ready").exists)
    clock.now += 3 * 60 * 60
    step_to_the_end(runner)
    (line,) = ended(capfd)
    assert (line["code"], line["level"]) == (0, "error")
    runner.reports["portal-x"].process.wait()
    assert reported(tmp_path) == "portal-x\n"


def test_a_command_that_does_not_stop_is_killed(tmp_path, capfd):
    clock = Clock()
    deaf = f"sh -c 'trap \"\" TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done'"
    runner = Runner([unit(tmp_path, "portal-x", clock="10:01", command=deaf)], tmp_path, now=clock)
    runner.step()
    clock.now += 60
    runner.step()
    wait_until((tmp_path / "ready").exists)
    clock.now += 3 * 60 * 60
    runner.step()
    clock.now += 60
    step_to_the_end(runner)
    assert ended(capfd)[0]["code"] == -9


def test_an_exit_code_that_the_unit_calls_success_is_no_error(tmp_path, capfd):
    clock = Clock()
    failing = unit(tmp_path, "portal-x", command="sh -c 'exit 130'", more="SuccessExitStatus=130")
    runner = Runner([failing], tmp_path, now=clock)
    runner.step()
    clock.now += 60
    runner.step()
    step_to_the_end(runner)
    assert ended(capfd)[0]["level"] == "info"


def test_a_command_is_not_started_beside_itself_and_is_stopped_with_the_runner(tmp_path, capfd):
    clock = Clock()
    runner = Runner([unit(tmp_path, "portal-x", command="sleep 60")], tmp_path, now=clock)
    runner.step()
    clock.now += 60
    runner.step()
    process = runner.running["portal-x"].process
    clock.now += 600
    runner.step()
    assert runner.running["portal-x"].process is process
    runner.stop()
    assert ended(capfd)[0]["code"] == -15


def test_a_time_that_was_missed_while_the_runner_was_stopped_is_made_up_for_once(tmp_path):
    clock = Clock()
    timer = unit(tmp_path, "portal-x", clock="11:00")
    Runner([timer], tmp_path, now=clock).step()
    clock.now = seconds("12:00")
    later = Runner([timer], tmp_path, now=clock)
    later.step()
    assert later.running
    step_to_the_end(later)
    later.step()
    assert not later.running


def test_the_runner_ends_when_it_is_asked_to_stop(tmp_path):
    process = subprocess.Popen([sys.executable, ROOT / "deploy/timers.py", tmp_path], cwd=ROOT)
    wait_until(lambda: len(list(tmp_path.iterdir())) == len(read_timers()))
    process.terminate()
    assert process.wait(timeout=30) == 0
