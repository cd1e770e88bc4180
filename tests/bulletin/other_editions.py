"""Editions that are not on file, made from Toronto's and from the small one under tests/cases/minimal/."""

import json
import re
from functools import cache

from bulletin.encoding.digest import canonical
from bulletin.encoding.loader import load_edition
from bulletin.encoding.schema import Edition
from tests.bulletin.minimal import MINIMAL
from tests.tables import edition

ANOTHER = "Another bulletin"
"""What the words of another bulletin begin with."""


@cache
def another_bulletin(name: str) -> Edition:
    """A bulletin with the id `name`: the small edition, or Toronto's where the id ends in -toronto."""
    content = json.loads(canonical(edition() if name.endswith("-toronto") else load_edition(MINIMAL)))
    sheet = content["sheet"]
    sheet["id"], sheet["contact"]["office"] = name, f"{ANOTHER}'s office"
    for titled in (*sheet["words"]["overall"].values(), *sheet["words"]["contact"].values()):
        titled["title"] = f"{ANOTHER}: {titled['title']}"
    for question in content["questions"]:
        question["short"] = f"{ANOTHER}: {question['short']}"
    return Edition.model_validate(content)


def with_section_renamed(section: str, name: str) -> Edition:
    """The next revision of Toronto's edition, in which a section and its questions have another id."""
    text = re.sub(rf'(?<=[" (]){section}(?="|\.[a-z])', name, canonical(edition()))
    renamed = Edition.model_validate_json(text)
    sheet = renamed.sheet.model_copy(update={"revision": renamed.sheet.revision + 1})
    return renamed.model_copy(update={"sheet": sheet})
