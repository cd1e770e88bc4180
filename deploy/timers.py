"""Runs the timers of deploy/systemd where there is no systemd: `python deploy/timers.py FOLDER`

A timer's command starts at its unit's time, on this machine's clock, unless the last one is still running. The time
of each file in FOLDER is when that timer's command last started. If a timer's time came while this process was
stopped, its command runs once at the next start. A command that takes longer than its unit allows is stopped. After
one that failed, the command of its `OnFailure` runs, once an hour at most. Standard error gets a line of JSON for
each command that has ended. When asked to stop, this process stops the commands under way and waits for them.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

UNITS = Path(__file__).resolve().parent / "systemd"
CLOCK = re.compile(r"(\*|\d\d?):(\d\d?)(?:/(\d\d?))?")
"""The times of systemd that are understood here: `04:00` every day, `*:17` every hour, `*:0/5` every five minutes."""

SPAN = re.compile(r"(\d+)(s|min|h)")
SPANS = {"s": 1, "min": 60, "h": 60 * 60}
MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


class NotUnderstood(ValueError):
    """A unit has something that this program does not know."""


@dataclass(frozen=True)
class Timer:
    """A timer of systemd.

    It starts `command` at `hour` (None for every hour) and `minutes`. The command may take `seconds`. Its
    exit code is one of `successes`, or else `report` runs.
    """

    name: str
    hour: int | None
    minutes: frozenset[int]
    command: tuple[str, ...]
    seconds: int
    successes: frozenset[int]
    report: tuple[str, ...]

    def is_due(self, since: float, now: float) -> bool:
        """Whether its time has come after `since`, and by `now`. Both are seconds since 1970."""
        # No timer waits longer than a day, so whatever started before has missed its time.
        start = max(since, now - DAY)
        minutes = range(int(start // MINUTE) + 1, int(now // MINUTE) + 1)
        return any(self._is_at(time.localtime(minute * MINUTE)) for minute in minutes)

    def _is_at(self, clock: time.struct_time) -> bool:
        return self.hour in (None, clock.tm_hour) and clock.tm_min in self.minutes


def _unit(path: Path) -> ConfigParser:
    # A unit may repeat a name, and `%` is not ConfigParser's.
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text())
    return unit


def _command(path: Path, instance: str = "") -> tuple[str, ...]:
    """Return the command of a service, which may be a template's for one instance."""
    line = _unit(path)["Service"]["ExecStart"].replace("%%", "\0").replace("%i", instance or "%i")
    if "%" in line:
        raise NotUnderstood(f"{path.name}: ExecStart={line}")
    return tuple(shlex.split(line.replace("\0", "%")))


def read_timer(path: Path) -> Timer:
    """Return the timer in a unit, with the services that it starts. Raises NotUnderstood."""
    service = _unit(path.with_suffix(".service"))
    calendar, span = _unit(path)["Timer"]["OnCalendar"], service["Service"]["TimeoutStartSec"]
    reporter, _, instance = service["Unit"]["OnFailure"].removesuffix(".service").partition("@")
    clock, length = CLOCK.fullmatch(calendar), SPAN.fullmatch(span)
    if not clock:
        raise NotUnderstood(f"{path.name}: OnCalendar={calendar}")
    if not length:
        raise NotUnderstood(f"{path.name}: TimeoutStartSec={span}")
    hour, minute, step = clock.groups()
    return Timer(
        name=path.stem,
        hour=None if hour == "*" else int(hour),
        minutes=frozenset(range(int(minute), 60, int(step)) if step else [int(minute)]),
        command=_command(path.with_suffix(".service")),
        seconds=int(length[1]) * SPANS[length[2]],
        successes=frozenset({0, *map(int, service["Service"].get("SuccessExitStatus", "0").split())}),
        report=_command(path.with_name(f"{reporter}@.service"), instance),
    )


def read_timers(folder: Path = UNITS) -> list[Timer]:
    """Return all timers of a folder. Raises NotUnderstood."""
    return [read_timer(path) for path in sorted(folder.glob("*.timer"))]


@dataclass
class Run:
    """A command under way: its process, when it started, and whether it was asked to stop for taking too long."""

    process: subprocess.Popen[bytes]
    started: float
    is_late: bool = False


class Runner:
    """Starts each command when it is due, and says how it ended."""

    def __init__(self, timers: list[Timer], folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.timers, self.folder, self.now = timers, folder, now
        self.running: dict[str, Run] = {}
        self.reports: dict[str, Run] = {}
        """The last report of each timer's failures, which may have ended."""

    def step(self) -> None:
        """Note the commands that have ended, stop those that take too long, and start those that are due."""
        for timer in self.timers:
            self._note_end(timer)
            self._stop_if_late(timer)
            now, stamp = self.now(), self.folder / timer.name
            if not stamp.exists():
                _mark(stamp, now)
            if timer.name not in self.running and timer.is_due(stamp.stat().st_mtime, now):
                _mark(stamp, now)
                self.running[timer.name] = self._started(timer.command)

    def stop(self) -> None:
        """Ask the commands under way to stop, and wait for them."""
        for run in self.running.values():
            run.process.terminate()
        for run in [*self.running.values(), *self.reports.values()]:
            run.process.wait()
        for timer in self.timers:
            self._note_end(timer, reports=False)

    def _started(self, command: tuple[str, ...]) -> Run:
        return Run(subprocess.Popen(command), self.now())  # noqa: S603 - a unit's

    def _stop_if_late(self, timer: Timer) -> None:
        run = self.running.get(timer.name)
        if run is None or self.now() - run.started < timer.seconds:
            return
        # A minute to end by itself.
        if self.now() - run.started >= timer.seconds + MINUTE:
            run.process.kill()
        elif not run.is_late:
            run.is_late = True
            run.process.terminate()

    def _note_end(self, timer: Timer, *, reports: bool = True) -> None:
        run = self.running.get(timer.name)
        if run is None or (code := run.process.poll()) is None:
            return
        del self.running[timer.name]
        succeeded = code in timer.successes and not run.is_late
        line = {
            "event": f"{timer.name} ended",
            "code": code,
            "seconds": round(self.now() - run.started, 1),
            "level": "info" if succeeded else "error",
            "logger": "portal.timers",
            "timestamp": datetime.now(UTC).isoformat(),
        }
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()
        earlier = self.reports.get(timer.name)
        if reports and not succeeded and (earlier is None or self.now() - earlier.started >= HOUR):
            self.reports[timer.name] = self._started(timer.report)


def _mark(stamp: Path, now: float) -> None:
    """Keep a time as that of an empty file: on a full disk, a file can lose its content, but not its time."""
    stamp.touch()
    os.utime(stamp, (now, now))


def main(folder: Path) -> int:
    """Run the timers until someone asks this process to stop."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    runner = Runner(read_timers(), folder)
    while not stopped.wait(1):
        runner.step()
    runner.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
