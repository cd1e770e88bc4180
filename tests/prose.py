"""The prose of a file, in blocks: what people read of a template, a module, a script, a document or an edition.

In a block, `X` is a value that is filled in later, such as a template's variable.
"""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

INLINE = frozenset(
    (
        "a",
        "abbr",
        "b",
        "bdi",
        "cite",
        "code",
        "em",
        "i",
        "kbd",
        "mark",
        "q",
        "small",
        "span",
        "strong",
        "time",
        "wbr",
    )
)
READ_ALOUD = frozenset({"alt", "aria-label", "data-label", "label", "placeholder", "title"})
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|DECLARE|CREATE|ALTER|DROP|GRANT|REVOKE|CASE|WITH|BEGIN)\b")
TAG = re.compile(r"(\{%.*?%\})", re.DOTALL)
VALUES = ("number", "counted", "now", "cycle", "letter")
"""The tags that print a value."""
ENDS = re.compile(r"(?<=[.!?])[\"”’)*]*\s+(?=[\"“(*A-Z0-9{])")


def sentences(block: str) -> list[str]:
    """The sentences of a block."""
    return ENDS.split(" ".join(block.split()))


def count_words(sentence: str) -> int:
    """The words of a sentence; several values in a row are one."""
    return sum(bool(re.search(r"\w", word)) for word in re.sub(r"\bX(?: X)+\b", "X", sentence).split())


class _Html(HTMLParser):
    """Collects the blocks of a page: an inline tag does not end one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.text = ""
        self.hidden = 0
        self.feed(page)
        self._end_block()

    def _end_block(self) -> None:
        if self.text.strip():
            self.blocks.append(" ".join(self.text.split()))
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style")
        if tag not in INLINE:
            self._end_block()
        self.blocks += [value for name, value in attrs if value and name in READ_ALOUD]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")
        if tag not in INLINE:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.text += data


def _word(tag: str) -> str:
    """The name of a template's tag."""
    found = re.match(r"\{%\s*(\w+)", tag)
    return found[1] if found else ""


def _longest(parts: list[str], at: int, stop: frozenset[str]) -> tuple[str, int]:
    """The template from a part on, with the longest branch of each `if`, up to a tag that stops it."""
    text = ""
    while at < len(parts):
        part, word = parts[at], _word(parts[at]) if at % 2 else ""
        if word in stop:
            return text, at
        if word == "if":
            branches = []
            while word != "endif" and at < len(parts):
                branch, at = _longest(parts, at + 1, frozenset({"elif", "else", "endif"}))
                branches.append(branch)
                word = _word(parts[at]) if at < len(parts) else ""
            text += max(branches, key=lambda branch: len(re.sub(r"<[^>]*>", " ", branch).split()))
        elif at % 2 == 0:
            text += part
        else:
            text += " X " if word in VALUES else " "
        at += 1
    return text, at


def of_template(template: str, *, is_html: bool, all_branches: bool) -> list[str]:
    """The blocks of a template: with all branches of an `if`, or with the longest alone."""
    text = re.sub(r"(?s){#.*?#}|{% comment.*?endcomment %}", " ", template)
    text = re.sub(r"(?s){{.*?}}", "X", text)
    text = TAG.sub(" ", text) if all_branches else _longest(TAG.split(text), 0, frozenset())[0]
    return _Html(text).blocks if is_html else re.split(r"\n\s*\n", text)


def of_python(source: str) -> list[str]:
    """The strings of a module that are words, without docstrings and SQL."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    left_out = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    left_out |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        id(node) for node in nodes if isinstance(node, ast.JoinedStr)
    }
    texts = []
    for node in nodes:
        if id(node) in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            texts.append("".join(str(v.value) if isinstance(v, ast.Constant) else "X" for v in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    return [text for text in texts if (" " in text.strip() or text[:1].isupper()) and not SQL.match(text)]


def of_script(source: str) -> list[str]:
    """The strings of a script that are words."""
    strings = re.findall(r'"([^"\n]*)"|`([^`]*)`', source)
    texts = [re.sub(r"\$\{[^}]*\}", "X", plain or filled) for plain, filled in strings]
    return [text for text in texts if " " in text.strip() and not text.startswith((".", "#", "["))]


def of_markdown(source: str) -> list[str]:
    """The paragraphs, list items, headings and cells of a document, without code."""
    text = re.sub(r"(?ms)^ *```.*?^ *```|^ {4,}(?![-*\d]).*?$(?!\n {0,3}\S)", "", source)
    text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`\n]*`", "X", text))
    blocks = [""]
    for line in text.split("\n"):
        if line.lstrip().startswith("|"):
            blocks += line.strip().strip("|").split("|")
        elif not line.strip():
            blocks.append("")
        elif re.match(r"\s*([-*]|\d+\.|#+)\s", line):
            blocks.append(re.sub(r"^\s*([-*]|\d+\.|#+)\s", "", line))
        else:
            blocks[-1] += f"\n{line}"
    return [block for block in blocks if block.strip()]


def of_file(path: Path, *, all_branches: bool) -> Iterator[str]:
    """The blocks of a file of any kind that has prose."""
    source = path.read_text(encoding="utf-8")
    match path.suffix:
        case ".py":
            yield from of_python(source)
        case ".js":
            yield from of_script(source)
        case ".md":
            yield from of_markdown(source)
        case kind:
            yield from of_template(source, is_html=kind == ".html", all_branches=all_branches)
