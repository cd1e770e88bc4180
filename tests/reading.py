"""Reads an advisory back from each of its forms into one shape, so that the forms can be compared.

All texts in that shape have no white space, because a printed line may end where a space was.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pdfua.rules.structure
import pikepdf
import pytest
from pdfua.validator import validate

from assessments.scoring.advisory import Advisory
from assessments.scoring.document import Document
from assessments.scoring.wording import answer_in_words, long_date
from bulletin.encoding.schema import Edition

CONTACTS = "When to contact the Integrity Commissioner, and about what"
TO_DO = "What to do, and by when"
TO_CHECK = "What to look up"
FINDINGS = "Findings, section by section"
OPEN = "Not answered yet"
IGNORED = "Answers kept but not counted"
NOTES = "Your notes"
RESTS_ON = "What this rests on"
LIMITS = "The limits of this advisory"
LETTER = (
    "Write an e-mail about these points",
    "Your own mail program opens with the points filled in. Nothing is sent until you send it.",
)
"""What only the page on screen has below the contacts: a way to write to the Commissioner's office."""

Block = tuple[str, str]
"""A piece of a page: its tag (h1 to h6, p, li, dt, dd, address or summary) and its text."""


def flat(text: str) -> str:
    """`text` without white space, and without the zero-width spaces that printing adds."""
    return "".join(text.split()).replace("\u200b", "")


def cited(paragraphs: Iterable[str]) -> str:
    """`¶12 and ¶14`, `commentary C2`."""
    named = [("commentary " if name.startswith("C") else "¶") + name for name in paragraphs]
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]])) if named else ""


@dataclass(frozen=True)
class FindingText:
    """The texts of one finding, and the questions that it rests on."""

    section: str
    status: str
    contact: str
    advice: str
    rests_on: frozenset[str]


@dataclass
class AdvisoryContents:
    """The texts of an advisory, part by part."""

    headline: str = ""
    meaning_and_score: str = ""
    details: set[str] = field(default_factory=set)
    contacts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    to_do: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    to_check: list[str] = field(default_factory=list)
    findings: dict[str, FindingText] = field(default_factory=dict)
    sections: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    ignored: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    contact_block: set[str] = field(default_factory=set)
    remarks: set[str] = field(default_factory=set)
    stamp: str = ""


# --- From the JSON ------------------------------------------------------------


def contents_of_json(raw: bytes, advisory: Advisory, document: Document) -> AdvisoryContents:
    """The JSON's contents in the edition's words, with the names and notes of the document, which the JSON lacks."""
    record: dict[str, Any] = json.loads(raw)
    edition = advisory.edition
    words, advice = edition.sheet.words, edition.advice
    by_rule = {finding["rule"]: finding for finding in record["findings"]}
    contents = AdvisoryContents(
        headline=flat(words.overall[record["overall"]].title),
        meaning_and_score=flat(words.overall[record["overall"]].says + _score(record)),
        details={flat(value) for value in document.account.values()}
        | {flat(long_date(advisory.as_of)), flat(long_date(advisory.election.campaign_ends))},
        to_check=[_asked(edition, question) for question in record["check"]],
        unanswered=[_asked(edition, question) for question in record["unanswered"]],
        ignored=flat("; ".join(edition.question[question].short for question in record["ignored"])),
        notes={flat(edition.question[q].short): flat(document.notes[q]) for q in document.notes},
        facts={
            flat(fact.title): {True: "Yes", False: "No", None: "Notknownyet"}[record["facts"][fact.id]]
            for fact in edition.sheet.facts
        },
        limits=[flat(limit) for limit in edition.sheet.limits],
        contact_block={flat(line) for line in edition.sheet.contact.model_dump().values()},
        remarks={flat(remark) for remark in _remarks(record, advisory)},
        stamp=flat(f"Edition {record['edition']}, revision {record['revision']}, digest {record['digest']}"),
    )
    if record["election"]["id"] not in edition.sheet.names_elections:
        contents.limits.append(_calendar_note(edition, advisory))
    for contact in record["contact"]:
        when = flat(words.contact[contact["when"]].title)
        filing = advisory.answers.get(edition.sheet.timing.filing)
        if contact["when"] == "before_filing" and isinstance(filing, date):
            when += flat(f", on {long_date(filing)}")
        contents.contacts.setdefault(when, []).append((contact["rule"], flat(contact["why"])))
    for deadline in record["deadlines"]:
        by_when = flat(deadline["text"].rstrip("."))
        contents.to_do.setdefault(by_when, []).append(
            (deadline["rule"], flat(by_rule[deadline["rule"]]["advice"]))
        )
    for section, count in record["score"]["sections"].items():
        title = next(s.title for s in edition.sheet.sections if s.id == section)
        counted = f"{count['consistent']} of {count['applicable']} consistent"
        contents.sections.append(flat(title + (counted if count["applicable"] else "nothing counted")))
        for finding in record["findings"]:
            if edition.rule[finding["rule"]].section == section:
                contents.findings[finding["rule"]] = FindingText(
                    section=contents.sections[-1],
                    status=flat(words.outcomes[finding["outcome"]].title),
                    contact=flat(words.contact[finding["contact"]].title.lower())
                    if finding["contact"]
                    else "",
                    advice=flat(advice[finding["rule"]].for_outcome(finding["outcome"])),
                    rests_on=frozenset(finding["because"]),
                )
                assert finding["advice"] == advice[finding["rule"]].for_outcome(finding["outcome"])
    return contents


def _score(record: Mapping[str, Any]) -> str:
    score, open_questions = record["score"], len(record["unanswered"])
    which = "that apply" if record["complete"] else "counted so far"
    sentence = (
        f"{score['consistent']} of the {score['applicable']} rules {which} are consistent on your answers."
    )
    if not score["applicable"]:
        sentence = "No rule can be counted yet."
    more = f" {open_questions} question{'s are' if open_questions > 1 else ' is'} still open, and more may come up."
    return sentence + more if open_questions else sentence


def _remarks(record: Mapping[str, Any], advisory: Advisory) -> Iterator[str]:
    """The remarks where a list is empty, and the one about a filing date outside the nomination period."""
    sheet, election = advisory.edition.sheet, advisory.election
    nothing = sheet.words.nothing
    if not record["contact"]:
        yield nothing.contact if record["complete"] else nothing.contact_so_far
    if not record["deadlines"]:
        if record["contact"]:
            yield nothing.to_do_but_contact
        else:
            yield nothing.to_do if record["complete"] else nothing.to_do_so_far
    filing = advisory.answers.get(sheet.timing.filing)
    first, last = election.nominations_open, election.nominations_close
    if isinstance(filing, date) and not (first or filing) <= filing <= last:
        days = f"from {long_date(first)} to {long_date(last)}" if first else f"until {long_date(last)}"
        note = sheet.filing_note.replace("{date}", long_date(filing)).replace("{days}", days)
        yield note.replace("{election}", f"the {election.name}")


def _asked(edition: Edition, question_id: str) -> str:
    question = edition.question[question_id]
    return flat(question.asks + cited(question.paragraphs))


def _calendar_note(edition: Edition, advisory: Advisory) -> str:
    election = advisory.election
    note = edition.sheet.calendar_note.replace("{election}", f"the {election.name}")
    note = note.replace("{date}", long_date(election.campaign_ends))
    if not election.confirmed:
        note += (
            f" These dates are not yet confirmed (last looked at on {long_date(election.last_confirmed)})."
        )
    return flat(note)


# --- From a page, on screen or in print ---------------------------------------


class _Blocks(HTMLParser):
    TAGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "dt", "dd", "address", "summary"})

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.TAGS:
            self.blocks.append((tag, ""))
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in self.TAGS:
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, text = self.blocks.pop()
            self.blocks.append((tag, text + data))


def blocks_of_html(html: str) -> list[Block]:
    """The blocks of an HTML page, in reading order."""
    parser = _Blocks()
    parser.feed(html)
    return parser.blocks


def blocks_of_pdf(pdf: pikepdf.Pdf) -> list[Block]:
    """The blocks of a tagged PDF, in the order of its tags, as a screen reader reads them."""
    texts = {(leaf.obj.objgen, mcid): text for leaf in pdf.pages for mcid, text in _marked(leaf)}
    blocks: list[Block] = []

    def walk(node: Any, page: Any) -> None:
        if isinstance(node, pikepdf.Array):
            for kid in node:
                walk(kid, page)
        elif isinstance(node, pikepdf.Dictionary):
            page = node.get("/Pg", page)
            tag = str(node.get("/S", "")).removeprefix("/").lower()
            if tag in _Blocks.TAGS:
                blocks.append((tag, ""))
            if "/ActualText" in node:
                tag, text = blocks.pop()
                blocks.append((tag, text + str(node.ActualText)))
            else:
                walk(node.get("/K"), page)
        elif node is not None:
            tag, text = blocks.pop()
            blocks.append((tag, text + texts.get((page.objgen, int(node)), "")))

    walk(pdf.Root.StructTreeRoot.K, None)
    return blocks


def margins_of_pdf(pdf: pikepdf.Pdf) -> list[str]:
    """The text in the margins of each page, which is outside the reading order."""
    return [" ".join(text for mcid, text in _marked(leaf) if mcid is None) for leaf in pdf.pages]


def _marked(leaf: pikepdf.Page) -> Iterator[tuple[int | None, str]]:
    """Each marked text of a page with its number, which is None in the margins."""
    letters: dict[str, str] = {}
    number: int | None = None
    text = ""
    for instruction in pikepdf.parse_content_stream(leaf, operators="BDC BMC EMC Tf TJ"):
        operands: Any = instruction.operands
        match str(instruction.operator):
            case "BDC" | "BMC":
                number = int(operands[1].MCID) if len(operands) > 1 and "/MCID" in operands[1] else None
                text = ""
            case "EMC":
                yield number, text
            case "Tf":
                letters = _letters(leaf.Resources.Font[str(operands[0])])
            case "TJ":
                codes = b"".join(bytes(o) for o in operands[0] if isinstance(o, pikepdf.String))
                text += "".join(letters[codes[i : i + 2].hex()] for i in range(0, len(codes), 2))


def _letters(font: pikepdf.Object) -> dict[str, str]:
    table = font.ToUnicode.read_bytes().decode().split("endcodespacerange")[1]
    pairs = re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]*)>$", table, re.MULTILINE)
    return {glyph: bytes.fromhex(text).decode("utf-16-be") for glyph, text in pairs}


def assert_pdf_ua(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that every check of pdfua passes and that none is skipped.

    pdfua 0.1.3 asks pikepdf's arrays whether they are integers. That raises, so it skips its check for empty
    headings. With our replacement, which asks Python, all twelve checks run.
    """
    monkeypatch.setattr(pdfua.rules.structure, "as_integer", lambda kid: kid if type(kid) is int else None)
    report = validate(str(path))
    assert len(report.outcomes) >= 12
    assert [(o.rule_id, o.skipped_reason) for o in report.outcomes if o.skipped_reason] == []
    assert [(finding.rule_id, finding.message) for finding in report.findings] == []


def opened(pdf: bytes) -> pikepdf.Pdf:
    """The PDF, opened."""
    return pikepdf.open(BytesIO(pdf))


def contents_of_blocks(blocks: list[Block], advisory: Advisory) -> AdvisoryContents:
    """The contents of a page, on screen or in print."""
    edition = advisory.edition
    names = {f"{flat(cited(r.paragraphs) + r.title)}": r.id for r in edition.rules}
    assert len(names) == len(edition.rules)
    with_force = {
        f"{name}({flat(edition.sheet.words.forces[edition.rule[rule].force].lower())})": rule
        for name, rule in names.items()
    }
    contents = AdvisoryContents()
    parts: list[list[Block]] = [[]]
    for tag, text in blocks:
        if tag == "h2":
            parts.append([])
        parts[-1].append((tag, flat(text).removeprefix("–")))  # the mark of a printed list
    contents.details = {text for _, text in parts[0]}
    contents.headline = parts[1][0][1]
    contents.meaning_and_score = parts[1][1][1]
    by_title = {part[0][1]: part[1:] for part in parts[2:]}
    assert len(by_title) == len(parts) - 2, "a heading stands twice"

    contents.contacts = _grouped(by_title[flat(CONTACTS)], {f"{name}:": rule for name, rule in names.items()})
    contents.contact_block, contents.remarks = _contact_block_and_remarks(
        (text for part in (CONTACTS, TO_DO) for tag, text in by_title[flat(part)] if tag in ("p", "address")),
        edition,
    )
    if contents.contacts:
        contents.remarks -= set(map(flat, LETTER))
    contents.to_do = _grouped(by_title[flat(TO_DO)], {f"{name}.": rule for name, rule in names.items()})
    _read_findings(by_title[flat(FINDINGS)], with_force, contents, advisory)
    contents.to_check = [text for tag, text in by_title.get(flat(TO_CHECK), []) if tag == "li"]
    contents.unanswered = [text for tag, text in by_title.get(flat(OPEN), []) if tag == "li"]
    for tag, text in by_title.get(flat(OPEN), []):
        assert tag != "p" or text.startswith(f"{len(contents.unanswered)}question")
    for _, text in by_title.get(flat(IGNORED), []):
        contents.ignored = text.partition("notasked:")[2].removesuffix(".")
    contents.notes = _noted((text, tag != "h3") for tag, text in by_title.get(flat(NOTES), []))
    for tag, text in by_title[flat(RESTS_ON)]:
        if tag == "summary":
            continue
        fact, truth = next((f, text[len(f) :]) for f in _facts(edition) if text.startswith(f"{f}:"))
        contents.facts[fact] = truth.removeprefix(":").partition(".")[0]
    limits = by_title[flat(LIMITS)]
    contents.limits = [text for tag, text in limits if tag == "li"]
    contents.stamp = next(text for tag, text in limits if tag == "p").removesuffix(".")
    return contents


@dataclass
class _Head:
    """What comes before a group of findings and applies to all of them: one paragraph in print, several on screen.

    `cites` are the paragraphs that a folded group names of its findings; the advice above belongs to them.
    """

    status: str = ""
    above: bool = False
    shared: str = ""
    cites: str | None = None

    def read(self, text: str) -> "_Head":
        """Return the head with a further paragraph, or a new head if the paragraph begins one."""
        if text == flat("What to do stands above."):
            return replace(self, above=True)
        head, _, shared = text.removesuffix(".").partition("Allreston:")
        if not head:
            return replace(self, shared=shared)
        status, _, note = head.partition(":")
        return _Head(status, flat("what to do stands above") in note, shared)

    def check(self, rules: Iterable[Iterable[str]], edition: Edition) -> None:
        """Assert that a folded group names its findings if what to do is above, and else names nothing."""
        if self.cites is not None:
            lines = [[flat(cited(edition.rule[rule].paragraphs)) for rule in line] for line in rules]
            expected = "".join(dict.fromkeys(cite for line in lines for cite in line))
            assert self.cites == (expected if self.above else ""), f"folded as {self.cites}"


def _read_findings(
    blocks: list[Block], names: Mapping[str, str], contents: AdvisoryContents, advisory: Advisory
) -> None:
    advice_above = {rule: advice for group in contents.to_do.values() for rule, advice in group}
    statuses = [flat(words.title) for words in advisory.edition.sheet.words.outcomes.values()]
    head = _Head()
    lines: list[list[str]] = []
    for tag, text in [*blocks, ("h3", "")]:
        if tag in ("h3", "summary"):
            head.check(lines, advisory.edition)
            head, lines = _Head(), []
        if tag == "h3" and text:
            contents.sections.append(text)
        elif tag == "summary":
            status = max((s for s in statuses if text.startswith(s)), key=len)
            head = _Head(status, cites=text.removeprefix(status))
        elif tag == "p" and contents.sections:
            head = head.read(text)
        elif tag == "li":
            rules, rest = _several(text, names)
            lines.append(rules)
            contact = ""
            if match := re.match(r"ContacttheCommissioner:(.+?)\.", rest):
                contact, rest = match[1], rest[match.end() :]
            advice, _, own = rest.partition("Andon:" if head.shared else "Restson:")
            basis = ";".join(filter(None, [head.shared, own.removesuffix(".")]))
            for rule in rules:
                assert rule not in contents.findings, f"{rule} is told twice"
                contents.findings[rule] = FindingText(
                    section=contents.sections[-1],
                    status=head.status,
                    contact=contact,
                    advice=advice_above[rule] if head.above else advice,
                    rests_on=questions_in(basis, advisory, rule),
                )
                assert not (head.above and advice), f"{rule} is advised twice"


def _contact_block_and_remarks(lines: Iterable[str], edition: Edition) -> tuple[set[str], set[str]]:
    contact = edition.sheet.contact
    contact_lines: set[str] = set()
    remarks: set[str] = set()
    for line in lines:
        is_contact = flat(contact.telephone) in line or flat(contact.street) in line
        (contact_lines if is_contact else remarks).add(line)
    return contact_lines, remarks


def _noted(lines: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """Notes by their titles, from lines that are each a text and whether it belongs to a note."""
    notes: dict[str, str] = {}
    for text, is_note in lines:
        if is_note:
            notes[next(reversed(notes))] += text
        else:
            notes[text] = ""
    return notes


def _facts(edition: Edition) -> list[str]:
    return [flat(fact.title) for fact in edition.sheet.facts]


def _grouped(blocks: list[Block], names: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for tag, text in blocks:
        if tag == "h3":
            assert text not in groups
            groups[text] = []
        elif tag == "li":
            groups[next(reversed(groups))].append(_split_name(text, names))
    return groups


def _split_name(text: str, names: Mapping[str, str]) -> tuple[str, str]:
    """The rule of the longest name that `text` begins with, and the rest of `text`."""
    name = max((name for name in names if text.startswith(name)), key=len, default=None)
    assert name is not None, f"begins with no known name: {text[:120]}"
    return names[name], text[len(name) :]


def _several(text: str, names: Mapping[str, str]) -> tuple[list[str], str]:
    rules = []
    while True:
        rule, text = _split_name(text, names)
        rules.append(rule)
        if not text.startswith(";"):
            assert text.startswith("."), text[:120]
            return rules, text[1:]
        text = text[1:]


def questions_in(basis: str, advisory: Advisory, rule: str) -> frozenset[str]:
    """The questions that a basis names by their answers, or by a fact that follows from several answers."""
    edition = advisory.edition
    finding = next(finding for finding in advisory.findings if finding.rule.id == rule)
    if basis.startswith("Thefindingson:"):
        paragraphs = {flat(cited(r.paragraphs)) for r in finding.decided_by}
        assert set(re.split(";", basis.removeprefix("Thefindingson:"))) == paragraphs
        return finding.rests_on
    by_text: dict[str, frozenset[str]] = {}
    for question in finding.rests_on:
        answer = advisory.answers.get(question)
        text = f"{edition.question[question].short}: {answer_in_words(edition, question, answer)}"
        by_text[flat(text)] = frozenset({question})
    for fact in edition.sheet.facts:
        verdict = advisory.facts[fact.id]
        truth = {True: "Yes", False: "No", None: "Not known yet"}[verdict.value]
        by_text[flat(f"{fact.title}: {truth}")] = verdict.rests_on
    questions: frozenset[str] = frozenset()
    rest = basis
    while rest:
        piece = max((piece for piece in by_text if rest.startswith(piece)), key=len, default=None)
        assert piece is not None, f"{rule} is said to rest on {rest[:120]}"
        questions |= by_text[piece]
        rest = rest[len(piece) :].removeprefix(";")
    return questions


# --- From the text ------------------------------------------------------------


def contents_of_text(text: str, advisory: Advisory) -> AdvisoryContents:
    """The contents of the text form, which must be so wide that no line is wrapped."""
    edition = advisory.edition
    names = {flat(f"{cited(r.paragraphs)} {r.title}"): r.id for r in edition.rules}
    with_comma = {flat(f"{cited(r.paragraphs)}, {r.title}:"): r.id for r in edition.rules}
    parts = _headed(text)
    contents = AdvisoryContents()
    contents.details = {flat(line) for line in parts[0][1]}
    mark_and_headline, meaning = parts[1]
    contents.headline = mark_and_headline[1:]
    contents.meaning_and_score = flat("".join(meaning))
    by_title = dict(parts[2:])
    assert len(by_title) == len(parts) - 2, "a heading stands twice"
    contents.contacts = _grouped_lines(by_title[flat(CONTACTS)], with_comma)
    contents.to_do = _grouped_lines(by_title[flat(TO_DO)], with_comma)
    contents.contact_block, contents.remarks = _contact_block_and_remarks(
        (
            flat(line)
            for part in (CONTACTS, TO_DO)
            for line in by_title[flat(part)]
            if not line.startswith("  ") and not line.endswith(":")
        ),
        edition,
    )
    sections = {flat(section.title) for section in edition.sections_with_rules}
    for title, lines in by_title.items():
        if (section := title.rpartition("(")[0]) not in sections:
            continue
        contents.sections.append(section + title.rpartition("(")[2].removesuffix(")"))
        for rule, finding in _items(lines, contents.sections[-1], names, advisory):
            assert rule not in contents.findings
            contents.findings[rule] = finding
    contents.to_check = [_question(line) for line in by_title.get(flat(TO_CHECK), [])]
    contents.unanswered = [_question(line) for line in by_title.get(flat(OPEN), [])]
    contents.ignored = (
        flat("".join(by_title.get(flat(IGNORED), []))).partition("answers:")[2].removesuffix(".")
    )
    contents.notes = _noted(
        (flat(line) if line.startswith("  ") else flat(line).removesuffix(":"), line.startswith("  "))
        for line in by_title.get(flat(NOTES), [])
    )
    for line in by_title[flat(RESTS_ON)]:
        if not line.startswith("  "):
            fact, _, truth = line.rpartition(": ")
            contents.facts[flat(fact)] = flat(truth)
    *limits, stamp = by_title[flat(LIMITS)]
    contents.limits = [flat(line).removeprefix("-") for line in limits]
    contents.stamp = flat(stamp)
    return contents


def _headed(text: str) -> list[tuple[str, list[str]]]:
    """The headings of a text, each with its lines."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if line.endswith("──"):
            parts.append((flat(line.rstrip("─")), []))
        elif line:
            parts[-1][1].append(line)
    return parts


def _grouped_lines(lines: list[str], names: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        if line.startswith("  "):
            groups[next(reversed(groups))].append(_split_name(flat(line), names))
        elif line.endswith(":"):
            groups[flat(line).removesuffix(":")] = []
    return groups


def _question(line: str) -> str:
    match = re.fullmatch(r"-(.*)\(((?:¶|commentary).*)\)|-(.*)", flat(line))
    assert match
    return match[3] or match[1] + match[2]


def _items(
    lines: list[str], section: str, names: Mapping[str, str], advisory: Advisory
) -> Iterator[tuple[str, FindingText]]:
    words = advisory.edition.sheet.words
    heads = [at for at, line in enumerate(lines) if not line.startswith("  ")]
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        rule, rest = _split_name(flat(lines[at])[1:], names)
        _, force, status, *contact = rest.split("·")
        assert force == flat(words.forces[advisory.edition.rule[rule].force])
        advice, *basis = [flat(line) for line in lines[at + 1 : end]]
        assert len(contact) <= 1
        assert len(basis) <= 1
        yield (
            rule,
            FindingText(
                section=section,
                status=status,
                contact="".join(contact).removeprefix("ContacttheCommissioner:"),
                advice=advice,
                rests_on=questions_in("".join(basis).removeprefix("Restson:"), advisory, rule),
            ),
        )
