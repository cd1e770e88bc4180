"""`make sbom` lists everything that the portal is made of."""

import json

import pytest

from tools import sbom
from tools.locks import DEVELOP, ROOT, RUN, locked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bom():
    return sbom.whole()


def test_it_has_every_locked_package_with_its_version_and_hashes(bom):
    listed = {component["purl"]: component for component in bom["components"]}
    text = DEVELOP.read_text()
    for package in locked(DEVELOP):
        component = listed[f"pkg:pypi/{package.name}@{package.version}"]
        (source,) = component["externalReferences"]
        block = text.partition(f"\n{package.name}==")[2].partition("    # via")[0]
        assert {f"sha256:{digest['content']}" for digest in source["hashes"]} == {
            word for word in block.replace("--hash=", "").split() if word.startswith("sha256:")
        }


def test_what_only_developers_need_is_marked(bom):
    required = {
        c["name"] for c in bom["components"] if c["scope"] == "required" and c["purl"].startswith("pkg:pypi")
    }
    assert required == {package.name for package in locked(RUN)}
    assert "ruff" not in required


def test_it_has_each_file_that_was_copied_into_the_repository(bom):
    files = {
        part["name"]: part["hashes"]
        for component in bom["components"]
        for part in component.get("components", [])
    }
    folders = (ROOT / "static/fonts", ROOT / "static/vendor")
    copied = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".md", ".txt") and path.name != "LICENSE"
    }
    assert files.keys() == copied


def test_each_dependency_leads_to_a_component_and_each_component_is_needed(bom):
    refs = {component["bom-ref"] for component in bom["components"]}
    needed = {ref for dependency in bom["dependencies"] for ref in dependency.get("dependsOn", [])}
    assert needed == refs
    assert {dependency["ref"] for dependency in bom["dependencies"]} == refs | {"self-check-portal"}
    (django,) = [d for d in bom["dependencies"] if d["ref"].startswith("pkg:pypi/django@")]
    assert [ref.partition("@")[0] for ref in django["dependsOn"]] == [
        "pkg:pypi/asgiref",
        "pkg:pypi/sqlparse",
        "pkg:pypi/tzdata",
    ]


def test_the_same_locks_give_the_same_bytes(bom):
    assert sbom.as_text(bom) == sbom.as_text(sbom.whole())


def test_the_file_is_valid_and_a_fault_in_it_is_reported(bom, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sbom, "ROOT", tmp_path)
    monkeypatch.setattr(sbom, "OUT", tmp_path / "sbom.json")
    monkeypatch.setattr(sbom, "whole", lambda: bom)
    sbom.main()
    assert json.loads(sbom.OUT.read_text())["bomFormat"] == "CycloneDX"
    assert "components of the portal" in capsys.readouterr().out
    monkeypatch.setattr(sbom, "whole", lambda: bom | {"components": [{"name": "x", "scope": "some"}]})
    with pytest.raises(SystemExit, match="would not be valid"):
        sbom.main()
