"""What is kept on a question that is not asked any more does not count, print or go out; its author reads it."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from assessments.models import Assessment, Attestation, User
from assessments.records.attested import attested_record, canonical
from assessments.records.shared import offered, preselected
from assessments.records.state import AssessmentState, assessment_state
from assessments.rendering.text import advisory_text
from assessments.reports.compare import compare
from assessments.services import attesting
from assessments.services.answering import AnswerVersion, Change, save_answers
from assessments.services.office_copy import export_all
from tests.cast import Cast, answered, attested, shared

pytestmark = pytest.mark.django_db
ON, HIDDEN, MARK = "gifts.unpaid", "gifts.value", "zq-hidden-6142"
"""While the first is answered with no, the second is not asked."""


def state_of(draft: Assessment) -> AssessmentState:
    related = Assessment.objects.select_related("edition", "account__office__member", "attestation")
    return assessment_state(related.get(pk=draft.pk), as_of=timezone.localdate())


def give(draft: Assessment, question: str, value: str, *, by: User) -> None:
    version = AnswerVersion.of_row(draft.answers.filter(question=question).first())
    assert not save_answers(draft=draft, changes=[Change(question, value, "", version)], by=by).conflicts


def with_hidden(cast: Cast) -> Assessment:
    draft = answered(cast.account, cast.member, {ON: "yes", HIDDEN: "620.00"}, {HIDDEN: MARK})
    assert HIDDEN in state_of(draft).advisory.asked
    give(draft, ON, "no", by=cast.member)
    assert HIDDEN not in state_of(draft).advisory.asked
    return draft


@pytest.fixture
def draft(cast: Cast) -> Assessment:
    return with_hidden(cast)


@pytest.fixture
def record(cast: Cast, draft: Assessment) -> Attestation:
    client = cast.client("member")
    page = client.post(f"/assessments/{draft.pk}/attest", {"stand": "yes", "seen": state_of(draft).seen})
    assert page.status_code == 302
    return Attestation.objects.get(assessment=draft)


@pytest.fixture
def older_record(draft: Assessment, monkeypatch: pytest.MonkeyPatch, unprinted: None) -> Attestation:
    """An attestation as earlier releases wrote it: its record has every row, asked or not."""

    def with_every_row(state: AssessmentState, **more: Any) -> str:
        content = json.loads(attested_record(state, **more))
        row = state.rows[HIDDEN]
        content["answers"].append(
            {
                "question": HIDDEN,
                "answer": row.value,
                "note": row.note,
                "by": "Ana Silva",
                "at": row.answered_at.isoformat(),
                "version": row.version,
            }
        )
        return canonical(content)

    monkeypatch.setattr(attesting, "attested_record", with_every_row)
    member = draft.account.office.member
    return attesting.attest(assessment=draft, by=member, seen=state_of(draft).seen)


def test_a_draft_counts_and_prints_none_of_it(cast, draft):
    state, client = state_of(draft), cast.client("staff")
    assert HIDDEN in state.advisory.ignored
    assert MARK not in advisory_text(state.projection)
    for page in ("", "advisory", "advisory.json", "details"):
        assert MARK not in client.get(f"/assessments/{draft.pk}/{page}").content.decode(), page
    assert json.loads(client.get(f"/assessments/{draft.pk}/advisory.json").content)["ignored"] == list(
        state.advisory.ignored
    )


def test_whoever_wrote_it_reads_it_among_the_answers_and_takes_it_along(cast, draft):
    client = cast.client("staff")
    page = client.get(f"/assessments/{draft.pk}/answers").content.decode()
    kept = page[page.index('id="not-asked"') :]
    assert MARK in kept
    assert "$620.00" in kept
    assert "Ana Silva" in kept
    assert (
        f'href="/assessments/{draft.pk}/answers#not-asked"'
        in client.get(f"/assessments/{draft.pk}/advisory").content.decode()
    )
    file = json.loads(client.get(f"/assessments/{draft.pk}/answers.json").content)
    assert (file["answers"][HIDDEN], file["notes"][HIDDEN]) == ("620.00", MARK)


def test_nothing_is_listed_where_nothing_is_hidden(cast):
    page = cast.client("member").get(f"/assessments/{cast.draft.pk}/answers").content.decode()
    assert "not-asked" not in page


def test_it_is_asked_again_with_its_answer_and_note(cast, draft):
    give(draft, ON, "yes", by=cast.member)
    state = state_of(draft)
    assert (str(state.advisory.answers[HIDDEN]), state.notes[HIDDEN]) == ("620.00", MARK)
    assert HIDDEN not in {question.id for question, _, _ in state.not_asked}


def test_an_attestation_has_its_id_alone(cast, record, unprinted):
    content: dict[str, Any] = json.loads(record.record)
    assert MARK not in record.record
    assert HIDDEN not in {answer["question"] for answer in content["answers"]}
    assert HIDDEN in content["advisory"]["ignored"]
    assert not {answer["question"] for answer in content["answers"]} & {*content["advisory"]["ignored"]}
    state = state_of(record.assessment)
    assert HIDDEN in state.advisory.ignored
    assert MARK not in advisory_text(state.projection)
    page = cast.client("member").get(f"/assessments/{record.assessment_id}/answers").content.decode()
    assert MARK in page[page.index('id="not-asked"') :]


def test_it_is_not_offered_to_be_shared_and_a_forged_form_does_not_share_it(cast, record):
    state = state_of(record.assessment)
    assert HIDDEN not in offered(state).notes | offered(state).questions
    assert HIDDEN not in preselected(state).questions
    share = shared(record, questions={HIDDEN, "account.stage"}, notes={HIDDEN})
    assert MARK not in share.content.record
    assert HIDDEN not in json.loads(share.content.record)["answers"]
    page = cast.client("member").get(f"/assessments/{record.assessment_id}/share").content.decode()
    assert MARK not in page
    for address in (f"/shares/{share.pk}", f"/shares/{share.pk}.json", "/desk/"):
        assert MARK not in cast.client("officer").get(address).content.decode()


def test_nor_is_it_of_an_older_record_that_has_it(cast, older_record):
    assert MARK in older_record.record
    state = state_of(older_record.assessment)
    assert HIDDEN not in state.notes
    assert HIDDEN not in offered(state).notes | offered(state).questions
    share = shared(older_record, questions={HIDDEN, "account.stage"}, notes={HIDDEN})
    assert MARK not in share.content.record
    address = f"/assessments/{older_record.assessment_id}/share"
    member = cast.client("member")
    assert MARK not in member.get(address).content.decode()
    forged = member.post(address, {"rule": "9", "note": HIDDEN, "preview": "yes"}).content.decode()
    assert "isn’t in this self-check" in forged
    assert MARK not in forged
    other = attested(cast.account, {ON: "no"})
    assert MARK not in repr(compare(state, state_of(other.assessment)).answers)


def test_an_older_record_is_printed_again_as_it_was(older_record):
    assert MARK in advisory_text(state_of(older_record.assessment).projection)


def test_a_comparison_has_no_note_that_is_not_asked(cast, record):
    other = attested(cast.account, {ON: "no"})
    differences = compare(state_of(record.assessment), state_of(other.assessment)).answers
    assert MARK not in repr(differences)


def test_the_offices_own_copy_has_it_in_its_answers(cast, record, unprinted):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export_all(office=cast.office, by=cast.member))))
    holding = [name for name in archive.namelist() if MARK.encode() in archive.read(name)]
    assert [name.rpartition("/")[2] for name in holding] == ["answers.json"]


def test_a_browsers_own_check_shows_it_to_whoever_has_the_browser():
    from assessments.services.drafts import start_check  # noqa: PLC0415 - only here
    from assessments.views.workspace import COOKIE  # noqa: PLC0415
    from tests.cast import publish  # noqa: PLC0415

    publish()
    client = Client()
    check, client.cookies[COOKIE] = start_check()
    changes = [Change(ON, "no", ""), Change(HIDDEN, "620.00", MARK)]
    save_answers(draft=check, changes=changes, by=None)
    page = client.get("/check/answers").content.decode()
    assert MARK in page[page.index('id="not-asked"') :]
    assert MARK not in client.get("/check/advisory").content.decode()
