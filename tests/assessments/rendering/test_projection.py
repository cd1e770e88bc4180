"""The projection says in the edition's words what the JSON says."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from assessments.rendering.documents import advisory_html
from assessments.rendering.findings import REST_TITLES, Basis, ChangeInWords, Group, Item
from assessments.rendering.projection import Projection, project
from assessments.scoring.advisory import Advisory
from assessments.scoring.assess import assess
from assessments.scoring.explain import same_act
from assessments.scoring.wording import answer_in_words, in_election, long_date
from bulletin.encoding.elections import Election
from bulletin.shelf import calendar
from tests.assessments.rendering.cases import case_of, every_outcome, raw_of
from tests.tables import answers_of, edition

SHEET = edition().sheet
WORDS = SHEET.words
LABELS = {"member": "Member", "platform": "Platform", "handle": "Account"}
TRUTH = {True: "Yes", False: "No", None: "Not known yet"}


def cited(paragraphs: Iterable[str]) -> str:
    """`¶12 and ¶14`, `Commentary C2`."""
    named = [("Commentary " if name.startswith("C") else "¶") + name for name in paragraphs]
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]])) if named else ""


def asked(questions: Iterable[str], on: Election) -> list[tuple[str, str, str]]:
    words = [in_election(edition().question[question], on) for question in questions]
    return [(question.id, question.asks, cited(question.paragraphs)) for question in words]


def score_of(record: Mapping[str, Any]) -> str:
    count, left = record["score"], len(record["unanswered"])
    which = "that apply" if record["complete"] else "counted so far"
    counted = (
        "Based on your answers, the account is consistent with "
        f"{count['consistent']} of the {count['applicable']} rules {which}."
    )
    pressing = record["overall"] in ("contact_commissioner", "action_required")
    if left:
        return f"{left} question{'s are' if left > 1 else ' is'} left. Your answers may add to this result."
    return (
        ""
        if pressing
        else counted
        if count["applicable"]
        else "There are too few answers to count any rule yet."
    )


def test_what_is_not_a_finding_is_as_in_the_json():
    for case in every_outcome():
        p, record, words = case.projection, case.record, WORDS.overall[case.record["overall"]]
        ends = date.fromisoformat(record["election"]["campaign_ends"])
        assert (p.headline, p.meaning, p.score) == (words.title, words.says, score_of(record))
        account = case.document.account
        assert p.account == tuple((label, account[key]) for key, label in LABELS.items() if key in account)
        assert (p.as_of, p.as_of_text) == (
            case.advisory.as_of,
            long_date(date.fromisoformat(record["as_of"])),
        )
        assert p.election == f"{case.advisory.election.name}; campaign period to {long_date(ends)}"
        assert [(q.question, q.asks, q.citation) for q in p.check] == asked(
            record["check"], case.advisory.election
        )
        assert [(q.question, q.asks, q.citation) for q in p.unanswered] == asked(
            record["unanswered"], case.advisory.election
        )
        assert p.ignored == tuple(edition().question[q].short for q in record["ignored"])
        assert {note.question: note.text for note in p.notes} == case.document.notes
        assert [note.short for note in p.notes] == [edition().question[n.question].short for n in p.notes]
        truths = {fact.title: TRUTH[record["facts"][fact.id]] for fact in SHEET.facts}
        assert {fact.title: fact.truth for fact in p.facts} == truths
        assert (p.limits, p.contact_block) == ((*SHEET.limits, SHEET.sharing_limit), SHEET.contact)
        assert (p.edition, p.revision, p.digest) == (record["edition"], record["revision"], record["digest"])


def points_of(groups: Iterable[Group]) -> list[tuple[str, str, str]]:
    """Each point with its heading, its rule and its text, in reading order."""
    return [(group.when, item.rule, text) for group in groups for item, text in group.items]


def test_contacts_and_things_to_do_are_the_jsons_in_its_order():
    for case in every_outcome():
        p, record = case.projection, case.record
        filing = case.advisory.answers.get(SHEET.timing.filing)
        on = {"before_filing": f", on {long_date(filing)}"} if isinstance(filing, date) else {}
        contacts = [
            (WORDS.contact[c["when"]].title + on.get(c["when"], ""), c["rule"], c["why"])
            for c in record["contact"]
        ]
        assert points_of(p.contacts) == contacts
        advice = {finding["rule"]: finding["advice"] for finding in record["findings"]}
        deadlines = [(d["text"].rstrip("."), d["rule"], advice[d["rule"]]) for d in record["deadlines"]]
        meanwhile = [("Until you have an answer", m["rule"], m["text"]) for m in record["meanwhile"]]
        assert points_of(p.to_do) == deadlines + meanwhile


def test_no_heading_stands_twice_in_a_row_and_what_to_hold_stands_under_one():
    for case in every_outcome():
        headings = [group.when for group in case.projection.to_do]
        assert all(first != second for first, second in pairwise(headings))
        assert headings.count("Until you have an answer") == bool(case.record["meanwhile"])


def test_whoever_is_to_ask_is_never_told_that_there_is_nothing_to_do():
    asking = [case for case in every_outcome() if "ask" in {outcome for _, outcome in case.pairs}]
    assert any(not case.record["deadlines"] for case in asking)
    nothing = {WORDS.nothing.to_do, WORDS.nothing.to_do_so_far, WORDS.nothing.to_do_but_contact}
    for case in asking:
        html = advisory_html(case.projection)
        assert not [sentence for sentence in nothing if sentence in " ".join(html.split())]


def test_where_there_are_none_it_says_so_and_whether_that_may_change():
    remarks = set()
    for case in every_outcome():
        p, complete, nothing = case.projection, case.record["complete"], WORDS.nothing
        is_left, is_settled = bool(case.record["unanswered"]), case.record["settled"]["contact"]
        so_far: str | None = (
            nothing.contact_so_far if not is_left or is_settled else nothing.contact_too_early
        )
        assert p.no_contacts == (nothing.contact if complete else so_far)
        no_to_do = (
            (nothing.to_do_too_early if is_left else nothing.to_do_so_far) if not complete else nothing.to_do
        )
        assert p.no_to_do == (nothing.to_do_but_contact if p.contacts else no_to_do)
        remarks |= {p.no_contacts, p.no_to_do}
    assert remarks == {text for _, text in WORDS.nothing}


def questions_of(item: Item, advisory: Advisory) -> frozenset[str]:
    """The questions that an item names by their answers, or by a fact that follows from several answers."""
    finding = next(finding for finding in advisory.findings if finding.rule.id == item.rule)
    if finding.decided_by:
        cites = dict.fromkeys(cited(rule.paragraphs) for rule in finding.decided_by)
        assert item.because == (Basis("The findings on", "; ".join(cites)),)
        return finding.rests_on
    behind = {
        Basis(edition().question[q].short, answer_in_words(edition(), q, advisory.answers.get(q))): frozenset(
            {q}
        )
        for q in finding.rests_on
    }
    for fact in SHEET.facts:
        verdict = advisory.facts[fact.id]
        behind[Basis(fact.title, TRUTH[verdict.value])] = verdict.rests_on
    return frozenset[str]().union(*(behind[basis] for basis in item.because))


def test_each_finding_is_in_its_section_with_its_words_and_all_that_it_rests_on():
    for case in every_outcome():
        p, record = case.projection, case.record
        findings = {finding["rule"]: finding for finding in record["findings"]}
        counts = record["score"]["sections"].items()
        for section, (section_id, count) in zip(p.sections, counts, strict=True):
            assert section.title == next(s.title for s in SHEET.sections if s.id == section_id)
            counted = f"{count['consistent']} of {count['applicable']} consistent"
            assert section.count == (counted if count["applicable"] else "nothing counted")
            for item in section.items:
                finding, rule = findings.pop(item.rule), edition().rule[item.rule]
                assert rule.section == section_id
                assert (item.citation, item.title) == (cited(finding["paragraphs"]), rule.title)
                assert item.force == WORDS.forces[finding["force"]]
                assert item.status == WORDS.outcomes[finding["outcome"]].title
                contact = finding["contact"] and WORDS.contact[finding["contact"]].title
                assert (item.contact, item.advice) == (contact, finding["advice"])
                assert item.advice == edition().advice[item.rule].for_outcome(finding["outcome"])
                assert questions_of(item, case.advisory) == set(finding["because"])
        assert findings == {}


def test_the_answer_says_when_to_contact_and_about_how_many_points_or_that_there_is_no_need():
    brief = "before you start converting this account"
    for case in every_outcome():
        p, whens = case.projection, [contact["when"] for contact in case.record["contact"]]
        if not whens:
            assert p.no_contacts.startswith(p.answer)
            assert p.answer.count(".") == 1
            is_open = case.record["overall"] == "incomplete"
            assert p.remarks[0].startswith((p.score or "You have") if is_open else p.headline)
            continue
        times = dict.fromkeys(whens)
        in_words = {"now": "now", "before_launch": "before you launch", "before_filing": brief}
        first, *later = times
        number = "1 point" if whens.count(first) == 1 else f"{whens.count(first)} points"
        parts = [f"{in_words[first]} about {number}"]
        parts += [f"about {whens.count(when)} more {in_words[when]}" for when in later]
        assert p.answer == f"Contact the Integrity Commissioner {', and '.join(parts)}."
        assert p.remarks == ((p.score,) if p.score else ())


def test_each_finding_is_raised_or_done_or_among_the_rest():
    for case in every_outcome():
        p = case.projection
        raised = [item.rule for group in p.contacts for item, _ in group.items]
        done = [rule for group in p.acts for act in group.acts if act.is_to_do for rule in act.rules]
        rest = [
            item.rule
            for rest in p.rests
            for section in rest.sections
            for finding in section.findings
            for item in finding.items
        ]
        called_for = [item.rule for section in p.called_for for item in section.items]
        assert sorted({*raised, *done, *rest}) == sorted(edition().rule)
        assert sorted({*raised, *done}) == sorted(called_for)
        assert len(done) == len(set(done))
        assert not set(rest) & set(called_for)


def test_the_rest_is_counted_by_outcome_and_shares_what_is_the_same_and_nothing_else():
    merged = 0
    for case in every_outcome():
        items = [item for section in case.projection.sections for item in section.items]
        order = list(REST_TITLES)
        expected = sorted((i for i in items if i.outcome in order), key=lambda i: order.index(i.outcome))
        sections = [(rest, section) for rest in case.projection.rests for section in rest.sections]
        assert [
            i for _, section in sections for finding in section.findings for i in finding.items
        ] == expected
        for rest, section in sections:
            count = sum(item.status == rest.status for item in items)
            assert str(count) in rest.title
            for finding in section.findings:
                merged += len(finding.items) > 1
                names = [f"{i.title} ({i.force.lower()}, {i.citation})" for i in finding.items]
                assert finding.names == "; ".join(names)
                basis = "; ".join(filter(None, [section.common_basis, finding.own_basis])).split("; ")
                for item in finding.items:
                    assert (item.section, item.status) == (section.title, rest.status)
                    assert finding.advice == item.advice
                    assert sorted(basis) == sorted("; ".join(map(str, item.because)).split("; "))
    assert merged


def test_things_to_do_have_one_entry_for_one_act_under_their_time():
    merged = 0
    for case in every_outcome():
        p = case.projection
        deadlines = {d["rule"]: (d["due"], d["text"]) for d in case.record["deadlines"]}
        assert len(p.acts_to_do) == len(same_act(case.advisory))
        for group in p.acts:
            for act in group.acts:
                merged += len(act.items) > 1
                assert [item.citation in act.citation for item in act.items] == [True] * len(act.items)
                if not act.is_to_do:
                    assert group.heading == "Until you have an answer"
                    assert {edition().advice[rule].meanwhile for rule in act.rules} == {act.text}
                    continue
                ((_, text),) = {deadlines[rule] for rule in act.rules}
                assert act.text == edition().rule[act.rules[0]].title
                assert len({item.change for item in act.items if item.change}) <= 1
                if group.heading == "Do now":
                    assert act.due == ("" if text == "Now." else text)
                else:
                    assert (group.heading, act.due) == (text.rstrip("."), "")
    assert merged


def test_each_time_to_act_has_one_heading_and_now_comes_first():
    # ¶14 needs a call now, and is to be done until the campaign period ends.
    answers = {
        "account.stage": "live",
        "terms.adopted": "no",
        "resources.email": "yes",
        "election.use": "now",
        "election.candidate": "yes",
        "election.nomination_date": "2026-06-01",
        "election.plan": "no",
        "election.keep": "no",
    }
    case = case_of("now", raw_of(answers=answers, election="toronto-2026", as_of="2026-07-01"))
    headings = [group.heading for group in case.projection.acts]
    assert headings[:2] == ["Do now", "Until 31 December 2026, when the campaign period ends"]
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize(
    ("words", "opening", "each", "text"),
    [
        ((), "", (), ""),
        (("you know",), "This point is settled once you know.", (), "This point is settled once you know."),
        (
            ("you know", "no one helps"),
            "This point is settled once all of these are so:",
            ("You know.", "No one helps."),
            "This point is settled once all of these are so: (1) You know. (2) No one helps.",
        ),
        (
            ("a", "b", "c", "d"),
            "This point is settled once all of these are so:",
            ("A.", "B.", "C.", "D."),
            "This point is settled once all of these are so: (1) A. (2) B. (3) C. (4) D.",
        ),
    ],
)
def test_several_changes_are_a_list_and_as_text_a_numbered_one(words, opening, each, text):
    change = ChangeInWords(words)
    assert (change.opening, change.each, str(change), bool(change)) == (opening, each, text, bool(words))


def test_a_change_of_any_length_has_no_sentence_over_25_words():
    for question in edition().questions:
        for words in question.changed.values():
            for change in (ChangeInWords((words,)), ChangeInWords((words, words))):
                assert all(len(s.split()) <= 25 for s in (change.opening, *change.each)), words


def test_what_would_change_a_finding_is_in_the_words_of_the_edition_and_can_be_left_out():
    signs = [q.id for q in edition().questions if q.together == edition().question["resources.logo"].together]
    answers = {"account.stage": "live", "election.use": "now"} | dict.fromkeys(signs, "no")
    answers |= {"resources.logo": "yes", "resources.devices": "yes"}
    case = case_of("change", raw_of(answers=answers, election="toronto-2026"))
    items = {i.rule: i for section in case.projection.sections for i in section.items}
    logo, devices = (edition().question[f"resources.{sign}"].changed["no"] for sign in ("logo", "devices"))
    assert items["11"].change.words == (logo, devices)
    assert items["11"].ask_again == "resources.logo"
    plain = project(case.advisory, case.document, explained=False)
    assert not any(item.change for section in plain.sections for item in section.items)


@pytest.mark.parametrize(
    ("election", "as_of", "noted"),
    [
        ("toronto-2022", "2022-11-01", False),
        ("toronto-2026", "2026-11-01", True),
        ("toronto-2030", "2030-11-01", True),
    ],
)
def test_the_calendar_is_noted_exactly_where_the_edition_does_not_name_the_election(election, as_of, noted):
    answers = {"election.candidate": "yes", "election.use": "now", "resources.email": "yes"}
    case = case_of(election, raw_of(election=election, as_of=as_of, answers=answers))
    note = case.projection.calendar_note
    assert bool(note) == noted
    if note:
        named = case.advisory.election
        assert named.campaign_ends
        text = SHEET.calendar_note.replace("{election}", f"the {named.name}")
        assert note.startswith(text.replace("{date}", long_date(named.campaign_ends)))
        unconfirmed = f"not yet confirmed (last checked on {long_date(named.last_confirmed)})"
        assert (unconfirmed in note) == (election == "toronto-2030")


@pytest.mark.parametrize(
    ("filing", "warned"),
    [("2026-04-30", True), ("2026-05-01", False), ("2026-08-21", False), ("2026-08-22", True)],
)
def test_a_filing_date_outside_the_days_for_filing_is_warned_of(filing, warned):
    answers = {"election.candidate": "yes", "election.nomination_date": filing}
    case = case_of(filing, raw_of(answers=answers, election="toronto-2026"))
    note = case.projection.filing_note
    assert bool(note) == warned
    if note:
        assert "from 1 May 2026 to 21 August 2026" in note
        assert long_date(date.fromisoformat(filing)) in note
        assert f"the {case.advisory.election.name}" in note


def projected(**document: Any) -> Projection:
    """The projection of a document about a by-election."""
    case = case_of("by-election", raw_of(answers={}))
    by_election = calendar().get("by-election")
    assert by_election
    election = by_election.with_dates(**document)
    advisory = assess(edition(), case.document.answers, as_of=date(2027, 3, 1), election=election)
    return project(advisory, case.document)


def test_a_by_election_has_the_dates_that_someone_gave_and_no_others():
    assert projected().election == "City by-election"
    open_ended = projected().calendar_note
    assert open_ended
    assert open_ended.startswith("No one has entered when the campaign period for the City by-election ends")
    assert not re.search("[0-9]", open_ended)
    voted = projected(voting_day=date(2027, 5, 10))
    assert voted.election == "City by-election on 10 May 2027; campaign period to 24 June 2027"
    assert voted.calendar_note
    assert "24 June 2027" in voted.calendar_note
    given = projected(voting_day=date(2027, 5, 10), campaign_ends=date(2027, 9, 30))
    assert given.election == "City by-election on 10 May 2027; campaign period to 30 September 2027"
    assert given.calendar_note == (
        "You entered 30 September 2027 as the end of the campaign period for the City by-election of 10 May "
        "2027. Confirm it with the City Clerk."
    )


def test_a_filing_date_after_the_vote_of_a_by_election_is_questioned_without_days_that_no_law_names():
    by_election = calendar().get("by-election")
    assert by_election
    election = by_election.with_dates(voting_day=date(2027, 3, 8))
    answers = answers_of({"election.candidate": "yes", "election.nomination_date": "2027-03-09"})
    ((question, why),) = assess(edition(), answers, as_of=date(2027, 1, 1), election=election).questioned
    assert question == "election.nomination_date"
    assert why == (
        "You entered 9 March 2027 as your filing date. That is after voting day of the City by-election of 8 March "
        "2027, so please check it."
    )


def test_an_edition_without_words_for_a_given_end_says_the_same():
    case = case_of("given", raw_of(answers={}))
    election = calendar().default_for(date(2026, 7, 1)).with_dates(campaign_ends=date(2027, 6, 30))
    without = edition().model_copy(update={"sheet": SHEET.model_copy(update={"given_note": None})})
    notes = {
        project(
            assess(each, case.document.answers, as_of=date(2026, 7, 1), election=election), case.document
        ).calendar_note
        for each in (edition(), without)
    }
    name = "the Toronto municipal election of 26 October 2026"
    text = f"You entered 30 June 2027 as the end of the campaign period for {name}. Confirm it with the City Clerk."
    assert notes == {text}
