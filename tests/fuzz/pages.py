"""The links and forms of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Field:
    """An input of a form: its name, its type, its value, and the values that it offers."""

    name: str
    kind: str
    value: str = ""
    choices: list[str] = field(default_factory=list)


@dataclass
class Form:
    """A form: where it is sent, how, and its fields."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    multipart: bool = False


class Page(HTMLParser):
    """The links and forms of an HTML page at `address`."""

    def __init__(self, address: str, html: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._textarea: Field | None = None
        self._by_id: dict[str, Form] = {}
        self._late: list[tuple[str, Field]] = []
        self.feed(html)
        for owner, late in self._late:
            if owner in self._by_id:
                self._by_id[owner].fields.append(late)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, forms and inputs."""
        at = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get"):
            if name in at and tag != "link":
                self.links.append(at[name])
        if tag == "form":
            method = at.get("method", "get").upper()
            self._open = Form(
                at.get("action") or self.address, method, [], "multipart" in at.get("enctype", "")
            )
            self.forms.append(self._open)
            self._by_id[at.get("id", "")] = self._open
        elif tag in ("input", "select", "textarea", "button") and at.get("name"):
            self._add(tag, at)
        elif tag == "option" and self._open and self._open.fields:
            self._open.fields[-1].choices.append(at.get("value", ""))

    def _add(self, tag: str, at: dict[str, str]) -> None:
        kind = at.get("type", "text") if tag == "input" else tag
        made = Field(at["name"], kind, at.get("value", ""))
        if tag == "textarea":
            self._textarea = made
        if "form" in at:
            self._late.append((at["form"], made))
        elif self._open is not None:
            same = [f for f in self._open.fields if f.name == made.name and kind in ("radio", "checkbox")]
            if same:
                same[0].choices.append(made.value)
                return
            if kind in ("radio", "checkbox", "button"):
                made.choices.append(made.value)
            self._open.fields.append(made)

    def handle_data(self, data: str) -> None:
        """Note what a textarea has."""
        if self._textarea is not None:
            self._textarea.value += data

    def handle_endtag(self, tag: str) -> None:
        """Leave a form or a textarea."""
        if tag == "textarea":
            self._textarea = None
        elif tag == "form":
            self._open = None
