"""The advisory for a terminal: the same words as the page and the PDF."""

from __future__ import annotations

import io

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from .projection import Group, Item, LookUp, Projection, Tone, in_line

STYLE: dict[Tone, str] = {
    "contact": "bold blue",
    "action": "bold red",
    "improvement": "bold yellow",
    "consistent": "bold green",
    "unknown": "bold magenta",
    "plain": "bold",
}
MARK: dict[Tone, str] = {
    "contact": "☎",
    "action": "!",
    "improvement": "↑",
    "consistent": "✓",
    "unknown": "?",
    "plain": "·",
}


def advisory_text(projection: Projection, *, width: int = 80, colour: bool = False) -> str:
    """The advisory as lines of at most `width` columns; plain text unless `colour`."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    _Page(console, projection).write()
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


class _Page:
    def __init__(self, console: Console, projection: Projection) -> None:
        self.console, self.of = console, projection

    def write(self) -> None:
        self.head()
        self.contacts()
        self.to_do()
        self.questions("What to look up", self.of.check)
        for section in self.of.sections:
            self.heading(f"{section.title} ({section.count})")
            for item in section.items:
                self.item(item)
        self.questions("Not answered yet", self.of.unanswered)
        self.rest_of_what_was_given()
        self.foot()

    def head(self) -> None:
        of = self.of
        self.line(of.title, "bold")
        self.line(of.bulletin)
        for label, value in of.account:
            self.line(f"{label}: {value}")
        self.line(f"As of {of.as_of_text}. Election: {of.election}.")
        self.heading(f"{MARK[of.tone]} {of.headline}", STYLE[of.tone])
        self.line(of.meaning)
        self.line(of.score)

    def contacts(self) -> None:
        self.heading("When to contact the Integrity Commissioner, and about what")
        if not self.of.contacts:
            self.line(self.of.no_contacts)
        for group in self.of.contacts:
            self.group(group)
        office = self.of.office
        self.line(f"{office.office}, {office.telephone}, {office.email}", "bold")
        self.line(f"{office.organisation}, {office.street}, {office.place}; {office.website}")

    def to_do(self) -> None:
        self.heading("What to do, and by when")
        if not self.of.to_do:
            self.line(self.of.no_to_do)
        for group in self.of.to_do:
            self.group(group)
        if self.of.filing_note:
            self.line(self.of.filing_note)

    def rest_of_what_was_given(self) -> None:
        of = self.of
        if of.ignored:
            self.heading("Answers kept but not counted")
            self.line("These questions are not asked on your other answers: " + "; ".join(of.ignored) + ".")
        if of.notes:
            self.heading("Your notes")
            for note in of.notes:
                self.line(f"{note.short}:", "bold")
                self.line(note.text, indent=2)

    def foot(self) -> None:
        of = self.of
        self.heading("What this rests on")
        for fact in of.facts:
            self.line(f"{fact.title}: {fact.truth}")
            if fact.because:
                self.line(f"({fact.because})", "dim", indent=2)
        self.heading("The limits of this advisory")
        for limit in (*of.limits, *((of.calendar_note,) if of.calendar_note else ())):
            self.point(limit)
        self.line("")
        self.line(f"Edition {of.edition}, revision {of.revision}, digest {of.digest}", "dim")

    def point(self, text: str) -> None:
        """A line of a list, the lines after the first set in."""
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_row("-", Text(text))
        self.console.print(row)

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        self.console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    def heading(self, text: str, style: str = "bold") -> None:
        title = Text(text, style=style)
        self.console.print()
        if title.cell_len > self.console.width - 2:  # a Line would cut it short
            self.console.print(title)
        else:
            self.console.print(Line(title, align="left", characters="─", style="dim"))

    def group(self, group: Group) -> None:
        self.line(f"{group.when}:", "bold")
        for item, text in group.items:
            self.line(f"{item.citation}, {item.title}: {text}", indent=2)

    def item(self, item: Item) -> None:
        head = Text(f"{MARK[item.tone]} ", style=STYLE[item.tone])
        head.append(f"{item.citation} {item.title}", style="bold")
        head.append(f" · {item.force} · ")
        head.append(item.status, style=STYLE[item.tone])
        if item.contact:
            head.append(f" · Contact the Commissioner: {item.contact.lower()}", style=STYLE["contact"])
        self.console.print(head)
        self.line(item.advice, indent=2)
        if item.because:
            self.line(f"Rests on: {in_line(item.because)}", "dim", indent=2)

    def questions(self, title: str, found: tuple[LookUp, ...]) -> None:
        if found:
            self.heading(title)
            for question in found:
                self.point(question.asks + (f" ({question.citation})" if question.citation else ""))
