"""Attesting once and completely, the frozen record, its PDF, and the next assessment."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction

from assessments.models import (
    Answer,
    Assessment,
    Attestation,
    AuditEvent,
    Notice,
    Office,
    SocialAccount,
    StoredPdf,
    User,
)
from assessments.pdf.judging import read_pdf
from assessments.scoring.advisory import Advisory
from assessments.scoring.assess import assess
from assessments.services import printing
from assessments.services.answering import AnswerVersion, Attested, Change, DraftGone, TermEnded, save_answers
from assessments.services.attesting import Changed, NotComplete, NotTheMember, attest, reassess
from bulletin.publish import publish_edition
from tests.bulletin.other_editions import another_bulletin, with_section_renamed
from tests.cast import (
    HANDLE,
    PASSWORD,
    account_of,
    answered,
    at_the_same_moment,
    attested,
    client_of,
    make,
    seen,
    together,
)
from tests.reading import assert_pdf_ua, blocks_of_pdf, flat, margins_of_pdf, opened
from tests.tables import edition

NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
SIGNS = ("email", "identity", "website", "print", "logo", "contact", "devices", "people")


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOW, tick=False)
    return time_machine


def text_of(answer: Any) -> str:
    """A page's HTML with single spaces."""
    return " ".join(answer.content.decode().split())


# --- Attesting ------------------------------------------------------------------------------


@pytest.mark.postgres
def test_all_of_it_is_frozen_in_one_record_that_its_hash_proves(cast):
    attestation = attested(cast.account, {"conduct.abuse": "yes"}, notes={"conduct.abuse": "Once, in May."})
    record = json.loads(attestation.record)
    assert hashlib.sha256(attestation.record.encode()).hexdigest() == attestation.sha256
    assert (record["attested_by"], record["office"], record["as_of"]) == (
        "Ana Silva",
        "Ward 10",
        "2026-07-01",
    )
    assert record["account"] == {"platform": "TikTok", "handle": HANDLE, "member": "Ana Silva"}
    assert record["digest"] == attestation.assessment.edition.digest
    assert record["advisory"]["overall"] == attestation.overall == "contact_commissioner"
    assert len(record["nonce"]) == 64
    given = {answer["question"]: answer for answer in record["answers"]}
    # What is not asked any more is there by its id alone.
    kept = given.keys() | {*record["advisory"]["ignored"]}
    assert kept == {*attestation.assessment.answers.values_list("question", flat=True)}
    assert not given.keys() & {*record["advisory"]["ignored"]}
    assert given["conduct.abuse"] | {"at": ""} == {
        "question": "conduct.abuse",
        "answer": "yes",
        "note": "Once, in May.",
        "by": "Ana Silva",
        "at": "",
        "version": 1,
    }
    findings = {finding.rule: finding for finding in attestation.findings.all()}
    assert len(findings) == len(record["advisory"]["findings"]) == 51
    assert {f["rule"]: f["outcome"] for f in record["advisory"]["findings"]} == {
        rule: finding.outcome for rule, finding in findings.items()
    }
    assert AuditEvent.objects.filter(action="attested", record_id=attestation.pk).count() == 1


def test_two_that_say_the_same_have_hashes_that_have_nothing_in_common(cast, attestation):
    assert attested(cast.account).sha256 != attestation.sha256


def test_only_the_member_attests(cast):
    staff, client = cast.staff, cast.client("staff")
    draft = answered(cast.account, staff)
    with pytest.raises(NotTheMember):
        attest(assessment=draft, by=staff, seen=seen(draft))
    for answer in (
        client.get(f"/assessments/{draft.pk}/attest"),
        client.post(f"/assessments/{draft.pk}/attest", {"stand": "yes", "seen": seen(draft)}),
    ):
        assert answer.status_code == 403
        assert "Only the member can attest" in text_of(answer)
        assert f'href="/assessments/{draft.pk}/review"' in text_of(answer)
    assert cast.client("stranger").get(f"/assessments/{draft.pk}/attest").status_code == 404
    assert not Attestation.objects.filter(assessment=draft).exists()


@pytest.mark.parametrize("what", ["answer", "account", "day"])
def test_what_changed_since_the_member_looked_is_not_attested(cast, clock, what):
    member = cast.member
    draft = answered(cast.account, member)
    looked = seen(draft)
    if what == "answer":
        save_answers(draft=draft, changes=[Change("conduct.abuse", "yes", "", AnswerVersion(1))], by=member)
    elif what == "account":
        SocialAccount.objects.update(handle="@other")
    else:
        clock.move_to(NOW + timedelta(days=1))
    with pytest.raises(Changed):
        attest(assessment=draft, by=member, seen=looked)
    form = {"stand": "yes", "seen": looked}
    answer = client_of(member).post(f"/assessments/{draft.pk}/attest", form)
    assert "something changed since you opened this page" in text_of(answer)
    assert not Attestation.objects.filter(assessment=draft).exists()


def test_a_finding_without_a_result_bars_it_and_is_named_though_every_question_has_an_answer(
    cast, monkeypatch
):
    def with_an_open_finding(*args: Any, **options: Any) -> Advisory:
        advisory = assess(*args, **options)
        first, *others = advisory.findings
        return replace(advisory, findings=(first._replace(outcome="unanswered", contact=None), *others))

    draft = answered(cast.account, cast.member)
    monkeypatch.setattr("assessments.records.state.assess", with_an_open_finding)
    with pytest.raises(NotComplete):
        attest(assessment=draft, by=cast.member, seen=seen(draft))
    client = cast.client("member")
    page = text_of(client.get(f"/assessments/{draft.pk}/attest"))
    assert "These points have no result yet" in page
    assert edition().rules[0].title in page
    assert 'name="stand"' not in page
    answer = client.post(f"/assessments/{draft.pk}/attest", {"stand": "yes", "seen": seen(draft)})
    assert "some questions still need an answer" in text_of(answer)
    assert not Attestation.objects.filter(assessment=draft).exists()


def test_an_answer_that_is_missing_bars_it_and_is_named(cast):
    member = cast.member
    draft = answered(cast.account, member)
    draft.answers.filter(question="conduct.abuse").delete()
    with pytest.raises(NotComplete):
        attest(assessment=draft, by=member, seen=seen(draft))
    page = text_of(client_of(member).get(f"/assessments/{draft.pk}/attest"))
    assert "Before you can attest" in page
    assert f"/assessments/{draft.pk}/section/conduct?ready&amp;back#q-conduct-abuse" in page
    assert 'name="stand"' not in page


@pytest.mark.parametrize("given", [{"conduct.abuse": "unsure"}, {"terms.adopted": "unsure"}])
def test_not_being_sure_bars_nothing(cast, given):
    assert attested(cast.account, given).overall in ("contact_commissioner", "incomplete")


def test_it_is_asked_for_once_more_and_done_once(cast):
    member = cast.member
    draft = answered(cast.account, member)
    first = attest(assessment=draft, by=member, seen=seen(draft))
    assert attest(assessment=draft, by=member, seen="anything") == first
    assert AuditEvent.objects.filter(action="attested", record_id=first.pk).count() == 1


@at_the_same_moment
def test_ten_at_once_attest_once():
    cast = make()
    member, draft = cast.member, answered(cast.account, cast.member)
    looked = seen(draft)
    keys = together(*[lambda: attest(assessment=draft, by=member, seen=looked).pk] * 10)
    assert set(keys) == {Attestation.objects.get().pk}
    assert Attestation.objects.get().findings.count() == 51


def test_the_page_attests_with_the_box_ticked_and_a_fresh_sign_in(cast, clock):
    member = cast.member
    member.set_password(PASSWORD)
    member.save()
    draft, client = answered(cast.account, member), client_of(member)
    page = f"/assessments/{draft.pk}/attest"
    form = {"seen": seen(draft)}
    assert "Check the box" in text_of(client.post(page, form))
    clock.move_to(NOW + timedelta(minutes=16))
    assert client.get(page)["Location"].startswith("/account/reauthenticate/?next=")
    assert client.post(page, form | {"stand": "yes"}).status_code == 409
    assert not Attestation.objects.filter(assessment=draft).exists()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    answer = client.post(page, form | {"stand": "yes"}, follow=True)
    assert "Attested" in text_of(answer)
    assert Attestation.objects.get(assessment=draft).attested_by == member
    assert client.get(page)["Location"] == f"/assessments/{draft.pk}/"


def test_afterwards_nothing_of_it_can_be_changed_and_pages_say_so(cast, attestation):
    member, draft = cast.member, attestation.assessment
    for write in (
        lambda: save_answers(
            draft=draft, changes=[Change("conduct.abuse", "yes", "", AnswerVersion(1))], by=member
        ),
        lambda: save_answers(
            draft=draft, changes=[], by=member, confirmed={"conduct.abuse": AnswerVersion(1)}
        ),
    ):
        with pytest.raises(Attested):
            write()
    client = cast.client("staff")
    section = f"/assessments/{draft.pk}/section/conduct"
    assert client.get(section)["Location"] == f"/assessments/{draft.pk}/answers"
    typed = client.post(section, {"conduct.abuse": "yes", "seen.conduct.abuse": "1.x", "go": ""})
    assert typed.status_code == 409
    assert "The member has attested this self-check" in text_of(typed)
    for page in ("", "answers", "advisory"):
        assert "Attested" in text_of(client.get(f"/assessments/{draft.pk}/{page}"))


@pytest.mark.postgres
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE assessments_answer SET value = '\"no\"'",
        "UPDATE assessments_answer SET note = 'x'",
        "DELETE FROM assessments_answer",
        "UPDATE assessments_assessment SET election = 'toronto-2030'",
    ],
)
def test_the_database_itself_keeps_attested_answers(attestation, sql):
    with pytest.raises(IntegrityError, match="attested"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.postgres
def test_an_answer_cannot_be_added_to_it_either(attestation):
    by, draft = attestation.attested_by, attestation.assessment
    with pytest.raises(IntegrityError, match="attested"), transaction.atomic():
        Answer.objects.create(draft=draft, question="more", value="x", answered_by=by)


def test_what_was_attested_is_shown_as_it_was_whatever_became_of_the_names(cast, attestation):
    SocialAccount.objects.update(handle="@renamed")
    User.objects.filter(pk=cast.member.pk).update(name="Ana Costa")
    page = text_of(cast.client("member").get(f"/assessments/{attestation.assessment_id}/advisory"))
    assert f'<dd dir="auto"> {HANDLE} </dd>' in page
    assert "Ana Silva" in page


def test_the_staff_are_told(cast, attestation):
    assert Notice.objects.get(user=cast.staff).kind == "attested"


# --- Its PDF -----------------------------------------------------------------------------------


def test_its_pdf_is_printed_when_it_is_kept_and_is_the_record(
    cast, tmp_path, monkeypatch, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        attestation = attested(cast.account)
    stored = StoredPdf.objects.get(attestation=attestation)
    content = default_storage.open(stored.name).read()
    assert hashlib.sha256(content).hexdigest() == stored.sha256
    assert len(content) == stored.size
    page = f"/assessments/{attestation.assessment_id}/advisory.pdf"
    assert cast.client("member").get(page).content == content
    record = read_pdf(content)
    assert (record.code, record.sha256) == (attestation.code, attestation.sha256)
    assert record.record.decode() == attestation.record
    assert flat(f"/verify/{attestation.code}") in flat(
        " ".join(text for _, text in blocks_of_pdf(opened(content)))
    )
    margins = flat(" ".join(margins_of_pdf(opened(content))))
    assert flat("Attested by Ana Silva on 1 July 2026, 11:00") in margins
    (tmp_path / "a.pdf").write_bytes(content)
    assert_pdf_ua(tmp_path / "a.pdf", monkeypatch)
    default_storage.delete(stored.name)
    assert printing.pdf_of(attestation) == content


def test_a_stored_file_is_named_by_its_record_and_its_hash_alone(attestation, monkeypatch):
    SocialAccount.objects.update(handle="../../etc/passwd", platform="../..")
    monkeypatch.setattr(printing, "_full_pdf", printed_without_press)
    printing.pdf_of(attestation)
    stored = StoredPdf.objects.get()
    assert stored.name == f"attestations/{attestation.pk}/{stored.sha256}.pdf"


def printed_without_press(record: Attestation) -> bytes:
    return b"%PDF-" + record.record.encode()


@pytest.mark.parametrize("what", ["missing", "altered", "half"])
def test_a_file_that_is_not_what_it_was_is_printed_again(attestation, monkeypatch, what):
    monkeypatch.setattr(printing, "_full_pdf", printed_without_press)
    first = printing.pdf_of(attestation)
    stored = StoredPdf.objects.get()
    if what == "missing":
        default_storage.delete(stored.name)
    else:
        with open(default_storage.path(stored.name), "r+b") as file:  # noqa: PTH123
            file.truncate(1_000) if what == "half" else file.write(b"%PDF-x")
    assert printing.pdf_of(attestation) == first
    assert default_storage.open(stored.name).read() == first
    assert StoredPdf.objects.count() == 1


def test_with_the_storage_gone_it_is_attested_all_the_same_and_the_page_says_so(
    cast, settings, tmp_path, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(printing, "_full_pdf", printed_without_press)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    settings.MEDIA_ROOT = blocked
    with django_capture_on_commit_callbacks(execute=True):
        attestation = attested(cast.account)
    client, page = cast.client("member"), f"/assessments/{attestation.assessment_id}/advisory.pdf"
    answer = client.get(page)
    assert answer.status_code == 503
    assert "could not be stored" in text_of(answer)
    settings.MEDIA_ROOT = tmp_path / "media"
    assert client.get(page).content.startswith(b"%PDF")


# --- The next assessment --------------------------------------------------------------------------


def test_the_next_one_begins_with_the_answers_each_to_be_confirmed(cast):
    account, member, staff = cast.account, cast.member, cast.staff
    earlier = attested(account, {"conduct.abuse": "yes"}, notes={"conduct.abuse": "Once."}).assessment
    before = Assessment.objects.count()
    successor = reassess(assessment=earlier, by=staff)
    assert (successor.copied_from, successor.started_by, successor.account) == (earlier, staff, account)
    copied = successor.answers.get(question="conduct.abuse")
    assert (copied.value, copied.note, copied.answered_by, copied.carried) == ("yes", "Once.", member, True)
    assert successor.answers.count() == earlier.answers.count()
    with pytest.raises(NotComplete):
        attest(assessment=successor, by=member, seen=seen(successor))
    assert reassess(assessment=earlier, by=member) == successor
    assert Assessment.objects.count() == before + 1


def test_the_next_one_stays_with_its_bulletin_in_the_newest_revision(attestation, clock):
    newer, _ = publish_edition(edition=with_section_renamed("moderation", "moderating"))
    clock.move_to(NOW + timedelta(minutes=1))
    publish_edition(edition=another_bulletin("zz-toronto"))
    begun = reassess(assessment=attestation.assessment, by=attestation.attested_by)
    assert begun.edition == newer
    assert begun.answers.get(question="conduct.abuse").carried
    assert not begun.answers.filter(question__startswith="moderation.").exists()


def test_the_next_one_of_another_bulletin_stays_with_that_one_whatever_is_published_later(cast, clock):
    member = cast.member
    other, _ = publish_edition(edition=another_bulletin("zz-toronto"))
    draft = answered(cast.account, member)
    Assessment.objects.filter(pk=draft.pk).update(edition=other)
    attest(assessment=draft, by=member, seen=seen(draft))
    clock.move_to(NOW + timedelta(minutes=1))
    publish_edition(edition=with_section_renamed("moderation", "moderating"))
    assert reassess(assessment=draft, by=member).edition == other


def test_saving_confirms_the_answers_that_were_changed_and_no_others(cast, attestation):
    successor = reassess(assessment=attestation.assessment, by=cast.member)
    client = cast.client("staff")
    address = f"/assessments/{successor.pk}/section/resources"
    page = client.get(address)
    assert "This answer was given earlier. Is it still right?" in text_of(page)
    form = _shown(page)
    carried = successor.answers.filter(carried=True, question__in=[f"resources.{sign}" for sign in SIGNS])
    many = carried.count()
    assert many == len(SIGNS)
    client.post(address, form, headers={"HX-Request": "true"})
    client.post(address, form | {"go": ""})
    assert carried.count() == many
    client.post(address, form | {"resources.email": _other(form["resources.email"]), "go": ""})
    assert carried.count() == many - 1
    assert successor.answers.get(question="resources.email").answered_by == cast.staff
    assert successor.answers.filter(carried=True).exists()


def _other(answer: str) -> str:
    return "no" if answer == "yes" else "yes"


def _shown(page: Any) -> dict[str, Any]:
    """What a section's page with answers to confirm would send."""
    shown = [slot for slot in page.context["form"].slots.values() if slot.shown]
    form = {slot.question.id: slot.value for slot in shown}
    return form | {
        f"{name}.{slot.question.id}": str(slot.seen) for slot in shown for name in ("seen", "confirm")
    }


def test_what_is_changed_beside_a_fault_is_stamped_on_the_page_that_stays(cast, attestation):
    successor = reassess(assessment=attestation.assessment, by=cast.member)
    address, client = f"/assessments/{successor.pk}/section/resources", cast.client("member")
    page = client.get(address)
    form = _shown(page)
    first, *others = [slot for slot in page.context["form"].slots.values() if slot.shown]
    form |= {slot.question.id: _other(slot.value) for slot in others}
    page = client.post(
        address, form | {first.question.id: "no such choice", "go": ""}, headers={"HX-Request": "true"}
    ).content.decode()
    stamps = dict(re.findall(r'name="seen\.([^"]+)"\s+value="([^"]*)"', page))
    changed = {slot.question.id for slot in others}
    assert {question for question, stamp in stamps.items() if stamp.startswith("2.")} == changed
    again = client.post(address, form | {f"seen.{q}": stamp for q, stamp in stamps.items()} | {"go": ""})
    assert again.status_code == 302
    assert not successor.answers.filter(carried=True, question__in=changed).exists()


def test_the_later_one_supersedes_and_every_page_of_the_earlier_says_so(cast, attestation, clock):
    earlier = attestation
    clock.move_to(NOW + timedelta(days=1))
    later = attested(cast.account)
    client = cast.client("member")
    for page in ("", "answers", "advisory", "review"):
        text = text_of(client.get(f"/assessments/{earlier.assessment_id}/{page}"))
        assert "<strong>Superseded:</strong>" in text, page
        assert f"/assessments/{later.assessment_id}/" in text
        assert "<strong>Superseded:</strong>" not in text_of(
            client.get(f"/assessments/{later.assessment_id}/{page}")
        )
    assert "superseded" in text_of(client.get(f"/verify/{earlier.code}"))
    assert "Issued by this portal, and current" in text_of(client.get(f"/verify/{later.code}"))
    listed = text_of(client.get(f"/office/accounts/{cast.account_pk}"))
    assert "Superseded" in listed


def test_two_are_compared_in_words(cast, clock):
    account = account_of(cast.office)
    earlier = attested(account, notes={"conduct.abuse": "None."}).assessment
    clock.move_to(NOW + timedelta(days=1))
    attested(account, {"conduct.abuse": "yes"})
    page = text_of(cast.client("member").get(f"/assessments/{earlier.pk}/compare"))
    assert '<td data-label="Earlier"> <div dir="auto">No</div> </td>' in page
    assert '<td data-label="Later"> <div dir="auto">Yes</div> </td>' in page
    assert "Contact the Integrity Commissioner" in page
    assert "None." in page
    assert '<th scope="row"> Promotes' not in page


@pytest.mark.parametrize("why", ["deleted", "ended"])
def test_nothing_is_attested_or_begun_where_nothing_can_be_written(cast, attestation, why):
    member, draft = cast.member, answered(cast.account, cast.member)
    looked = seen(draft)
    if why == "deleted":
        Assessment.objects.filter(pk=draft.pk).update(deleted_at=NOW, deleted_by=member)
        with pytest.raises(DraftGone):
            attest(assessment=draft, by=member, seen=looked)
    else:
        Office.objects.update(ends_on=date(2026, 6, 30))
        with pytest.raises(TermEnded):
            attest(assessment=draft, by=member, seen=looked)
        with pytest.raises(TermEnded):
            reassess(assessment=attestation.assessment, by=member)
