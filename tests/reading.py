"""Reads an advisory back from each form in which it is handed out, into one shape that can be compared.

All texts in that shape are without white space, because a printed line ends where a space was.
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
LOOK_UP = "What to look up"
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
"""What a page on screen offers below the contacts: a way to write to the office."""

Block = tuple[str, str]
"""A piece of a page: its tag (h1 to h6, p, li, dt, dd, address or summary) and its text."""


def flat(text: str) -> str:
    """`text` without white space, and without the chances to break that printing puts in."""
    return "".join(text.split()).replace("\u200b", "")


def cited(paragraphs: Iterable[str]) -> str:
    """`¶12 and ¶14`, `commentary C2`."""
    named = [("commentary " if one.startswith("C") else "¶") + one for one in paragraphs]
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]])) if named else ""


@dataclass(frozen=True)
class Found:
    """One finding as it is told."""

    section: str
    status: str
    contact: str
    advice: str
    rests_on: frozenset[str]


@dataclass
class Told:
    """What an advisory tells its reader."""

    headline: str = ""
    meaning_and_score: str = ""
    given: set[str] = field(default_factory=set)
    contacts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    to_do: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    look_up: list[str] = field(default_factory=list)
    findings: dict[str, Found] = field(default_factory=dict)
    sections: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    ignored: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    office: set[str] = field(default_factory=set)
    remarks: set[str] = field(default_factory=set)
    stamp: str = ""


# --- From the JSON ------------------------------------------------------------


def told_by_json(raw: bytes, advisory: Advisory, document: Document) -> Told:
    """What the JSON says, worded by the edition; only names and notes, which it leaves out, are the document's."""
    data: dict[str, Any] = json.loads(raw)
    edition = advisory.edition
    words, advice = edition.sheet.words, edition.advice
    by_rule = {finding["rule"]: finding for finding in data["findings"]}
    told = Told(
        headline=flat(words.overall[data["overall"]].title),
        meaning_and_score=flat(words.overall[data["overall"]].says + _score(data)),
        given={flat(value) for value in document.account.values()}
        | {flat(long_date(advisory.as_of)), flat(long_date(advisory.election.campaign_ends))},
        look_up=[_asked(edition, question) for question in data["check"]],
        unanswered=[_asked(edition, question) for question in data["unanswered"]],
        ignored=flat("; ".join(edition.question[question].short for question in data["ignored"])),
        notes={flat(edition.question[q].short): flat(document.notes[q]) for q in document.notes},
        facts={
            flat(fact.title): {True: "Yes", False: "No", None: "Notknownyet"}[data["facts"][fact.id]]
            for fact in edition.sheet.facts
        },
        limits=[flat(limit) for limit in edition.sheet.limits],
        office={flat(line) for line in edition.sheet.contact.model_dump().values()},
        remarks={flat(remark) for remark in _remarks(data, advisory)},
        stamp=flat(f"Edition {data['edition']}, revision {data['revision']}, digest {data['digest']}"),
    )
    if data["election"]["id"] not in edition.sheet.names_elections:
        told.limits.append(_calendar_note(edition, advisory))
    for contact in data["contact"]:
        when = flat(words.contact[contact["when"]].title)
        filing = advisory.answers.get(edition.sheet.timing.filing)
        if contact["when"] == "before_filing" and isinstance(filing, date):
            when += flat(f", on {long_date(filing)}")
        told.contacts.setdefault(when, []).append((contact["rule"], flat(contact["why"])))
    for deadline in data["deadlines"]:
        by_when = flat(deadline["text"].rstrip("."))
        told.to_do.setdefault(by_when, []).append(
            (deadline["rule"], flat(by_rule[deadline["rule"]]["advice"]))
        )
    for section, count in data["score"]["sections"].items():
        title = next(s.title for s in edition.sheet.sections if s.id == section)
        counted = f"{count['consistent']} of {count['applicable']} consistent"
        told.sections.append(flat(title + (counted if count["applicable"] else "nothing counted")))
        for finding in data["findings"]:
            if edition.rule[finding["rule"]].section == section:
                told.findings[finding["rule"]] = Found(
                    section=told.sections[-1],
                    status=flat(words.outcomes[finding["outcome"]].title),
                    contact=flat(words.contact[finding["contact"]].title.lower())
                    if finding["contact"]
                    else "",
                    advice=flat(advice[finding["rule"]].for_outcome(finding["outcome"])),
                    rests_on=frozenset(finding["because"]),
                )
                assert finding["advice"] == advice[finding["rule"]].for_outcome(finding["outcome"])
    return told


def _score(data: Mapping[str, Any]) -> str:
    score, left = data["score"], len(data["unanswered"])
    which = "that apply" if data["complete"] else "counted so far"
    said = f"{score['consistent']} of the {score['applicable']} rules {which} are consistent on your answers."
    if not score["applicable"]:
        said = "No rule can be counted yet."
    more = f" {left} question{'s are' if left > 1 else ' is'} still open, and more may come up."
    return said + more if left else said


def _remarks(data: Mapping[str, Any], advisory: Advisory) -> Iterator[str]:
    """What is said where there is nothing to list, and of a filing date that is no day for filing."""
    sheet, election = advisory.edition.sheet, advisory.election
    nothing = sheet.words.nothing
    if not data["contact"]:
        yield nothing.contact if data["complete"] else nothing.contact_so_far
    if not data["deadlines"]:
        if data["contact"]:
            yield nothing.to_do_but_contact
        else:
            yield nothing.to_do if data["complete"] else nothing.to_do_so_far
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
        self.found: list[Block] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.TAGS:
            self.found.append((tag, ""))
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in self.TAGS:
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, text = self.found.pop()
            self.found.append((tag, text + data))


def blocks_of_html(html: str) -> list[Block]:
    """The blocks of an HTML page, in reading order."""
    parser = _Blocks()
    parser.feed(html)
    return parser.found


def blocks_of_pdf(pdf: pikepdf.Pdf) -> list[Block]:
    """The blocks of a tagged PDF, as a reading machine walks them."""
    texts = {(leaf.obj.objgen, mcid): text for leaf in pdf.pages for mcid, text in _marked(leaf)}
    found: list[Block] = []

    def walk(node: Any, page: Any) -> None:
        if isinstance(node, pikepdf.Array):
            for kid in node:
                walk(kid, page)
        elif isinstance(node, pikepdf.Dictionary):
            page = node.get("/Pg", page)
            tag = str(node.get("/S", "")).removeprefix("/").lower()
            if tag in _Blocks.TAGS:
                found.append((tag, ""))
            if "/ActualText" in node:
                tag, text = found.pop()
                found.append((tag, text + str(node.ActualText)))
            else:
                walk(node.get("/K"), page)
        elif node is not None:
            tag, text = found.pop()
            found.append((tag, text + texts.get((page.objgen, int(node)), "")))

    walk(pdf.Root.StructTreeRoot.K, None)
    return found


def margins_of_pdf(pdf: pikepdf.Pdf) -> list[str]:
    """What stands in the margins of each page, out of the reading order."""
    return [" ".join(text for mcid, text in _marked(leaf) if mcid is None) for leaf in pdf.pages]


def _marked(leaf: pikepdf.Page) -> Iterator[tuple[int | None, str]]:
    """Each marked text of a page: its number, or None in the margins."""
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
    """Every check of pdfua finds nothing, and none is skipped.

    0.1.3 asks pikepdf's arrays whether they are integers, which raises, and so skips its check for empty headings.
    With a helper that asks Python, all twelve run.
    """
    monkeypatch.setattr(pdfua.rules.structure, "as_integer", lambda kid: kid if type(kid) is int else None)
    report = validate(str(path))
    assert len(report.outcomes) >= 12
    assert [(o.rule_id, o.skipped_reason) for o in report.outcomes if o.skipped_reason] == []
    assert [(finding.rule_id, finding.message) for finding in report.findings] == []


def opened(pdf: bytes) -> pikepdf.Pdf:
    """A PDF to look into."""
    return pikepdf.open(BytesIO(pdf))


def told_by_blocks(blocks: list[Block], advisory: Advisory) -> Told:
    """What a page says, on screen or in print."""
    edition = advisory.edition
    names = {f"{flat(cited(r.paragraphs) + r.title)}": r.id for r in edition.rules}
    assert len(names) == len(edition.rules)
    with_force = {
        f"{name}({flat(edition.sheet.words.forces[edition.rule[rule].force].lower())})": rule
        for name, rule in names.items()
    }
    told = Told()
    parts: list[list[Block]] = [[]]
    for tag, text in blocks:
        if tag == "h2":
            parts.append([])
        parts[-1].append((tag, flat(text).removeprefix("–")))  # the mark of a printed list
    told.given = {text for _, text in parts[0]}
    told.headline = parts[1][0][1]
    told.meaning_and_score = parts[1][1][1]
    by_title = {part[0][1]: part[1:] for part in parts[2:]}
    assert len(by_title) == len(parts) - 2, "a heading stands twice"

    told.contacts = _grouped(by_title[flat(CONTACTS)], {f"{name}:": rule for name, rule in names.items()})
    told.office, told.remarks = _office_and_remarks(
        (text for part in (CONTACTS, TO_DO) for tag, text in by_title[flat(part)] if tag in ("p", "address")),
        edition,
    )
    if told.contacts:
        told.remarks -= set(map(flat, LETTER))
    told.to_do = _grouped(by_title[flat(TO_DO)], {f"{name}.": rule for name, rule in names.items()})
    _read_findings(by_title[flat(FINDINGS)], with_force, told, advisory)
    told.look_up = [text for tag, text in by_title.get(flat(LOOK_UP), []) if tag == "li"]
    told.unanswered = [text for tag, text in by_title.get(flat(OPEN), []) if tag == "li"]
    for tag, text in by_title.get(flat(OPEN), []):
        assert tag != "p" or text.startswith(f"{len(told.unanswered)}question")
    for _, text in by_title.get(flat(IGNORED), []):
        told.ignored = text.partition("notasked:")[2].removesuffix(".")
    told.notes = _noted((text, tag != "h3") for tag, text in by_title.get(flat(NOTES), []))
    for tag, text in by_title[flat(RESTS_ON)]:
        if tag == "summary":
            continue
        fact, truth = next((f, text[len(f) :]) for f in _facts(edition) if text.startswith(f"{f}:"))
        told.facts[fact] = truth.removeprefix(":").partition(".")[0]
    limits = by_title[flat(LIMITS)]
    told.limits = [text for tag, text in limits if tag == "li"]
    told.stamp = next(text for tag, text in limits if tag == "p").removesuffix(".")
    return told


@dataclass
class _Head:
    """What is said of a group of findings before them: in print in one paragraph, on screen in several.

    `cites` is what a folded group names of those in it, to which the advice above belongs.
    """

    status: str = ""
    above: bool = False
    shared: str = ""
    cites: str | None = None

    def read(self, text: str) -> "_Head":
        """The head with one more paragraph, or a new one that begins with it."""
        if text == flat("What to do stands above."):
            return replace(self, above=True)
        head, _, shared = text.removesuffix(".").partition("Allreston:")
        if not head:
            return replace(self, shared=shared)
        status, _, note = head.partition(":")
        return _Head(status, flat("what to do stands above") in note, shared)

    def check(self, rules: Iterable[Iterable[str]], edition: Edition) -> None:
        """That a folded group names what is in it, if what to do stands above, and no more."""
        if self.cites is not None:
            lines = [[flat(cited(edition.rule[rule].paragraphs)) for rule in line] for line in rules]
            expected = "".join(dict.fromkeys(cite for line in lines for cite in line))
            assert self.cites == (expected if self.above else ""), f"folded as {self.cites}"


def _read_findings(blocks: list[Block], names: Mapping[str, str], told: Told, advisory: Advisory) -> None:
    advice_above = {rule: advice for group in told.to_do.values() for rule, advice in group}
    statuses = [flat(said.title) for said in advisory.edition.sheet.words.outcomes.values()]
    head = _Head()
    lines: list[list[str]] = []
    for tag, text in [*blocks, ("h3", "")]:
        if tag in ("h3", "summary"):
            head.check(lines, advisory.edition)
            head, lines = _Head(), []
        if tag == "h3" and text:
            told.sections.append(text)
        elif tag == "summary":
            status = max((s for s in statuses if text.startswith(s)), key=len)
            head = _Head(status, cites=text.removeprefix(status))
        elif tag == "p" and told.sections:
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
                assert rule not in told.findings, f"{rule} is told twice"
                told.findings[rule] = Found(
                    section=told.sections[-1],
                    status=head.status,
                    contact=contact,
                    advice=advice_above[rule] if head.above else advice,
                    rests_on=questions_in(basis, advisory, rule),
                )
                assert not (head.above and advice), f"{rule} is advised twice"


def _office_and_remarks(lines: Iterable[str], edition: Edition) -> tuple[set[str], set[str]]:
    office = edition.sheet.contact
    office_lines: set[str] = set()
    remarks: set[str] = set()
    for line in lines:
        is_office = flat(office.telephone) in line or flat(office.street) in line
        (office_lines if is_office else remarks).add(line)
    return office_lines, remarks


def _noted(lines: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """Notes by what they stand beside, from lines that say of themselves whether they are a note's."""
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
            groups[next(reversed(groups))].append(_taken(text, names))
    return groups


def _taken(text: str, names: Mapping[str, str]) -> tuple[str, str]:
    """What the longest name that `text` begins with stands for, and the rest."""
    name = max((name for name in names if text.startswith(name)), key=len, default=None)
    assert name is not None, f"begins with no known name: {text[:120]}"
    return names[name], text[len(name) :]


def _several(text: str, names: Mapping[str, str]) -> tuple[list[str], str]:
    rules = []
    while True:
        rule, text = _taken(text, names)
        rules.append(rule)
        if not text.startswith(";"):
            assert text.startswith("."), text[:120]
            return rules, text[1:]
        text = text[1:]


def questions_in(basis: str, advisory: Advisory, rule: str) -> frozenset[str]:
    """The questions that a told basis names, by their answers or by a fact that several answers make."""
    edition = advisory.edition
    finding = next(finding for finding in advisory.findings if finding.rule.id == rule)
    if basis.startswith("Thefindingson:"):
        paragraphs = {flat(cited(r.paragraphs)) for r in finding.decided_by}
        assert set(re.split(";", basis.removeprefix("Thefindingson:"))) == paragraphs
        return finding.rests_on
    known: dict[str, frozenset[str]] = {}
    for question in finding.rests_on:
        answer = advisory.answers.get(question)
        text = f"{edition.question[question].short}: {answer_in_words(edition, question, answer)}"
        known[flat(text)] = frozenset({question})
    for fact in edition.sheet.facts:
        verdict = advisory.facts[fact.id]
        truth = {True: "Yes", False: "No", None: "Not known yet"}[verdict.value]
        known[flat(f"{fact.title}: {truth}")] = verdict.rests_on
    found: frozenset[str] = frozenset()
    rest = basis
    while rest:
        piece = max((piece for piece in known if rest.startswith(piece)), key=len, default=None)
        assert piece is not None, f"{rule} is said to rest on {rest[:120]}"
        found |= known[piece]
        rest = rest[len(piece) :].removeprefix(";")
    return found


# --- From the text ------------------------------------------------------------


def told_by_text(text: str, advisory: Advisory) -> Told:
    """What the text says, where it is wide enough that no line is broken."""
    edition = advisory.edition
    names = {flat(f"{cited(r.paragraphs)} {r.title}"): r.id for r in edition.rules}
    with_comma = {flat(f"{cited(r.paragraphs)}, {r.title}:"): r.id for r in edition.rules}
    parts = _headed(text)
    told = Told()
    told.given = {flat(line) for line in parts[0][1]}
    mark_and_headline, meaning = parts[1]
    told.headline = mark_and_headline[1:]
    told.meaning_and_score = flat("".join(meaning))
    by_title = dict(parts[2:])
    assert len(by_title) == len(parts) - 2, "a heading stands twice"
    told.contacts = _grouped_lines(by_title[flat(CONTACTS)], with_comma)
    told.to_do = _grouped_lines(by_title[flat(TO_DO)], with_comma)
    told.office, told.remarks = _office_and_remarks(
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
        told.sections.append(section + title.rpartition("(")[2].removesuffix(")"))
        for rule, found in _items(lines, told.sections[-1], names, advisory):
            assert rule not in told.findings
            told.findings[rule] = found
    told.look_up = [_question(line) for line in by_title.get(flat(LOOK_UP), [])]
    told.unanswered = [_question(line) for line in by_title.get(flat(OPEN), [])]
    told.ignored = flat("".join(by_title.get(flat(IGNORED), []))).partition("answers:")[2].removesuffix(".")
    told.notes = _noted(
        (flat(line) if line.startswith("  ") else flat(line).removesuffix(":"), line.startswith("  "))
        for line in by_title.get(flat(NOTES), [])
    )
    for line in by_title[flat(RESTS_ON)]:
        if not line.startswith("  "):
            fact, _, truth = line.rpartition(": ")
            told.facts[flat(fact)] = flat(truth)
    *limits, stamp = by_title[flat(LIMITS)]
    told.limits = [flat(line).removeprefix("-") for line in limits]
    told.stamp = flat(stamp)
    return told


def _headed(text: str) -> list[tuple[str, list[str]]]:
    """The lines of a text under their headings."""
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
            groups[next(reversed(groups))].append(_taken(flat(line), names))
        elif line.endswith(":"):
            groups[flat(line).removesuffix(":")] = []
    return groups


def _question(line: str) -> str:
    found = re.fullmatch(r"-(.*)\(((?:¶|commentary).*)\)|-(.*)", flat(line))
    assert found
    return found[3] or found[1] + found[2]


def _items(
    lines: list[str], section: str, names: Mapping[str, str], advisory: Advisory
) -> Iterator[tuple[str, Found]]:
    words = advisory.edition.sheet.words
    heads = [at for at, line in enumerate(lines) if not line.startswith("  ")]
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        rule, rest = _taken(flat(lines[at])[1:], names)
        _, force, status, *contact = rest.split("·")
        assert force == flat(words.forces[advisory.edition.rule[rule].force])
        advice, *basis = [flat(line) for line in lines[at + 1 : end]]
        assert len(contact) <= 1
        assert len(basis) <= 1
        yield (
            rule,
            Found(
                section=section,
                status=status,
                contact="".join(contact).removeprefix("ContacttheCommissioner:"),
                advice=advice,
                rests_on=questions_in("".join(basis).removeprefix("Restson:"), advisory, rule),
            ),
        )
