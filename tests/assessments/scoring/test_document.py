"""The answers document: every valid form, and a clear line for every fault."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessments.rendering.data import answer_data
from assessments.scoring.document import MAX_FAULTS, Document, DocumentFaults, read_document
from bulletin import shelf
from tests.tables import BASE, EDITION, answers_of, edition

WORDS = "abuse, crime, false_harmful, spam, disagreement, other"
YNU = "the answer is one of yes, no or unsure"
AMOUNT = "enter an amount from 0 to 1,000,000.00 dollars, such as 620.00, or unsure"
DECIMALS = "the answer has at most two decimals, like 620.00"
DATE = "not a date; write one such as 2026-08-21"
NO_DAY = "this day does not exist; write a date such as 2026-08-21"
NO_QUESTION = f"{EDITION} has no such question"
NO_EDITION = f"no such edition; there is {EDITION}"
NO_ELECTION = "no such election; there are toronto-2022, toronto-2026, toronto-2030, by-election"
REVISION = (
    f"{EDITION} is here in revisions 1 and {edition().sheet.revision}; a newer file needs a newer portal"
)
OBJECT = 'write an object here: {"resources.email": …}'
DOCUMENT = 'not an answers document, which looks like {"edition": …, "answers": …}'
TOO_DEEP = "not an answers document: brackets inside brackets, too deep to read"
LONG = "x" * 10_000
LONG_SHOWN = f'"{"x" * 57}..."'


def document(**fields: Any) -> bytes:
    """A document with no answers, plus `fields`, in ASCII JSON."""
    return json.dumps({"edition": EDITION, "answers": {}, **fields}).encode()


def answering(question: str, json_value: str | bytes) -> bytes:
    """A document with one answer, which is given as JSON."""
    value = json_value.encode() if isinstance(json_value, str) else json_value
    return b'{"edition": "%s", "answers": {"%s": %s}}' % (EDITION.encode(), question.encode(), value)


def read(raw: bytes) -> Document:
    return read_document(raw, shelf.editions(), shelf.calendar())


def faults_of(raw: bytes) -> list[str]:
    with pytest.raises(DocumentFaults) as refused:
        read(raw)
    assert str(refused.value) == "\n".join(refused.value.faults)
    return refused.value.faults


# --- what is accepted ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "json_value", "answer"),
    [
        ("resources.email", '"yes"', "yes"),
        ("resources.email", '"no"', "no"),
        ("resources.email", '"unsure"', "unsure"),
        ("resources.email", r'"\u0079es"', "yes"),
        ("resources.email", "null", None),
        ("account.stage", '"planned"', "planned"),
        ("account.stage", "null", None),
        ("election.use", '"none"', "none"),
        ("election.use", '"unsure"', "unsure"),
        ("election.nomination_date", '"2026-08-21"', date(2026, 8, 21)),
        ("election.nomination_date", '"2028-02-29"', date(2028, 2, 29)),
        ("election.nomination_date", "null", None),
        ("gifts.value", '"620.00"', Decimal("620.00")),
        ("gifts.value", '"620"', Decimal("620.00")),
        ("gifts.value", '"620.5"', Decimal("620.50")),
        ("gifts.value", '"0000620"', Decimal("620.00")),
        ("gifts.value", "620", Decimal("620.00")),
        ("gifts.value", "620.10", Decimal("620.10")),
        ("gifts.value", "6.2e2", Decimal("620.00")),
        ("gifts.value", "0", Decimal("0.00")),
        ("gifts.value", "-0", Decimal("0.00")),
        ("gifts.value", "0e999999999999999999", Decimal("0.00")),
        ("gifts.value", "1e6", Decimal("1000000.00")),
        ("gifts.value", '"unsure"', "unsure"),
        ("gifts.value", "null", None),
        ("moderation.grounds", '["spam"]', ("spam",)),
        ("moderation.grounds", '["other", "abuse"]', ("abuse", "other")),
        ("moderation.grounds", '["spam", "spam"]', ("spam",)),
        ("moderation.grounds", "[]", None),
        ("moderation.grounds", '"unsure"', "unsure"),
        ("moderation.grounds", "null", None),
    ],
)
def test_an_answer_in_a_valid_form_is_read_as_this(question, json_value, answer):
    assert read(answering(question, json_value)).answers.get(question) == answer


def test_an_amount_always_has_two_decimals_so_that_equal_amounts_look_equal():
    for given_as in ("620", "620.0", '"620"', "6.2e2"):
        assert str(read(answering("gifts.value", given_as)).answers["gifts.value"]) == "620.00"


def test_a_full_document_gives_edition_account_day_election_and_notes():
    full = read(
        document(
            revision=edition().sheet.revision,
            account={"platform": " X ", "handle": "@כרמל", "member": None},
            as_of="2026-07-01",
            election="toronto-2026",
            answers={"resources.email": "yes"},
            notes={
                "resources.email": "two\nlines\tand 👩‍💻 \u200e",
                "gifts.value": "  ",
                "gifts.other": None,
            },
        )
    )
    assert full.edition is edition()
    assert full.account == {"platform": "X", "handle": "@כרמל"}
    assert (full.as_of, full.election and full.election.id) == (date(2026, 7, 1), "toronto-2026")
    assert full.answers == {"resources.email": "yes"}
    assert full.notes == {"resources.email": "two\nlines\tand 👩‍💻 \u200e"}


@pytest.mark.parametrize(
    "key", ["account", "answers", "notes", "as_of", "election", "revision", "campaign_ends", "voting_day"]
)
def test_null_for_a_part_of_the_document_is_as_good_as_leaving_it_out(key):
    assert read(document(**{key: None})) == read(document())


def test_a_note_for_a_question_that_does_not_come_up_is_kept():
    assert read(document(notes={"election.plan": "later"})).notes == {"election.plan": "later"}


def test_a_by_election_has_the_days_that_the_document_gives():
    given = read(document(election="by-election", voting_day="2027-03-08"))
    assert given.voting_day == date(2027, 3, 8)
    assert given.election
    assert (given.election.voting_day, given.election.campaign_ends) == (date(2027, 3, 8), date(2027, 4, 22))
    both = read(
        document(election="by-election", voting_day="2027-03-08", campaign_ends="2027-09-30")
    ).election
    assert both
    assert (both.campaign_ends, both.given) == (date(2027, 9, 30), True)


# --- a document of an earlier revision ----------------------------------------------------------------


def test_a_document_of_an_earlier_revision_is_read_and_what_means_something_else_is_left_behind():
    read_back = read(
        document(
            revision=1,
            answers={"election.use": "none", "resources.email": "yes", "resources.people": "no"},
            notes={"election.use": "Not this time.", "resources.email": "Mine."},
        )
    )
    assert read_back.edition is edition()
    assert read_back.answers == {"resources.email": "yes", "resources.people": "no"}
    assert [left.question for left in read_back.left_behind] == ["election.use"]
    assert read_back.changed == {"resources.email", "resources.people"}
    assert read_back.notes == {"election.use": "Not this time.", "resources.email": "Mine."}


def test_an_answer_that_does_not_fit_an_earlier_revision_never_refuses_the_rest():
    answers = {
        "resources.emial": "yes",
        "gifts.value": "lots",
        "election.use": "earlier",
        "gifts.other": "no",
    }
    read_back = read(document(revision=1, answers=answers, notes={"gifts.vlaue": "What?"}))
    assert read_back.answers == {"gifts.other": "no"}
    assert dict(read_back.left_behind) == {
        "resources.emial": "revision 1 has no such question; did you mean `resources.email`?",
        "gifts.value": '"lots": enter an amount from 0 to 1,000,000.00 dollars, such as 620.00, or unsure',
        "election.use": '"earlier": the answer is one of none, planned, now or unsure',
        "gifts.vlaue": "Its note has no question to go with.",
    }


def test_names_that_no_revision_has_are_shown_safely_and_not_all_are_compared():
    wild = {"\ud800": "yes", "\x1b[31m": "yes", "x" * 500: "yes"} | {
        f"resources.emial{n}": "yes" for n in range(300)
    }
    left = read(document(revision=1, answers=wild)).left_behind
    assert len(left) == MAX_FAULTS + 1
    assert left[-1].why == "and 103 more names"
    assert all((each.question + each.why).isprintable() and len(each.question) <= 60 for each in left)


def test_a_document_whose_every_answer_is_left_behind_is_no_fault():
    read_back = read(document(revision=1, answers={"election.use": "none"}))
    assert read_back.answers == {}
    assert len(read_back.left_behind) == 1


def test_a_document_that_names_no_revision_is_of_the_newest():
    assert read(document(answers={"election.use": "none"})).answers == {"election.use": "none"}


def test_every_answer_reads_back_as_it_is_written():
    answers = answers_of({**BASE["answers"], "election.nomination_date": "2026-08-21"})
    written = {question: answer_data(answer) for question, answer in answers.items()}
    assert read(document(answers=written)).answers == answers


# --- what is refused, and how -------------------------------------------------------------------------

NOT_JSON = {
    "nothing": (b"", "line 1 column 1: the end: not JSON (Expecting value)"),
    "blank lines": (b"\n\n ", "line 3 column 2: the end: not JSON (Expecting value)"),
    "words": (b"yes, please", 'line 1 column 1: "yes, please": not JSON (Expecting value)'),
    "cut off": (
        b'{"edition": "x",\n "answers": ',
        "line 2 column 13: the end: not JSON (Expecting value)",
    ),
    "two documents": (b"{}\n{}", 'line 2 column 1: "{}": not JSON (Extra data)'),
    "a leading zero": (
        answering("gifts.value", "01"),
        "line 1 column 69: \"1}}\": not JSON (Expecting ',' delimiter)",
    ),
    "Latin-1": (
        '{"edition":\n "é"}'.encode("latin-1"),
        "line 2 column 3: byte 0xE9 is not UTF-8; save the document as UTF-8",
    ),
    "over a million bytes": (
        document() + b" " * 1_000_000,
        "the document has over 1,000,000 bytes; at most that many are read",
    ),
    "a million brackets": (b"[" * 1_000_000, TOO_DEEP),
    "objects in objects": (b'{"answers":' * 90_000, TOO_DEEP),
    "brackets as deep in an answer": (
        answering("resources.email", b"[" * 400_000 + b"]" * 400_000),
        TOO_DEEP,
    ),
}

NO_OBJECT = {
    "null": (b"null", f"null: {DOCUMENT}"),
    "a list": (b"[{}]", f"a list: {DOCUMENT}"),
    "five hundred brackets": (b"[" * 500 + b"]" * 500, f"a list: {DOCUMENT}"),
    "a text": (b'"yes"', f'"yes": {DOCUMENT}'),
    "a long text": (json.dumps(LONG).encode(), f"{LONG_SHOWN}: {DOCUMENT}"),
    "a number": (b"12.50", f"12.50: {DOCUMENT}"),
    "true": (b"true", f"true: {DOCUMENT}"),
    "not a number": (b"NaN", f"NaN: {DOCUMENT}"),
}

WRONG_PARTS = {
    "unknown key": (document(answrs={}), 'document: "answrs": unknown key; did you mean `answers`?'),
    "unknown key like no other": (document(zzz=1), 'document: "zzz": unknown key'),
    "no answers": (
        b'{"edition": "%s"}' % EDITION.encode(),
        'answers: null: the document has no answers; {"answers": {}} is a document with none yet',
    ),
    "answers as a list": (document(answers=["yes"]), f"answers: a list: {OBJECT}"),
    "answers as a text": (document(answers="none"), f'answers: "none": {OBJECT}'),
    "answers as a number": (document(answers=0), f"answers: 0: {OBJECT}"),
    "answers as false": (document(answers=False), f"answers: false: {OBJECT}"),
    "notes as a text": (document(notes="none"), f'notes: "none": {OBJECT}'),
    "no edition": (b'{"answers": {}}', f"edition: the document names no edition; there is {EDITION}"),
    "another edition": (
        document(edition="toronto-social-media-1.0"),
        f'edition: "toronto-social-media-1.0": {NO_EDITION}; did you mean `{EDITION}`?',
    ),
    "an edition like no other": (document(edition="ottawa"), f'edition: "ottawa": {NO_EDITION}'),
    "an edition as a number": (document(edition=1.1), f"edition: 1.1: {NO_EDITION}"),
    "an edition as an object": (document(edition={}), f"edition: an object: {NO_EDITION}"),
    "an edition of 10,000 characters": (document(edition=LONG), f"edition: {LONG_SHOWN}: {NO_EDITION}"),
    "another revision": (document(revision=99), f"revision: 99: {REVISION}"),
    "a revision as a text": (document(revision="1"), f'revision: "1": {REVISION}'),
    "a revision as true": (document(revision=True), f"revision: true: {REVISION}"),
    "a revision that is not a number": (document(revision=float("nan")), f"revision: NaN: {REVISION}"),
    "another election": (
        document(election="toronto-2025"),
        f'election: "toronto-2025": {NO_ELECTION}; did you mean `toronto-2026`?',
    ),
    "an election like no other": (document(election="x"), f'election: "x": {NO_ELECTION}'),
    "an election as a year": (document(election=2026), f"election: 2026: {NO_ELECTION}"),
    "a revision as a list": (document(revision=[1]), f"revision: a list: {REVISION}"),
    "the end of a campaign that is no day": (
        document(campaign_ends="2027-06-31"),
        f'campaign_ends: "2027-06-31": {NO_DAY}',
    ),
    "the end of a campaign in words": (document(campaign_ends="June"), f'campaign_ends: "June": {DATE}'),
    "a voting day that is no day": (
        document(election="by-election", voting_day="2027-02-29"),
        f'voting_day: "2027-02-29": {NO_DAY}',
    ),
    "a voting day as a number": (
        document(election="by-election", voting_day=20270308),
        f"voting_day: 20270308: {DATE}",
    ),
    "a voting day of another election": (
        document(election="toronto-2026", voting_day="2027-03-08"),
        (
            'voting_day: "2027-03-08": the calendar has the voting day of this election; leave it out, or give '
            '"election": "by-election"'
        ),
    ),
    "31 February": (document(as_of="2026-02-31"), f'as_of: "2026-02-31": {NO_DAY}'),
    "29 February in a common year": (document(as_of="2026-02-29"), f'as_of: "2026-02-29": {NO_DAY}'),
    "the year nought": (document(as_of="0000-01-01"), f'as_of: "0000-01-01": {NO_DAY}'),
    "a week date": (document(as_of="2026-W01-1"), f'as_of: "2026-W01-1": {DATE}'),
    "a date without hyphens": (document(as_of="20260701"), f'as_of: "20260701": {DATE}'),
    "a date as a number": (document(as_of=20260701), f"as_of: 20260701: {DATE}"),
    "a date in words": (document(as_of="1 July 2026"), f'as_of: "1 July 2026": {DATE}'),
    "a date with a time": (
        document(as_of="2026-07-01T00:00"),
        f'as_of: "2026-07-01T00:00": {DATE}',
    ),
    "a date in other digits": (document(as_of="٢٠٢٦-٠٧-٠١"), f'as_of: "٢٠٢٦-٠٧-٠١": {DATE}'),
    "a date with a new line": (document(as_of="2026-07-01\n"), f'as_of: "2026-07-01\\u000a": {DATE}'),
    "an account as a text": (
        document(account="@x"),
        'account: "@x": write an object here: {"platform": …, "handle": …, "member": …}',
    ),
    "an unknown part of the account": (
        document(account={"handel": "@x"}),
        'account: "handel": unknown key; did you mean `handle`?',
    ),
    "a handle as a number": (
        document(account={"handle": 5}),
        "account.handle: 5: write a text here",
    ),
    "a member's name that is too long": (
        document(account={"member": LONG}),
        f"account.member: {LONG_SHOWN}: use at most 200 characters; this text has 10,000",
    ),
}

WRONG_NAMES = {
    "a slip": (
        document(answers={"resources.emial": "no"}),
        f'answers: "resources.emial": {NO_QUESTION}; did you mean `resources.email`?',
    ),
    "like no other": (document(answers={"zzz": "no"}), f'answers: "zzz": {NO_QUESTION}'),
    "without a name": (document(answers={"": "no"}), f'answers: "": {NO_QUESTION}'),
    "10,000 characters": (document(answers={LONG: "no"}), f"answers: {LONG_SHOWN}: {NO_QUESTION}"),
    "an emoji": (document(answers={"🗳️": "no"}), f'answers: "🗳️": {NO_QUESTION}'),
    "text turned round": (
        document(answers={"resources.email\u202e": "no"}),
        f'answers: "resources.email\\u202e": {NO_QUESTION}; did you mean `resources.email`?',
    ),
    "new lines and colours": (
        document(answers={"a\r\n\x1b[31m": "no"}),
        f'answers: "a\\u000d\\u000a\\u001b[31m": {NO_QUESTION}',
    ),
    "half a character": (document(answers={"\ud800": "no"}), f'answers: "\\ud800": {NO_QUESTION}'),
    "quotes": (document(answers={'a"b': "no"}), f'answers: "a\\"b": {NO_QUESTION}'),
    "a note's": (
        document(notes={"gifts.valeu": "x"}),
        f'notes: "gifts.valeu": {NO_QUESTION}; did you mean `gifts.value`?',
    ),
}

WRONG_ANSWERS = [
    ("resources.email", '"Yes"', f'"Yes": {YNU}; did you mean `yes`?'),
    ("resources.email", '""', f'"": {YNU}'),
    ("resources.email", "true", f"true: {YNU}"),
    ("resources.email", "1", f"1: {YNU}"),
    ("resources.email", '["yes"]', f"a list: {YNU}"),
    ("resources.email", "{}", f"an object: {YNU}"),
    ("resources.email", '"👍"', f'"👍": {YNU}'),
    ("resources.email", r'"\ud83d"', f'"\\ud83d": {YNU}'),
    ("resources.email", r'"ye\u202es"', f'"ye\\u202es": {YNU}; did you mean `yes`?'),
    ("resources.email", r'"\u0000\u0007"', f'"\\u0000\\u0007": {YNU}'),
    ("resources.email", f'"{LONG}"', f"{LONG_SHOWN}: {YNU}"),
    ("resources.email", "NaN", f"NaN: {YNU}"),
    ("account.stage", '"unsure"', '"unsure": the answer is one of planned or live'),
    (
        "account.stage",
        '"Live"',
        '"Live": the answer is one of planned or live; did you mean `live`?',
    ),
    ("election.use", '"yes"', '"yes": the answer is one of none, undecided, planned, now, earlier or unsure'),
    ("election.nomination_date", '"unsure"', f'"unsure": {DATE}'),
    ("election.nomination_date", '"2026-02-31"', f'"2026-02-31": {NO_DAY}'),
    ("election.nomination_date", '"2026-W01-1"', f'"2026-W01-1": {DATE}'),
    ("election.nomination_date", "20260821", f"20260821: {DATE}"),
    ("gifts.value", "NaN", f"NaN: {AMOUNT}"),
    ("gifts.value", "Infinity", f"Infinity: {AMOUNT}"),
    ("gifts.value", "-Infinity", f"-Infinity: {AMOUNT}"),
    ("gifts.value", "1e9", f"1E+9: {AMOUNT}"),
    ("gifts.value", "1e400", f"1E+400: {AMOUNT}"),
    ("gifts.value", "1e99999999999", f"1E+99999999999: {AMOUNT}"),
    ("gifts.value", "1e99999999999999999999", f"Infinity: {AMOUNT}"),
    ("gifts.value", "1e-400", f"1E-400: {DECIMALS}"),
    ("gifts.value", "-1", f"-1: {AMOUNT}"),
    ("gifts.value", "-0.01", f"-0.01: {AMOUNT}"),
    ("gifts.value", "1000000.01", f"1000000.01: {AMOUNT}"),
    ("gifts.value", "9" * 500_000, f"{'9' * 57}...: {AMOUNT}"),
    ("gifts.value", "500.001", f"500.001: {DECIMALS}"),
    ("gifts.value", '"500.001"', f'"500.001": {DECIMALS}'),
    ("gifts.value", "true", f"true: {AMOUNT}"),
    ("gifts.value", "[500]", f"a list: {AMOUNT}"),
    ("gifts.value", '"NaN"', f'"NaN": {AMOUNT}'),
    ("gifts.value", '"1e9"', f'"1e9": {AMOUNT}'),
    ("gifts.value", '"-1"', f'"-1": {AMOUNT}'),
    ("gifts.value", '"$620"', f'"$620": {AMOUNT}'),
    ("gifts.value", '"1,000"', f'"1,000": {AMOUNT}'),
    ("gifts.value", '"620."', f'"620.": {AMOUNT}'),
    ("gifts.value", '" 620"', f'" 620": {AMOUNT}'),
    ("gifts.value", '"620\\n"', f'"620\\u000a": {AMOUNT}'),
    ("gifts.value", '"٦٢٠"', f'"٦٢٠": {AMOUNT}'),
    ("gifts.value", '""', f'"": {AMOUNT}'),
    (
        "moderation.grounds",
        '"spam"',
        f'"spam": the answer is a list of {WORDS}, or unsure on its own',
    ),
    (
        "moderation.grounds",
        '{"spam": true}',
        f"an object: the answer is a list of {WORDS}, or unsure on its own",
    ),
    (
        "moderation.grounds",
        '["unsure"]',
        'a list: "unsure" goes alone; write it instead of the list',
    ),
    (
        "moderation.grounds",
        '["spam", "unsure"]',
        'a list: "unsure" goes alone; write it instead of the list',
    ),
    (
        "moderation.grounds",
        '["spamm"]',
        f'a list: "spamm" is not one of {WORDS}; did you mean `spam`?',
    ),
    ("moderation.grounds", "[null]", f"a list: null is not one of {WORDS}"),
    ("moderation.grounds", '[["spam"]]', f"a list: a list is not one of {WORDS}"),
    ("moderation.grounds", f'["{LONG}"]', f"a list: {LONG_SHOWN} is not one of {WORDS}"),
]

WRONG_NOTES = {
    "a number": ("12", "12: a note is a text"),
    "a list": ('["x"]', "a list: a note is a text"),
    "not a number": ("NaN", "NaN: a note is a text"),
    "too long": (
        f'"{"x" * 2_001}"',
        f"{LONG_SHOWN}: use at most 2,000 characters; this text has 2,001",
    ),
}

REFUSED = {
    f"{kind}: {name}": case
    for kind, cases in {
        "not JSON": NOT_JSON,
        "no object": NO_OBJECT,
        "document": WRONG_PARTS,
        "question": WRONG_NAMES,
        "note": {
            name: (
                b'{"edition": "%s", "answers": {}, "notes": {"gifts.value": %s}}'
                % (EDITION.encode(), value.encode()),
                f"notes.gifts.value: {message}",
            )
            for name, (value, message) in WRONG_NOTES.items()
        },
        "answer": {
            f"{question} {value[:30]}": (answering(question, value), f"answers.{question}: {message}")
            for question, value, message in WRONG_ANSWERS
        },
    }.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize(("raw", "message"), REFUSED.values(), ids=REFUSED)
def test_a_document_with_this_fault_is_refused_with_this_one_line(raw, message):
    assert faults_of(raw) == [message]
    assert message.isprintable()


@pytest.mark.parametrize(
    ("json_value", "note"),
    [
        (r'"a\u0000b"', "ab"),
        (r'"\u001b[31m"', "[31m"),
        (r'"ab\u202ecd"', "abcd"),
        (r'"\u2066x\u2069"', "x"),
        (r'"👍\ud83d"', "👍\ufffd"),
        (r'"one\u000btwo"', "one\ntwo"),
        ('"one\ntwo"', "one\ntwo"),
        (r'"it\u0092s"', "it’s"),
    ],
)
def test_what_nobody_can_see_in_a_note_is_mended(json_value, note):
    raw = document(notes={"gifts.value": "NOTE"}).decode().replace('"NOTE"', json_value)
    assert read(raw.encode()).notes == {"gifts.value": note}


def test_a_name_is_one_line():
    assert read(document(account={"handle": "a\nb\u2028c\x9b"})).account == {"handle": "a b c›"}


MAILED = document(notes={"gifts.value": "He said “no”."}).decode()


@pytest.mark.parametrize(
    "raw",
    [
        MAILED.encode("utf-8-sig"),
        MAILED.encode("utf-16"),
        b"\xfe\xff" + MAILED.encode("utf-16-be"),
        MAILED.encode("utf-16-le"),
        MAILED.replace(", ", ",\r\n\u00a0\u00a0").encode(),
        f"```json\n{MAILED}\n```".encode(),
        ("> " + MAILED.replace(", ", ",\n> ")).encode(),
        MAILED.replace('"', "”").encode(),
    ],
)
def test_a_document_that_another_program_changed_is_read(raw):
    changed = read(raw)
    assert (changed.notes, changed.answers) == (
        {"gifts.value": "He said “no”."},
        read(MAILED.encode()).answers,
    )


def test_curly_quotation_marks_that_cannot_be_mended_are_named_for_what_they_are():
    (message,) = faults_of('{"answers": {“gifts.other“ - “no”}}'.encode())
    assert "changed the quotation marks; use the original file" in message


def test_brackets_behind_a_reply_mark_are_too_deep_as_well():
    assert faults_of(b">" + b"[" * 900_000) == [TOO_DEEP]


def test_repeated_keys_are_named_with_their_places_and_with_all_other_faults():
    name = EDITION.encode()
    raw = b"""{"edition": "%s", "edition": "%s",
        "account": {"handle": "a", "handle": "b"},
        "answers": {"gifts.other": "no", "x": 1, "gifts.other": "no", "gifts.other": 7, "x": 2},
        "notes": {"gifts.other": "a", "gifts.other": "b"}}"""
    assert faults_of(raw % (name, name)) == [
        'document: "edition": occurs twice; keep one',
        'account: "handle": occurs twice; keep one',
        'answers: "gifts.other": occurs twice; keep one',
        'answers: "x": occurs twice; keep one',
        'notes: "gifts.other": occurs twice; keep one',
        f'answers: "x": {NO_QUESTION}',
        f"answers.gifts.other: 7: {YNU}",
    ]


def test_many_faults_are_all_reported_together():
    raw = document(
        colour="red",
        account={"handle": 5},
        as_of="tomorrow",
        election="toronto-2027",
        answers={"resources.emial": "no", "resources.logo": True, "gifts.value": -1},
        notes={"gifts.valeu": "x", "gifts.other": 7},
    )
    assert faults_of(raw) == [
        'document: "colour": unknown key',
        "account.handle: 5: write a text here",
        f'as_of: "tomorrow": {DATE}',
        f'election: "toronto-2027": {NO_ELECTION}; did you mean `toronto-2026`?',
        f'answers: "resources.emial": {NO_QUESTION}; did you mean `resources.email`?',
        f"answers.resources.logo: true: {YNU}",
        f"answers.gifts.value: -1: {AMOUNT}",
        f'notes: "gifts.valeu": {NO_QUESTION}; did you mean `gifts.value`?',
        "notes.gifts.other: 7: a note is a text",
    ]


def test_a_mistake_in_every_answer_and_every_note_is_listed():
    wrong = dict.fromkeys(edition().question, 7)
    # All but one: seven is a valid amount.
    assert len(faults_of(document(answers=wrong, notes=wrong))) == 2 * len(wrong) - 1


def test_of_thousands_of_faults_the_first_are_listed_and_the_rest_are_counted():
    names = {f"resources.emai{number}": "no" for number in range(30_000)}
    faults = faults_of(document(answers=names))
    assert len(faults) == MAX_FAULTS + 1
    assert faults[-1] == f"and {30_000 - MAX_FAULTS:,} more faults"


# --- whatever may come --------------------------------------------------------------------------------

steady = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=80)
    | st.sampled_from(["yes", "no", "unsure", "spam", "620.00", "2026-08-21", EDITION])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=10,
)
questions = st.sampled_from(list(edition().question))
nearly_a_document = st.fixed_dictionaries(
    {"edition": st.just(EDITION) | scalars},
    optional={
        "answers": st.dictionaries(questions | st.text(), anything, max_size=6) | anything,
        "notes": st.dictionaries(questions | st.text(), scalars, max_size=4) | anything,
        "account": st.dictionaries(st.sampled_from(["platform", "handle"]) | st.text(), scalars),
        "as_of": scalars,
        "election": scalars,
        "revision": scalars | st.just(1),
        "campaign_ends": scalars,
        "voting_day": scalars,
        "other": anything,
    },
)


def assert_read_or_refused(raw: bytes) -> None:
    """Reading raises nothing but DocumentFaults, whose faults are each one short, printable line."""
    faults = []
    try:
        assert read(raw).answers.keys() <= edition().question.keys()
    except DocumentFaults as refused:
        faults = refused.faults or ["\n"]  # a refusal without a fault fails below
    for fault in faults:
        assert fault.isprintable()
        assert len(fault) < 1_000


@steady
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused_in_words(raw):
    assert_read_or_refused(raw)


@steady
@given(anything)
def test_any_json_is_read_or_refused_in_words(value):
    assert_read_or_refused(json.dumps(value).encode())


@steady
@given(nearly_a_document, st.booleans())
def test_anything_like_a_document_is_read_or_refused_in_words(value, escaped):
    assert_read_or_refused(json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass"))


@steady
@given(st.data())
def test_a_good_document_with_some_bytes_damaged_is_read_or_refused_in_words(data):
    raw = bytearray(document(answers=BASE["answers"], notes={"gifts.other": "a note"}, as_of="2026-07-01"))
    places = st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255))
    for place, byte in data.draw(st.lists(places, min_size=1, max_size=5)):
        raw[place] = byte
    assert_read_or_refused(bytes(raw))
