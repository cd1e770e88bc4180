"""The advisory as text: for a terminal, and its points for an email. Both use the words of the page and the PDF."""

from __future__ import annotations

import io

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from .findings import Act, Item, Tone
from .projection import LEFT_BEHIND, OpenQuestion, Projection

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
    """The advisory as lines of at most `width` columns (40 or more); plain text unless `colour`."""
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


FOOT = (
    "This is from a self-check. It isn’t a finding or advice from the Integrity Commissioner. “¶” is a numbered "
    "paragraph of the bulletin."
)


def points_text(projection: Projection) -> str:
    """The points to raise and the things to do, with their dates and paragraphs, as plain text for an email.

    Lines are not wrapped, since the email's own window does that.
    """
    about = ", ".join(value for _, value in projection.account) or projection.heading
    block = projection.contact_block
    parts = [
        [f"Social media self-check: {about}", f"As of {projection.as_of_text}"],
        [projection.answer, *_left(len(projection.unanswered))],
        *([["Points to raise with the Integrity Commissioner"]] if projection.contacts else []),
        *(
            [f"{group.when}:", *(f"- {_point(*pair)}" for pair in group.items)]
            for group in projection.contacts
        ),
        [f"{block.office}: {block.telephone}, {block.email}"],
        ["What to do", *([projection.no_to_do] if not projection.acts else [])],
        *([f"{group.heading}:", *(f"- {_act_line(act)}" for act in group.acts)] for group in projection.acts),
        [FOOT, f"{projection.bulletin}."],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _left(questions: int) -> list[str]:
    """How many questions are left, in words; empty if none is."""
    if questions == 1:
        return ["The self-check isn’t finished: 1 question is left. Its answer may change this."]
    left = f"The self-check isn’t finished: {questions} questions are left. Their answers may change this."
    return [left] if questions else []


def _point(item: Item, about: str) -> str:
    return f"{item.title} ({item.citation}): {about}"


def _act_line(act: Act) -> str:
    """A thing to do on one line, with its deadline where the heading does not say it."""
    return f"{act.text} ({act.citation}){f': {act.due}' if act.due else ''}"


class _Page:
    def __init__(self, console: Console, projection: Projection) -> None:
        self.console, self.projection = console, projection

    def write(self) -> None:
        self.head()
        self.left_behind()
        self.contacts()
        self.to_do()
        self.questions("Facts to check", self.projection.check)
        for section in self.projection.sections:
            self.heading(f"{section.title} ({section.count})")
            for item in section.items:
                self.item(item)
        self.questions("Questions left", self.projection.unanswered)
        self.ignored_and_notes()
        self.foot()

    def head(self) -> None:
        projection = self.projection
        self.line(projection.title, "bold")
        self.line(projection.bulletin)
        for label, value in projection.account:
            self.line(f"{label}: {value}")
        self.line(f"As of {projection.as_of_text}. Election: {projection.election}.")
        self.heading(f"{MARK[projection.tone]} {projection.answer}", STYLE[projection.tone])

    def left_behind(self) -> None:
        if self.projection.left_behind:
            self.heading("Answers that could not be used")
            self.line(LEFT_BEHIND)
            for left in self.projection.left_behind:
                self.point(f"{left.short}: {left.text}")

    def contacts(self) -> None:
        for group in self.projection.contacts:
            self.line(f"{group.when}:", "bold")
            for item, about in group.items:
                self.line(_point(item, about), indent=2)
                if item.outcome == "ask":
                    self.line(str(item.change), "dim", indent=4)
        for remark in self.projection.remarks:
            self.line(remark)
        block = self.projection.contact_block
        self.line(f"{block.office}, {block.telephone}, {block.email}", "bold")
        self.line(f"{block.organisation}, {block.street}, {block.place}; {block.website}")

    def to_do(self) -> None:
        self.heading("What to do")
        if not self.projection.acts:
            self.line(self.projection.no_to_do)
        for group in self.projection.acts:
            self.line(f"{group.heading}:", "bold")
            for act in group.acts:
                self.act(act)
        if self.projection.filing_note:
            self.line(self.projection.filing_note)

    def act(self, act: Act) -> None:
        self.line(f"{act.text} ({act.citation})", indent=2)
        if act.is_to_do:
            self.line(act.due, indent=4)
            for item in act.items:
                self.line(f"{item.title}: {item.advice}" if len(act.items) > 1 else item.advice, indent=4)
            self.line(str(act.change), "dim", indent=4)

    def ignored_and_notes(self) -> None:
        projection = self.projection
        if projection.ignored:
            self.heading("Answers kept but not counted")
            self.line(
                "Your other answers make these questions unnecessary: " + "; ".join(projection.ignored) + "."
            )
        if projection.notes:
            self.heading("Your notes")
            for note in projection.notes:
                self.line(f"{note.short}:", "bold")
                self.line(note.text, indent=2)

    def foot(self) -> None:
        projection = self.projection
        self.heading(f"What {projection.whose} answers show")
        for fact in projection.facts:
            self.line(f"{fact.title}: {fact.truth}")
            if fact.because:
                self.line(f"({fact.because})", "dim", indent=2)
        self.heading("What this advisory covers, and its limits")
        for limit in (*projection.limits, *((projection.calendar_note,) if projection.calendar_note else ())):
            self.point(limit)
        self.console.print()
        self.line(
            f"Edition {projection.edition}, revision {projection.revision}, digest {projection.digest}", "dim"
        )

    def point(self, text: str) -> None:
        """An entry of a list, indented after its first line."""
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_row("-", Text(text))
        self.console.print(row)

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        if not text:
            return
        self.console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    def heading(self, text: str, style: str = "bold") -> None:
        title = Text(text, style=style)
        self.console.print()
        if title.cell_len > self.console.width - 2:  # a Line would truncate it
            self.console.print(title)
        else:
            self.console.print(Line(title, align="left", characters="─", style="dim"))

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
            self.line(f"Based on: {item.rests_on}", "dim", indent=2)
        for reading in item.readings:
            self.line(f"This goes beyond the bulletin’s words: {reading}", "dim", indent=2)

    def questions(self, title: str, questions: tuple[OpenQuestion, ...]) -> None:
        if questions:
            self.heading(title)
            for question in questions:
                self.point(question.asks + (f" ({question.citation})" if question.citation else ""))
