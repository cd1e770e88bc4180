"""Editions that are not on file, made from Toronto's."""

import re

from bulletin.encoding.digest import canonical
from bulletin.encoding.schema import Edition
from tests.tables import edition


def with_section_renamed(section: str, name: str) -> Edition:
    """The next revision of Toronto's edition, in which a section and its questions have another id."""
    text = re.sub(rf'(?<=[" (]){section}(?="|\.[a-z])', name, canonical(edition()))
    renamed = Edition.model_validate_json(text)
    sheet = renamed.sheet.model_copy(update={"revision": renamed.sheet.revision + 1})
    return renamed.model_copy(update={"sheet": sheet})
