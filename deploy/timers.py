"""Runs the timers of deploy/systemd where there is no systemd: `python deploy/timers.py FOLDER`

A timer's command starts at its unit's time, on this machine's clock, unless the last one is still running. FOLDER has
the time at which each last started. If a timer's time came while this process was stopped, its command runs once at
the next start. Standard error gets a line of JSON for each command that has ended. When asked to stop, this process
stops the commands under way and waits for them.
"""

import json
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

MINUTE, DAY = 60, 24 * 60 * 60


class NotUnderstood(ValueError):
    """A unit says something that this program does not know."""


@dataclass(frozen=True)
class Timer:
    """A timer's name, its hour (None for every hour) and minutes, and its command with the exit codes of success."""

    name: str
    hour: int | None
    minutes: frozenset[int]
    command: tuple[str, ...]
    successes: frozenset[int]

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


def read_timer(path: Path) -> Timer:
    """Return the timer in a unit and in the service beside it. Raises NotUnderstood."""
    calendar = _unit(path)["Timer"]["OnCalendar"]
    service = _unit(path.with_suffix(".service"))["Service"]
    match = CLOCK.fullmatch(calendar)
    if not match:
        raise NotUnderstood(f"{path.name}: OnCalendar={calendar}")
    hour, minute, step = match.groups()
    minutes = range(int(minute), 60, int(step)) if step else [int(minute)]
    command = service["ExecStart"].replace("%%", "\0")
    if "%" in command:
        raise NotUnderstood(f"{path.name}: ExecStart={command}")
    return Timer(
        name=path.stem,
        hour=None if hour == "*" else int(hour),
        minutes=frozenset(minutes),
        command=tuple(shlex.split(command.replace("\0", "%"))),
        successes=frozenset({0, *map(int, service.get("SuccessExitStatus", "0").split())}),
    )


def read_timers(folder: Path = UNITS) -> list[Timer]:
    """Return all timers of a folder. Raises NotUnderstood."""
    return [read_timer(path) for path in sorted(folder.glob("*.timer"))]


class Runner:
    """Starts each command when it is due, and says how it ended."""

    def __init__(self, timers: list[Timer], folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.timers, self.folder, self.now = timers, folder, now
        self.running: dict[str, tuple[subprocess.Popen[bytes], float]] = {}

    def step(self) -> None:
        """Note the commands that have ended, then start those that are due."""
        for timer in self.timers:
            self._note_end(timer)
            now, stamp = self.now(), self.folder / timer.name
            if not stamp.exists():
                stamp.write_text(str(now))
            if timer.name not in self.running and timer.is_due(float(stamp.read_text()), now):
                stamp.write_text(str(now))
                self.running[timer.name] = (subprocess.Popen(timer.command), now)  # noqa: S603 - a unit's

    def stop(self) -> None:
        """Ask the commands under way to stop, and wait for them."""
        for process, _ in self.running.values():
            process.terminate()
        for timer in self.timers:
            if timer.name in self.running:
                self.running[timer.name][0].wait()
                self._note_end(timer)

    def _note_end(self, timer: Timer) -> None:
        process, started = self.running.get(timer.name, (None, 0.0))
        if process is None or (code := process.poll()) is None:
            return
        del self.running[timer.name]
        line = {
            "event": f"{timer.name} ended",
            "code": code,
            "seconds": round(self.now() - started, 1),
            "level": "info" if code in timer.successes else "error",
            "logger": "portal.timers",
            "timestamp": datetime.now(UTC).isoformat(),
        }
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()


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
