"""`manage.py advise`: its output, what it refuses and in which words, and what it leaves behind."""

import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from assessments.management.commands.advise import Command
from assessments.pdf.press import PressError, PrintProblem
from assessments.rendering import documents
from assessments.samples import TITLES, sample
from assessments.scoring.document import MAX_BYTES
from bulletin import shelf
from tests.tables import EDITION, edition

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT: dict[str, Any] = {
    "edition": EDITION,
    "as_of": "2026-07-01",
    "answers": {"resources.email": "yes", "gifts.unpaid": "yes", "gifts.value": "620.00"},
}

NO_ELECTION = "no such election; there are toronto-2022, toronto-2026, toronto-2030, by-election"
NO_DAY = "this day does not exist; write a date such as 2026-08-21"
NO_VOTING_DAY = (
    'the calendar has the voting day of this election; leave it out, or give "election": "by-election"'
)


@dataclass
class Ended:
    """The exit status of a command, and what it wrote."""

    status: int
    out: bytes
    errors: list[str]

    @property
    def advisory(self) -> Any:
        assert self.status == 0, self.errors
        return json.loads(self.out)


Advise = Callable[..., Ended]


@pytest.fixture
def advise(capfdbinary, monkeypatch: pytest.MonkeyPatch) -> Advise:
    """Run the command in this process, as `manage.py` would, with `stdin` as standard input."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        status = 0
        try:
            Command().run_from_argv(["manage.py", "advise", *map(str, arguments)])
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        out, errors = capfdbinary.readouterr()
        return Ended(status, out, errors.decode().splitlines())

    return run


def advise_outside(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> Ended:
    """Run the command in its own process."""
    ended = subprocess.run(
        [sys.executable, ROOT / "manage.py", "advise", *arguments],
        input=stdin,
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr.decode().splitlines())


def document(**changes: Any) -> bytes:
    """The usual document with some keys changed; None removes a key."""
    whole = {key: value for key, value in (DOCUMENT | changes).items() if value is not None}
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass")


def answers(**changes: Any) -> bytes:
    """The usual document with more answers: `money__value` means `money.value`."""
    by_question = {question.replace("__", "."): value for question, value in changes.items()}
    return document(answers=DOCUMENT["answers"] | by_question)


# --- The advisory -------------------------------------------------------------


def test_the_json_has_the_contracts_keys_in_the_contracts_order(advise):
    advisory = advise("-", stdin=sample("conversion")).advisory
    assert list(advisory) == [
        "edition", "revision", "digest", "as_of", "election", "overall", "complete", "score", "facts",
        "contact", "deadlines", "meanwhile", "settled", "next",
        "findings", "unanswered", "needed", "check", "ignored",
    ]  # fmt: skip
    assert list(advisory["election"]) == ["id", "campaign_ends", "given"]
    assert list(advisory["score"]) == ["consistent", "applicable", "sections"]
    assert {tuple(section) for section in advisory["score"]["sections"].values()} == {
        ("consistent", "applicable")
    }
    assert {tuple(contact) for contact in advisory["contact"]} == {("when", "rule", "why")}
    assert {tuple(deadline) for deadline in advisory["deadlines"]} == {("rule", "due", "text")}
    finding_keys = ("rule", "paragraphs", "force", "outcome", "contact", "because", "advice")
    assert {tuple(finding) for finding in advisory["findings"]} == {finding_keys, (*finding_keys, "readings")}


def test_explain_adds_what_would_settle_each_point_and_action_and_nothing_else(advise):
    plain = advise("-", stdin=sample("conversion")).advisory
    explained = advise("-", "--explain", stdin=sample("conversion")).advisory
    change = explained.pop("change")
    assert explained == plain
    needing = [f["rule"] for f in plain["findings"] if f["contact"] or f["outcome"] == "action"]
    assert change
    assert list(change) == [rule for rule in needing if rule in change]
    assert {len(pair) for pairs in change.values() for pair in pairs} == {2}


def test_explain_goes_with_jsonl_and_is_never_in_plain_jsonl(advise):
    line = json.dumps(json.loads(sample("conversion"))).encode()
    assert "change" not in json.loads(advise("--jsonl", "-", stdin=line).out)
    assert json.loads(advise("--jsonl", "-", "--explain", stdin=line).out)["change"]


def test_findings_facts_sections_and_questions_stand_in_the_editions_order(advise):
    advisory = advise("-", stdin=sample("first-ten-minutes")).advisory
    rules = [finding["rule"] for finding in advisory["findings"]]
    assert rules == [rule.id for rule in edition().rules]
    assert list(advisory["facts"]) == [fact.id for fact in edition().sheet.facts]
    assert list(advisory["score"]["sections"]) == list(
        dict.fromkeys(rule.section for rule in edition().rules)
    )
    assert [c["rule"] for c in advisory["contact"]] == [
        f["rule"] for f in advisory["findings"] if f["contact"]
    ]
    to_do = [f["rule"] for f in advisory["findings"] if f["outcome"] in ("action", "improvement")]
    assert [deadline["rule"] for deadline in advisory["deadlines"]] == to_do
    position = edition().position
    lists = [advisory[key] for key in ("unanswered", "needed", "check", "ignored")]
    for questions in (*lists, *(list(finding["because"]) for finding in advisory["findings"])):
        assert questions == sorted(questions, key=position.__getitem__)
    assert set(advisory["needed"]) <= set(advisory["unanswered"])


def test_answers_come_back_as_a_document_gives_them_and_open_ones_as_null(advise):
    stdin = answers(moderation__removes="yes", moderation__grounds=["spam", "abuse"], gifts__value=620)
    advisory = advise("-", stdin=stdin).advisory
    because = {finding["rule"]: finding["because"] for finding in advisory["findings"]}
    assert because["21b"] == {"gifts.unpaid": "yes", "gifts.value": "620.00"}
    assert because["C4"] == {"moderation.removes": "yes", "moderation.grounds": ["abuse", "spam"]}
    assert because["19"] == {"confidential.meetings": None}


def test_a_process_of_its_own_needs_no_database_and_says_the_same_bytes_each_time(advise, tmp_path):
    answers_file = tmp_path / "answers.json"
    answers_file.write_bytes(sample("conversion"))
    unreachable = "postgres://nobody@host.invalid/nothing"
    outside = advise_outside(answers_file, DATABASE_URL=unreachable, PYTHONHASHSEED="1")
    assert (outside.status, outside.errors) == (0, [])
    assert outside.out == advise(answers_file).out


# --- The day and the election -------------------------------------------------


def test_the_documents_day_and_election_go_before_the_options(advise):
    options = ("--as-of", "2030-01-01", "--election", "toronto-2030")
    advisory = advise("-", *options, stdin=document(election="toronto-2022")).advisory
    assert (advisory["as_of"], advisory["election"]["id"]) == ("2026-07-01", "toronto-2022")


def test_the_options_go_before_the_defaults(advise):
    options = ("--as-of", "2026-02-03", "--election", "toronto-2030")
    advisory = advise("-", *options, stdin=document(as_of=None)).advisory
    assert advisory["as_of"] == "2026-02-03"
    assert advisory["election"] == {"id": "toronto-2030", "campaign_ends": "2030-12-31", "given": False}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2022-12-31", "toronto-2022"),
        ("2023-01-01", "toronto-2026"),
        ("2026-12-31", "toronto-2026"),
        ("2027-01-01", "toronto-2030"),
        ("2031-01-01", "toronto-2030"),
    ],
)
def test_without_an_election_it_is_the_first_whose_campaign_period_has_not_ended(advise, day, expected):
    by_option = advise("-", "--as-of", day, stdin=document(as_of=None)).advisory
    by_document = advise("-", stdin=document(as_of=day)).advisory
    assert by_option["election"]["id"] == by_document["election"]["id"] == expected


@pytest.mark.parametrize(
    ("moment", "today"),
    [
        (datetime(2026, 7, 1, 3, 59, 59, tzinfo=UTC), "2026-06-30"),
        (datetime(2026, 7, 1, 4, 0, tzinfo=UTC), "2026-07-01"),
        (datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC), "2026-12-31"),
        (datetime(2027, 1, 1, 5, 0, tzinfo=UTC), "2027-01-01"),
    ],
)
def test_without_a_day_it_is_today_in_toronto(advise, moment, today):
    with time_machine.travel(moment, tick=False):
        assert advise("-", stdin=document(as_of=None)).advisory["as_of"] == today
        assert json.loads(advise("--jsonl", "-", stdin=document(as_of=None)).out)["as_of"] == today


def test_an_unknown_election_and_a_day_that_is_none_are_refused_together_with_the_nearest_name(advise):
    refused = advise("-", "--as-of", "2026-02-31", "--election", "toronto-2062", stdin=document())
    assert (refused.status, refused.out) == (2, b"")
    assert refused.errors == [
        '--as-of: "2026-02-31": this day does not exist; write a date such as 2026-08-21',
        (f'--election: "toronto-2062": {NO_ELECTION}; did you mean `toronto-2026`?'),
    ]


def test_a_by_election_has_the_days_of_the_options_where_the_document_has_none(advise):
    options = ("--election", "by-election", "--voting-day", "2027-03-08")
    days = {"id": "by-election", "campaign_ends": "2027-04-22", "voting_day": "2027-03-08", "given": False}
    assert advise("-", *options, stdin=document()).advisory["election"] == days
    stdin = document(election="by-election", voting_day="2027-05-10", campaign_ends="2027-12-31")
    assert advise("-", *options, stdin=stdin).advisory["election"] == {
        "id": "by-election", "campaign_ends": "2027-12-31", "voting_day": "2027-05-10", "given": True,
    }  # fmt: skip
    bare = advise("-", "--election", "by-election", stdin=document()).advisory["election"]
    assert bare == {"id": "by-election", "campaign_ends": None, "given": False}
    alone = advise("-", "--voting-day", "2027-03-08", stdin=document(election="toronto-2026"))
    assert (alone.status, alone.errors) == (2, [f'voting_day: "2027-03-08": {NO_VOTING_DAY}'])
    # The document names another election, and the options' voting day goes with the options' election.
    assert (
        advise("-", *options, stdin=document(election="toronto-2026")).advisory["election"]["id"]
        == "toronto-2026"
    )


def test_the_end_of_the_campaign_period_can_be_given(advise):
    advisory = advise("-", "--campaign-ends", "2027-06-30", stdin=document()).advisory
    assert advisory["election"] == {"id": "toronto-2026", "campaign_ends": "2027-06-30", "given": True}


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            ("--voting-day", "2027-02-29"),
            '--voting-day: "2027-02-29": this day does not exist; write a date such as 2026-08-21',
        ),
        (("--campaign-ends", "soon"), '--campaign-ends: "soon": not a date; write one such as 2026-08-21'),
        (
            ("--voting-day", "2027-03-08", "--election", "toronto-2026"),
            f'--voting-day: "2027-03-08": {NO_VOTING_DAY}',
        ),
        (
            ("--voting-day", "2027-03-08"),
            f'voting_day: "2027-03-08": {NO_VOTING_DAY}',
        ),
    ],
)
def test_days_of_an_election_that_cannot_be_are_refused_in_a_line(advise, options, fault):
    refused = advise("-", *options, stdin=document())
    assert (refused.status, refused.out, refused.errors) == (2, b"", [fault])


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_document_of_an_earlier_revision_says_what_was_left_behind(advise, form):
    stdin = document(revision=1, answers={"account.stage": "live", "election.use": "none"})
    ended = advise("-", "--format", form, stdin=stdin)
    assert ended.status == 0
    if form == "json":
        (left,) = ended.advisory["left_behind"]
        assert (left["question"], list(left)) == ("election.use", ["question", "why"])
        assert json.loads(advise("--jsonl", "-", stdin=stdin).out)["left_behind"] == [left]
        assert "left_behind" not in advise("-", stdin=document()).advisory
    else:
        assert edition().question["election.use"].short in ended.out.decode()
        assert "earlier revision" in ended.out.decode()


@pytest.mark.parametrize("day", ["today", "20260701", "2026-7-1", "", "2026-07-01T00:00", "٢٠٢٦-٠٧-٠١"])
def test_a_day_in_another_form_is_refused(advise, day):
    refused = advise("-", "--as-of", day, stdin=document())
    assert (refused.status, refused.out) == (2, b"")
    assert len(refused.errors) == 1
    assert "not a date; write one such as 2026-08-21" in refused.errors[0]


# --- The arguments ------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one of the two: ANSWERS.json, or --jsonl FILE"),
        (["a.json", "--jsonl", "b.jsonl"], "name one of the two: ANSWERS.json, or --jsonl FILE"),
        (["--jsonl", "-", "--format", "pdf"], "--format pdf: --jsonl writes JSON only; leave --format out"),
        (["--jsonl", "-", "--format", "text"], "--format text: --jsonl writes JSON only"),
        (["-", "--format", "docx"], "invalid choice: 'docx' (choose from 'json', 'text', 'pdf')"),
        (["-", "--colour"], "unrecognized arguments: --colour"),
        (["no-such-file.json"], '"no-such-file.json": the file cannot be read (No such file or directory)'),
        (["--jsonl", "/"], '"/": the file cannot be read (Is a directory)'),
        (["a\0b"], '"a\\u0000b": the file cannot be read (embedded null byte)'),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words(advise, arguments, message):
    refused = advise(*arguments, stdin=document())
    assert (refused.status, refused.out) == (2, b"")
    assert message in refused.errors[-1]


# --- Where it goes ------------------------------------------------------------


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", ["json", "text"])
def test_output_writes_to_the_file_what_would_go_to_standard_output(advise, tmp_path, form):
    target = tmp_path / "advisory"
    printed = advise("-", "--format", form, stdin=sample("conversion"))
    written = advise("-", "--format", form, "--output", target, stdin=sample("conversion"))
    assert (written.status, written.out, written.errors) == (0, b"", [])
    assert target.read_bytes() == printed.out
    assert left_in(tmp_path) == ["advisory"]


def test_bad_input_makes_no_file_and_keeps_an_older_one_unharmed(advise, tmp_path):
    for output in (new := tmp_path / "new", old := tmp_path / "old"):
        if output is old:
            old.write_text("older advisory")
        assert advise("-", "--output", output, stdin=answers(gifts__value="lots")).status == 2
        assert not new.exists()
    assert old.read_text() == "older advisory"
    assert left_in(tmp_path) == ["old"]


def test_when_printing_fails_halfway_the_older_file_stays_and_nothing_else_is_left(
    advise, tmp_path, monkeypatch
):
    def fails(*_: object, **__: object) -> bytes:
        raise PressError(PrintProblem.TOO_SLOW, "This document took too long.")

    monkeypatch.setattr(documents, "print_pdf", fails)
    target = tmp_path / "advisory.pdf"
    target.write_text("older advisory")
    refused = advise("-", "--format", "pdf", "--output", target, stdin=document())
    assert (refused.status, refused.errors) == (1, ["This document took too long."])
    assert target.read_text() == "older advisory"
    assert left_in(tmp_path) == ["advisory.pdf"]


def test_when_a_line_halfway_brings_the_run_down_no_temporary_file_is_left(advise, tmp_path, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("assessments.management.commands.advise.advisory_json", fails)
    with pytest.raises(KeyboardInterrupt):
        advise("--jsonl", "-", "--output", tmp_path / "out", stdin=document())
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("where", ["missing/advisory", "file/advisory", "folder", "x" * 300, "a\0b", "loop"])
def test_a_place_that_cannot_be_written_is_refused_in_words(advise, tmp_path, where):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    before = left_in(tmp_path)
    refused = advise("-", "--output", f"{tmp_path}/{where}", stdin=document())
    assert (refused.status, refused.out) == (2, b"")
    assert len(refused.errors) == 1
    assert re.fullmatch(r'--output: ".*": cannot be written \(.+\)', refused.errors[0])
    assert left_in(tmp_path) == before


def test_a_new_file_has_the_usual_mode_and_an_older_one_keeps_its_own(advise, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch(mode=0o600)
    umask = os.umask(0o027)
    try:
        assert advise("-", "--output", old, stdin=document()).status == 0
        assert advise("-", "--output", new, stdin=document()).status == 0
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(umask)
    assert (old.stat().st_mode & 0o777, new.stat().st_mode & 0o777) == (0o600, 0o640)


def test_output_through_a_link_writes_what_the_link_leads_to(advise, tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    assert advise("-", "--output", link, stdin=document()).status == 0
    assert link.is_symlink()
    assert json.loads(target.read_bytes())["edition"] == EDITION


def test_a_device_is_written_to_and_not_replaced_by_a_file(advise, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert advise("-", "--output", pipe, stdin=document()).status == 0
        assert os.read(reader, 100).startswith(b'{\n  "edition"')
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert left_in(tmp_path) == ["pipe"]


def test_a_full_disk_is_a_message_and_not_a_traceback():
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device, and short
        ended = subprocess.run(
            [sys.executable, ROOT / "manage.py", "advise", "-"],
            input=document(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.stderr.decode() == "reading or writing failed (No space left on device)\n"
    assert ended.returncode == 2


def test_closed_standard_input_or_output_is_a_message_and_not_a_traceback(advise, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        closed = advise("-", stdin=document())
    assert (closed.status, closed.errors) == (2, ["standard output is closed; name a file with --output"])
    monkeypatch.setattr(io, "TextIOWrapper", lambda _: None)
    closed = advise("-", stdin=document())
    assert (closed.status, closed.errors) == (2, ["-: standard input is closed"])


def test_a_reader_that_has_had_enough_ends_the_command_quietly():
    lines = b"\n".join([document()] * 60)
    with subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "advise", "--jsonl", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdin
        assert running.stdout
        assert running.stderr
        running.stdin.write(lines)
        running.stdin.close()
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 0


def test_a_terminal_gets_the_text_in_colour(tmp_path):
    """A terminal of its own, since only there does the command colour what it prints."""
    controller, terminal = pty.openpty()
    (tmp_path / "answers.json").write_bytes(sample("nothing-flagged"))
    command = [sys.executable, ROOT / "manage.py", "advise", tmp_path / "answers.json", "--format"]
    with subprocess.Popen([*command, "text"], stdout=terminal, stderr=terminal) as running:
        os.close(terminal)
        seen = b""
        while True:
            try:
                part = os.read(controller, 65_536)
            except OSError:  # the other side has closed it
                break
            seen += part
    os.close(controller)
    assert running.returncode == 0
    assert b"\x1b[1;32m" in seen
    assert "Nothing flagged in your answers" in seen.decode()


def test_a_pdf_is_not_thrown_at_a_terminal(advise, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    refused = advise("-", "--format", "pdf", stdin=document())
    assert (refused.status, refused.out) == (2, b"")
    assert refused.errors == ["--format pdf: a terminal cannot show a PDF; name a file with --output"]


# --- Many at once -------------------------------------------------------------


def test_jsonl_writes_an_advisory_a_line_the_same_as_each_document_gets_alone(advise):
    documents = [sample(name) for name in TITLES]
    lines = b"\n".join(json.dumps(json.loads(document)).encode() for document in documents)
    many = advise("--jsonl", "-", stdin=lines)
    assert (many.status, many.errors) == (0, [])
    assert many.out.endswith(b"\n")
    alone = [advise("-", stdin=document).advisory for document in documents]
    assert [json.loads(line) for line in many.out.splitlines()] == alone


@pytest.mark.parametrize("to_file", [False, True])
def test_jsonl_names_bad_lines_by_number_and_still_writes_the_good_ones_in_order(advise, tmp_path, to_file):
    source, target = tmp_path / "lines.jsonl", tmp_path / "out.jsonl"
    good = [document(as_of=f"2026-07-0{day}") for day in (1, 2, 3)]
    bad = answers(resources__emial="yes", gifts__value=-1)
    source.write_bytes(b"\r\n".join([good[0], bad, b"", b" \t ", good[1], b"{", good[2]]))
    ended = advise("--jsonl", source, *(["--output", target] if to_file else []))
    assert ended.status == 2
    assert ended.errors == [
        (
            'line 2: answers: "resources.emial": toronto-social-media-1.1 has no such question; '
            "did you mean `resources.email`?"
        ),
        (
            "line 2: answers.gifts.value: -1: enter an amount from 0 to 1,000,000.00 dollars, such as 620.00, "
            "or unsure"
        ),
        "line 6: column 2: the end: not JSON (Expecting property name enclosed in double quotes)",
    ]
    written = target.read_bytes() if to_file else ended.out
    days = [json.loads(line)["as_of"] for line in written.splitlines()]
    assert days == ["2026-07-01", "2026-07-02", "2026-07-03"]
    assert to_file == (ended.out == b"")


@pytest.mark.parametrize("filler", [b"x", b" ", b"[", b'"'], ids=["letters", "spaces", "brackets", "quotes"])
def test_jsonl_steps_over_a_line_of_two_megabytes_and_says_so(advise, filler):
    long = filler * (2 * MAX_BYTES) + document()
    ended = advise("--jsonl", "-", stdin=b"\n".join([document(), long, document()]))
    assert ended.status == 2
    assert ended.errors == ["line 2: the document has over 1,000,000 bytes; at most that many are read"]
    assert len(ended.out.splitlines()) == 2


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize(("excess", "status"), [(0, 0), (1, 2), (2, 2)])
def test_jsonl_reads_a_line_of_exactly_a_megabyte_and_none_that_is_longer(advise, excess, status, end):
    stdin = document().ljust(MAX_BYTES + excess) + end + document()
    if not end:
        stdin = document() + b"\n" + document().ljust(MAX_BYTES + excess)
    ended = advise("--jsonl", "-", stdin=stdin)
    assert (ended.status, len(ended.out.splitlines())) == (status, 1 if status else 2)


def test_jsonl_of_no_lines_gives_none(advise):
    ended = advise("--jsonl", "-", stdin=b"\n\r\n\n")
    assert (ended.status, ended.out, ended.errors) == (0, b"", [])


def test_a_document_of_exactly_a_megabyte_is_read_and_one_of_a_byte_more_is_not(advise):
    assert advise("-", stdin=document().ljust(MAX_BYTES)).status == 0
    refused = advise("-", stdin=document().ljust(MAX_BYTES + 1))
    assert refused.status == 2
    assert refused.errors == ["the document has over 1,000,000 bytes; at most that many are read"]


# --- Bad input ----------------------------------------------------------------

WORD = "x" * 10_000
DEEP = b"[" * 900_000
HOSTILE: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", ["line 1 column 1: the end: not JSON"]),
    "no JSON": (b"\x7fELF", ['line 1 column 1: "\\u007fELF": not JSON']),
    "a list": (b"[]", ["a list: not an answers document"]),
    "null": (b"null", ["null: not an answers document"]),
    "Latin-1 bytes": (
        b'{\n "edition": "Qu\xe9bec"}',
        ["line 2 column 16: byte 0xE9 is not UTF-8; save the document as UTF-8"],
    ),
    "a million brackets": (DEEP, ["not an answers document: brackets inside brackets, too deep to read"]),
    "brackets within": (
        b'{"answers": {"gifts.value": ' + DEEP,
        ["not an answers document: brackets inside brackets"],
    ),
    "over a megabyte": (b" " * (MAX_BYTES + 1), ["the document has over 1,000,000 bytes"]),
    "NaN": (answers(gifts__value=float("nan")), ["answers.gifts.value: NaN: enter an amount"]),
    "infinity": (answers(gifts__value=float("inf")), ["answers.gifts.value: Infinity: enter an amount"]),
    "1e9": (answers(gifts__value=1e9), ["answers.gifts.value: 1000000000.0: enter an amount"]),
    "1e9 as a text": (answers(gifts__value="1e9"), ['answers.gifts.value: "1e9": enter an amount']),
    "an endless number": (
        answers(gifts__value=0).replace(b'"gifts.value": 0', b'"gifts.value": 1e' + b"9" * 5_000),
        ["answers.gifts.value: Infinity: enter an amount"],
    ),
    "a number of 100,000 digits": (
        answers(gifts__value=0).replace(b'"gifts.value": 0', b'"gifts.value": ' + b"9" * 100_000),
        [f"answers.gifts.value: {'9' * 57}...: enter an amount"],
    ),
    "three decimals": (answers(gifts__value="500.001"), ["at most two decimals"]),
    "less than nothing": (answers(gifts__value="-0.01"), ['answers.gifts.value: "-0.01": enter an amount']),
    "over a million": (answers(gifts__value="1000000.01"), ['answers.gifts.value: "1000000.01": enter an amount']),
    "31 February": (
        answers(election__candidate="yes", election__nomination_date="2026-02-31"),
        ['answers.election.nomination_date: "2026-02-31": this day does not exist'],
    ),
    "31 February as the day": (document(as_of="2026-02-31"), ['as_of: "2026-02-31": this day does not exist']),
    "a day in words": (document(as_of="1 July 2026"), ['as_of: "1 July 2026": not a date']),
    "an unknown edition": (
        document(edition="toronto-social-media-1.0"),
        ['edition: "toronto-social-media-1.0": no such edition; there is toronto-social-media-1.1; did you'],
    ),
    "an edition that is no text": (document(edition=1.1), ["edition: 1.1: no such edition"]),
    "a revision to come": (document(revision=99), ["revision: 99: toronto-social-media-1.1 is here in"]),
    "an unknown election": (
        document(election="toronto-2025"),
        [f'election: "toronto-2025": {NO_ELECTION}'],
    ),
    "an unknown question": (
        answers(resources__emial="yes"),
        ['answers: "resources.emial": toronto-social-media-1.1 has no such question; did you mean `resources'],
    ),
    "an unknown choice": (
        answers(account__stage="lvie"),
        ['answers.account.stage: "lvie": the answer is one of planned or live; did you mean `live`?'],
    ),
    "an unknown ground": (
        answers(moderation__grounds=["spam", "spma"]),
        ['answers.moderation.grounds: a list: "spma" is not one of abuse, crime, false_harmful, spam'],
    ),
    "unsure within a list": (
        answers(moderation__grounds=["unsure"]),
        ['answers.moderation.grounds: a list: "unsure" goes alone'],
    ),
    "true for yes": (answers(resources__email=True), ["answers.resources.email: true: the answer is one of"]),
    "an object for yes": (answers(resources__email={}), ["answers.resources.email: an object: the answer is"]),
    "answers in a list": (document(answers=["yes"]), ["answers: a list: write an object here"]),
    "no answers": (document(answers=None), ["answers: null: the document has no answers"]),
    "an unknown key": (document(anwsers={}), ['document: "anwsers": unknown key; did you mean `answers`?']),
    "a key twice": (
        b'{"edition": "toronto-social-media-1.1", "answers": {"gifts.other": "no", "gifts.other": "yes"}}',
        ['answers: "gifts.other": occurs twice; keep one'],
    ),
    "emoji for an answer": (answers(resources__email="👍🏽"), ['answers.resources.email: "👍🏽": the answer is']),
    "a long word for an answer": (
        answers(resources__email=WORD),
        [f'answers.resources.email: "{"x" * 57}...": the answer is one of yes, no or unsure'],
    ),
    "a long word for a question": (answers(**{WORD: "yes"}), [f'answers: "{"x" * 57}...": toronto-social']),
    "a long word for an edition": (document(edition=WORD), [f'edition: "{"x" * 57}...": no such edition']),
    "a long note": (
        document(notes={"gifts.value": WORD}),
        ["use at most 2,000 characters; this text has 10,000"],
    ),
    "a long name": (
        document(account={"member": WORD}),
        ["use at most 200 characters; this text has 10,000"],
    ),
    "control characters in a key": (
        answers(**{"gifts\n\x1b[2J": "no"}),
        ['answers: "gifts\\u000a\\u001b[2J": toronto-social-media-1.1 has no such question'],
    ),
    "many faults": (
        document(as_of="never", election=7, account=[], notes={"gifts.other": 1, "gift": "x"}, answers={}),
        ["account: a list", 'as_of: "never"', "election: 7", 'notes: "gift"', "notes.gifts.other: 1"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("stdin", "places"), HOSTILE.values(), ids=HOSTILE)
def test_bad_input_is_reported_a_line_for_each_fault_and_writes_nothing(advise, tmp_path, stdin, places):
    ended = advise("-", "--output", tmp_path / "out", stdin=stdin)
    assert (ended.status, ended.out) == (2, b"")
    assert left_in(tmp_path) == []
    assert len(ended.errors) == len(places), ended.errors
    for line, place in zip(ended.errors, places, strict=True):
        assert place in line
        assert len(line) < 400
        assert line.isprintable()


@pytest.mark.parametrize(
    "stdin",
    [
        b"\xef\xbb\xbf" + document(),
        document().decode().encode("utf-16"),
        document(notes={"gifts.value": "safe \x1b[31mred"}),
        document(account={"member": "\x9b2J", "handle": "@\u202egnp.exe"}),
        document(notes={"gifts.value": "x"}).replace(b'"x"', b'"\\ud800"'),
    ],
)
def test_what_nobody_can_see_is_mended_and_never_written(advise, stdin):
    ended = advise("-", stdin=stdin)
    assert (ended.status, ended.errors) == (0, [])
    written = ended.out.decode()
    assert not re.search("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u202e]", written)


def test_thousands_of_faults_are_told_up_to_two_hundred_and_counted_beyond(advise):
    ended = advise("-", stdin=answers(**{f"gifts__value{n}": "yes" for n in range(5_000)}))
    assert ended.status == 2
    assert len(ended.errors) == 201
    assert ended.errors[-1] == "and 4,800 more faults"


def test_bad_input_to_a_process_of_its_own_ends_it_with_two_and_no_traceback(tmp_path):
    bad = tmp_path / "answers.json"
    bad.write_bytes(HOSTILE["many faults"][0])
    target = tmp_path / "advisory.pdf"
    ended = advise_outside(bad, "--format", "pdf", "--output", target, PYTHONIOENCODING="ascii")
    assert (ended.status, ended.out, len(ended.errors)) == (2, b"", 5)
    assert not any("Traceback" in line for line in ended.errors)
    assert left_in(tmp_path) == ["answers.json"]


def test_an_edition_on_file_that_cannot_be_used_is_told_and_is_not_called_bad_input(
    advise, tmp_path, monkeypatch
):
    shutil.copytree(shelf.HERE / "editions", tmp_path / "editions")
    rules = tmp_path / "editions" / EDITION / "rules.yaml"
    rules.write_text(rules.read_text().replace("force: must", "force: msut", 1))
    monkeypatch.setattr(shelf, "HERE", tmp_path)
    monkeypatch.setattr("assessments.management.commands.advise.editions", shelf.editions.__wrapped__)
    ended = advise("-", stdin=document())
    assert (ended.status, ended.out) == (1, b"")
    assert re.match(r".*rules\.yaml:\d+:\d+ .*must", ended.errors[0])
    assert not any("Traceback" in line for line in ended.errors)
