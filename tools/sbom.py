"""Writes what the portal is made of, as a CycloneDX file: `make sbom`.

The file, var/sbom.json, has every locked package with its hashes and what needs it, and the fonts and styles that are
in this repository. Packages that only developers need have the scope "excluded". The same locks give the same bytes,
so the file has neither a time nor a serial number. Exits with status 1 if the file would not be valid CycloneDX.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

# Run as a script, Python looks for modules in this folder only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.locks import DEVELOP, ROOT, RUN, locked

OUT = ROOT / "var" / "sbom.json"
PORTAL = "self-check-portal"


class Copied(NamedTuple):
    """Files that are copied into this repository from an npm package, and the licence they have."""

    folder: str
    files: str
    package: str
    version: str
    """A pattern for the version in the folder's README.md."""
    licence: str


COPIED = (
    Copied("static/vendor/bootstrap", "*.min.css*", "bootstrap", r"Bootstrap ([\d.]+),", "MIT"),
    Copied(
        "static/fonts",
        "*-normal.woff2",
        "@fontsource/public-sans",
        r"public-sans`, version ([\d.]+),",
        "OFL-1.1",
    ),
    Copied(
        "static/fonts",
        "*-wght-normal.woff2",
        "@fontsource-variable/public-sans",
        r"-variable/public-sans`,\s+version ([\d.]+),",
        "OFL-1.1",
    ),
)


def of_lock(path: Path) -> dict[str, Any]:
    """A lock file as CycloneDX: what cyclonedx-py makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sbom.json"
        command = [str(Path(sys.executable).parent / "cyclonedx-py"), "requirements", str(path)]
        options = ["--output-reproducible", "--no-validate", "--output-format", "JSON"]
        options += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-file", str(file)]
        subprocess.run([*command, *options], check=True, stderr=subprocess.DEVNULL)  # noqa: S603
        bom: dict[str, Any] = json.loads(file.read_text())
        return bom


def copied() -> Iterator[dict[str, Any]]:
    """The components that are in this repository, each with the hashes of its files."""
    for package in COPIED:
        folder = ROOT / package.folder
        version = re.search(package.version, (folder / "README.md").read_text())
        if not version:
            sys.exit(f"{package.folder}/README.md does not name the version of {package.package}.")
        purl = f"pkg:npm/{package.package.replace('@', '%40')}@{version[1]}"
        files = sorted(
            path
            for path in folder.glob(package.files)
            # The variable fonts are another package.
            if ("-wght-" in path.name) == ("-wght-" in package.files)
        )
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": package.package,
            "version": version[1],
            "licenses": [{"license": {"id": package.licence}}],
            "purl": purl,
            "scope": "required",
            "components": [
                {
                    "type": "file",
                    "bom-ref": f"{purl}#{path.name}",
                    "name": str(path.relative_to(ROOT)),
                    "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
                }
                for path in files
            ],
        }


def whole() -> dict[str, Any]:
    """Everything, as one CycloneDX document."""
    bom = of_lock(DEVELOP)
    needed_to_run = {package.name for package in locked(RUN)}
    for component in bom["components"]:
        # The names of cyclonedx-py are numbers of lines, and its descriptions the lines themselves.
        component["bom-ref"] = component["purl"]
        del component["description"]
        component["scope"] = "required" if component["name"] in needed_to_run else "excluded"
    reference = {component["name"]: component["bom-ref"] for component in bom["components"]}
    own = list(copied())
    root = bom["metadata"]["component"]
    root["bom-ref"] = PORTAL
    needs: dict[str, set[str]] = {name: set() for name in (*reference, PORTAL)}
    for package in locked(DEVELOP):
        for parent in package.needed_by:
            needs[parent].add(reference[package.name])
    needs[PORTAL] |= {component["bom-ref"] for component in own}
    references = reference | {PORTAL: PORTAL}
    bom["dependencies"] = sorted(
        (
            *({"ref": references[name], "dependsOn": sorted(refs)} for name, refs in needs.items()),
            *({"ref": component["bom-ref"]} for component in own),
        ),
        key=lambda dependency: str(dependency["ref"]),
    )
    bom["components"] = sorted([*bom["components"], *own], key=lambda component: str(component["bom-ref"]))
    return bom


def as_text(bom: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(bom, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file and say what is in it."""
    bom = whole()
    text = as_text(bom)
    version = next(version for version in SchemaVersion if version.to_version() == bom["specVersion"])
    if fault := JsonStrictValidator(version).validate_str(text):
        sys.exit(f"The file would not be valid CycloneDX: {fault}")
    OUT.write_text(text)
    count = sum(component["scope"] == "required" for component in bom["components"])
    rest = len(bom["components"]) - count
    print(f"{OUT.relative_to(ROOT)}: {count} components of the portal, and {rest} that only developers need.")  # noqa: T201


if __name__ == "__main__":
    main()
