"""Asks whether the locked packages have known vulnerabilities: `make audit`.

pip-audit asks OSV (https://osv.dev) about each package. On its own, pip-audit ends with success for packages that it
skipped, and for a service that answers nothing. This command fails instead, and says why, unless all of this holds:

- Each locked package was asked about, for every platform.
- The service knows a vulnerability that has long been known.
- Each vulnerability has an exception in tools/audit_exceptions.yaml, with a reason and a last day that is not past.

It needs a connection to the service, so it is not among the checks of each change.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

# Run as a script, Python looks for modules in this folder only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.locks import DEVELOP, ROOT, locked

EXCEPTIONS = ROOT / "tools" / "audit_exceptions.yaml"
SERVICE = "https://api.osv.dev/v1/query"
KNOWN_BAD = ("pycrypto", "2.6.1")
"""A package that no one maintains, with vulnerabilities since 2013. A service without them cannot be relied on."""
SECONDS = 600
NO_HASHES = "The --require-hashes flag"
"""How pip-audit begins its warning that it does not check hashes. Installing does."""


class Exempt(NamedTuple):
    """A vulnerability that is accepted for a while."""

    id: str
    package: str
    reason: str
    expires: date


class Unreadable(Exception):
    """The exceptions cannot be read; the message says why."""


def read_exceptions(path: Path) -> list[Exempt]:
    """The exceptions. Raises Unreadable if one of them is not complete."""
    try:
        entries = YAML(typ="safe").load(path.read_text()) or []
    except (OSError, YAMLError) as error:
        raise Unreadable(f"{path.name} cannot be read: {str(error).splitlines()[0]}.") from error
    if not isinstance(entries, list):
        raise Unreadable(f"{path.name} is not a list.")
    exceptions = []
    for number, entry in enumerate(entries, 1):
        texts = isinstance(entry, dict) and {*entry} == {*Exempt._fields} and entry
        if not texts or not all(
            isinstance(entry[key], str) and entry[key].strip() for key in Exempt._fields[:3]
        ):
            raise Unreadable(
                f"Entry {number} of {path.name} needs id, package, reason and expires, and nothing else."
            )
        # A time is a date too.
        if type(entry["expires"]) is not date:
            raise Unreadable(f"Entry {number} of {path.name}: expires is not a day, such as 2027-01-31.")
        exceptions.append(Exempt(**entry))
    return exceptions


def faults(
    pins: Mapping[str, str], report: Sequence[Mapping[str, Any]], exceptions: Sequence[Exempt], today: date
) -> Iterator[str]:
    """Why the audit fails, a line each. `pins` are the locked versions by name, `report` what pip-audit found."""
    asked = {package["name"]: package for package in report}
    known_bad = asked.pop(KNOWN_BAD[0], {})
    if not known_bad.get("vulns"):
        yield (
            f"The service does not know the vulnerabilities of {KNOWN_BAD[0]}, which have long been known. "
            "So its other answers prove nothing."
        )
    for name, version in sorted(pins.items()):
        answer = asked.get(name, {})
        if reason := answer.get("skip_reason"):
            yield f"{name} {version} was skipped: {reason}"
        elif answer.get("version") != version:
            yield f"{name} {version} was not asked about."
    used: set[Exempt] = set()
    for name, answer in sorted(asked.items()):
        for vulnerability in answer.get("vulns", []):
            ids = {vulnerability["id"], *vulnerability.get("aliases", [])}
            matching = {exempt for exempt in exceptions if exempt.package == name and exempt.id in ids}
            used |= matching
            last_day = max((exempt.expires for exempt in matching), default=None)
            if last_day is None or last_day < today:
                yield _line(answer, vulnerability, ids, last_day)
    for exempt in exceptions:
        if exempt not in used:
            yield f"The exception for {exempt.id} of {exempt.package} is no longer needed. Remove it."


def _line(
    package: Mapping[str, Any], vulnerability: Mapping[str, Any], ids: set[str], last_day: date | None
) -> str:
    fixed = ", ".join(vulnerability.get("fix_versions", [])) or "no version"
    start = f"{package['name']} {package['version']}: {', '.join(sorted(ids))}, fixed in {fixed}."
    if last_day:
        return f"{start} Its exception ended on {last_day}."
    return f"{start} {vulnerability.get('description', '')[:200]}".rstrip()


def ask(pins: Mapping[str, str], service: str) -> list[dict[str, Any]]:
    """What pip-audit reports about packages of these versions. Exits if it cannot ask about all of them."""
    with tempfile.TemporaryDirectory() as folder:
        # Without their markers, so that packages of other platforms are asked about too. pip-audit wants a hash for
        # each, and asks by version alone.
        requirements = Path(folder) / "requirements.txt"
        lines = [f"{name}=={version} --hash=sha256:{'0' * 64}\n" for name, version in sorted(pins.items())]
        requirements.write_text("".join(lines))
        command = [str(Path(sys.executable).parent / "pip-audit"), "--requirement", str(requirements)]
        options = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        options += ["--cache-dir", f"{folder}/cache", "--vulnerability-service", "osv", "--osv-url", service]
        try:
            done = subprocess.run(  # noqa: S603
                [*command, *options], capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            sys.exit(f"NOT AUDITED: {service} did not answer within {SECONDS // 60} minutes.")
    lines = done.stderr.strip().splitlines()
    try:
        report: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        sys.exit(
            f"NOT AUDITED: pip-audit got no usable answer from {service}.\n{lines[-1] if lines else ''}".rstrip()
        )
    # It warns of an answer that it cannot read, and leaves that out.
    warnings = [line for line in lines if line.startswith("WARNING") and NO_HASHES not in line]
    if done.returncode not in (0, 1) or warnings:
        sys.exit("\n".join([f"NOT AUDITED: pip-audit does not understand {service}.", *warnings]))
    return report


def main() -> None:
    """Ask, print what was found, and exit with 1 unless all is well."""
    parser = argparse.ArgumentParser(description="Ask for known vulnerabilities of the locked packages.")
    parser.add_argument("--osv-url", default=SERVICE, help="another server that answers as OSV does")
    parser.add_argument("--lock", type=Path, default=DEVELOP, help="another lock file")
    parser.add_argument("--exceptions", type=Path, default=EXCEPTIONS, help="another file of exceptions")
    options = parser.parse_args()
    try:
        exceptions = read_exceptions(options.exceptions)
        packages = locked(options.lock)
    except (Unreadable, ValueError) as error:
        sys.exit(f"NOT AUDITED: {error}")
    pins = {package.name: package.version for package in packages}
    if not pins or len(pins) < len(packages):
        sys.exit(f"NOT AUDITED: {options.lock.name} has no package, or two versions of one.")
    report = ask(pins | dict([KNOWN_BAD]), options.osv_url)
    if lines := list(faults(pins, report, exceptions, datetime.now(UTC).date())):
        sys.exit("\n".join([f"The audit failed: {len(lines)}.", *(f"- {line}" for line in lines)]))
    print(f"{len(pins)} packages, {len(exceptions)} exceptions: no other known vulnerability.")  # noqa: T201


if __name__ == "__main__":
    main()
