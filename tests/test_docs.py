"""What the documents say about the code is there: files, commands, rooms and links."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from ruamel.yaml import YAML

from assessments.management.commands.demo_data import SIGN_INS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "UPGRADE.md")),
        *(ROOT / "deploy").glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
FOLDERS = (
    "assessments/",
    "bulletin/",
    "config/",
    "deploy/",
    "docs/",
    "static/",
    "templates/",
    "tests/",
    "tools/",
)
SHORT = {
    "forms/AREA.py": "forms",
    "services/AREA.py": "services",
    "views/AREA.py": "views",
}
"""Placeholders of the pictures, and the folder of `assessments/` that they are for."""


def named_paths(text: str) -> set[str]:
    """The files and folders that a document names, in backticks or in a picture."""
    words = re.findall(r"[\w.-]+(?:/[\w.<>-]*)+", " ".join(re.findall(r"`[^`\n]+`", text)))
    for picture in re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        words += re.findall(r"[\w-]+(?:/[\w-]+)*/[\w.-]+\.(?:py|yaml|conf)", picture)
    return {word for word in words if "<" not in word}


def test_the_readme_has_at_most_twelve_hundred_words_and_both_commands():
    text = (ROOT / "README.md").read_text()
    assert len(text.split()) < 1200
    for command in ("run", "test"):
        assert re.search(rf"^    make {command}  ", text, re.MULTILINE)


def test_the_tour_of_the_readme_has_the_sign_ins_of_the_demonstration():
    rows = re.findall(
        r"^\| ([^,|]+), [^|]+ \| `(\S+@\S+)` \| `(\S+)` \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert rows == [(person.name, person.email, person.password) for person in SIGN_INS]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(document):
    for name in named_paths(document.read_text()):
        short = SHORT.get(name, name)
        rooms = [path.name for path in (ROOT / "assessments").iterdir() if path.is_dir()]
        path = f"assessments/{short}" if short.split("/")[0] in rooms else short
        if path.startswith(FOLDERS):
            assert (ROOT / path).exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_link_of_a_document_leads_somewhere(document):
    text = document.read_text()
    for command in re.findall(r"manage\.py (\w+)", text):
        assert command in get_commands(), command
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (document.parent / link).exists(), link
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_every_name_of_the_code_that_a_document_uses_is_in_the_code():
    folders = ("assessments", "bulletin", "config", "templates", "tests")
    files = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".html")
    ]
    words = set(
        re.findall(r"\w+", " ".join(path.read_text() for path in files if path.name != "test_docs.py"))
    )
    names = set()
    for document in (ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        quoted = re.findall(r"`([^`\n]+)`", document.read_text())
        names |= {word for word in quoted if re.fullmatch(r"[A-Z]\w+|\w+_\w+", word)}
    assert len(names) > 20
    # Django's own, named where the portal does without them.
    assert names - words <= {"pre_save", "post_save"}


def test_each_figure_for_it_was_measured():
    section = (ROOT / "docs/for-it.md").read_text().partition("## Machine size")[2]
    section = section.partition(" Each web process")[0].replace("\n", " ")
    rates = re.findall(r"\b(\d+) (?:requests |for the officers)", section)
    sizes = re.findall(r"\b[\d,]+ (?:ms|MB|PDFs)", section)
    assert (len(rates), len(sizes)) == (3, 3)
    measured = (ROOT / "tests/bench/RESULTS.md").read_text()
    for figure in (*(f"{rate} requests a second" for rate in rates), *sizes):
        assert f" {figure}," in measured, figure


def test_the_page_for_it_has_two_printed_pages():
    words = re.findall(r"[^\s|-]+", (ROOT / "docs/for-it.md").read_text())
    assert len(words) <= 1100


def test_the_contents_of_contributing_list_every_part():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert re.findall(r"^- \[(.+)\]\(#", text, re.MULTILINE) == re.findall(r"^## (.+)$", text, re.MULTILINE)


def test_contributing_has_every_room_of_the_import_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    modules = re.findall(r"[\w.]+", " ".join(layers))
    rooms = {module.split(".")[-1] for module in modules} - {"urls"}
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## The rooms")[2].partition("## Glossary")[0]
    assert rooms <= {path.rstrip("/").split("/")[-1] for path in re.findall(r"`([\w/]+/)`", table)}


def test_the_glossary_has_twenty_words_or_more_each_once():
    glossary = (ROOT / "CONTRIBUTING.md").read_text().partition("## Glossary")[2].partition("\n## ")[0]
    words = re.findall(r"^\| ([a-z-][^|]*?) \|", glossary, re.MULTILINE)[1:]
    assert len(words) >= 20
    assert len(words) == len(set(words))


def test_every_decision_is_listed_and_says_what_and_why():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert f"](docs/decisions/{path.name})" in text
        for part in ("# ", "**Decision.**", "**Why.**", "**Consequences.**"):
            assert part in path.read_text(), path.name


# --- publiccode.yml -------------------------------------------------------------------

REQUIRED = (
    "publiccodeYmlVersion",
    "name",
    "platforms",
    "developmentStatus",
    "softwareType",
    "description/en/shortDescription",
    "description/en/longDescription",
    "description/en/features",
    "legal/license",
    "maintenance/type",
    "localisation/localisationReady",
    "localisation/availableLanguages",
)
"""The keys that standard 0.4 requires, but for the two that nobody can fill in yet."""
NOT_KNOWN_YET = ("url", "maintenance/contacts")


def value_at(content: Any, key: str) -> Any:
    for part in key.split("/"):
        content = content.get(part) if content else None
    return content


def test_publiccode_has_the_keys_that_its_standard_requires():
    text = (ROOT / "publiccode.yml").read_text()
    content = YAML(typ="safe").load(text)
    for key in REQUIRED:
        assert value_at(content, key) not in (None, "", []), key
    for key in NOT_KNOWN_YET:
        assert value_at(content, key) is None
        assert re.search(rf"^#   {key} ", text, re.MULTILINE)
    english = content["description"]["en"]
    assert len(english["shortDescription"]) <= 150
    assert 150 <= len(english["longDescription"]) <= 10_000
    assert content["developmentStatus"] in ("concept", "development", "beta", "stable", "obsolete")
    assert content["softwareType"] == "standalone/web"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert content["legal"]["license"] == project["license"]
    (python,) = [one for one in content["dependsOn"]["open"] if one["name"] == "Python"]
    assert f">={python['versionMin']}" == project["requires-python"]
