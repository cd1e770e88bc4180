"""Sharing a part with the Commissioner's office: picked, previewed, consented to, read, answered, withdrawn."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.files.storage import default_storage
from django.test import Client

from assessments.models import (
    AdviceEntry,
    AdviceRequest,
    Attestation,
    AuditEvent,
    Membership,
    Office,
    Share,
    ShareContent,
    SocialAccount,
    StoredPdf,
    User,
)
from assessments.pdf.judging import read_pdf
from assessments.records.shared import BLACKED_OUT
from assessments.services import printing, retention, sharing
from assessments.services.printing import pdf_of
from assessments.services.purging import purging
from assessments.services.retention import count_expired, purge_expired
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.attested import NONCE, attested, shared
from tests.reading import blocks_of_pdf, flat, opened
from tests.second_step import let_in_now, with_second_step

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
PASSWORD = "quiet-harbour-9"
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
WITHHELD = "A secret of the member's own, zq7."
NOTES = {"conduct.abuse": "Once, on 3 May, by Jo Tremblay.", "gifts.value": WITHHELD}
GIVEN = {"conduct.abuse": "yes", "resources.email": "yes"}


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.fixture
def attestation() -> Attestation:
    for edition in shelf.editions().values():
        publish_edition(edition=edition)
    member = User.objects.create_user("ana@example.ca", PASSWORD, name="Ana Silva")
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    staff = User.objects.create_user("sam@example.ca", PASSWORD, name="Sam Roy")
    Membership.objects.create(office=office, user=staff)
    with_second_step(User.objects.create_user("ola@example.ca", PASSWORD, name="Ola Berg", is_officer=True))
    User.objects.create_user("bo@example.ca", PASSWORD, name="Bo Chen")
    account = SocialAccount.objects.create(office=office, platform="X", handle="@ana")
    return attested(account, GIVEN, notes=NOTES)


def client_of(name: str) -> Client:
    client = Client()
    if name == "ola":
        let_in_now(client, User.objects.get(email="ola@example.ca"))
    else:
        client.post("/account/login/", {"login": f"{name}@example.ca", "password": PASSWORD})
    return client


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def page_of(attestation: Attestation) -> str:
    return f"/assessments/{attestation.assessment_id}/share"


PICKED = {"rule": ["17a"], "question": ["conduct.abuse"], "note": ["conduct.abuse"]}


def test_the_page_of_what_was_attested_says_what_was_asked_and_who_wrote_last(attestation):
    page = f"/assessments/{attestation.assessment_id}/"
    member, officer = client_of("ana"), User.objects.get(email="ola@example.ca")
    asked = shared(attestation, ask="May I?")
    assert "Advice asked for. No answer yet." in text_of(member.get(page))
    for by, text in (officer, "You may."), (attestation.attested_by, "Thanks."):
        sharing.write_advice(share=asked, text=text, by=by)
        assert f"Advice asked for. {by} wrote last, 1 July 2026, 11:00." in text_of(member.get(page))


# --- Picking, and the preview --------------------------------------------------------------------


def test_at_first_what_to_take_up_with_the_commissioner_is_picked_with_what_it_rests_on(attestation):
    page = text_of(client_of("ana").get(page_of(attestation)))
    assert 'name="rule" value="17a" checked' in page
    assert 'name="question" value="conduct.abuse" checked' in page
    assert 'name="rule" value="9" checked' not in page
    assert 'name="note" value="conduct.abuse" checked' not in page


@pytest.mark.parametrize("who", ["sam", "bo", "ola"])
def test_nobody_but_the_member_picks(attestation, who):
    client = client_of(who)
    assert client.get(page_of(attestation)).status_code in (302, 404)
    client.post(page_of(attestation), PICKED | {"give": "yes", "consent": "yes"})
    assert not Share.objects.exists()


def test_the_preview_is_what_the_office_sees_and_nothing_is_shared_by_it(attestation):
    member = client_of("ana")
    preview = member.post(page_of(attestation), PICKED | {"preview": "yes"})
    assert not Share.objects.exists()
    nonce = preview.context["nonce"]
    member.post(page_of(attestation), PICKED | {"nonce": nonce, "give": "yes", "consent": "yes"})
    share = Share.objects.get()
    shown = client_of("ola").get(f"/shares/{share.pk}")
    assert preview.context["a"] == shown.context["a"]

    def shared_part(answer: Any) -> str:
        text = text_of(answer)
        return text[text.index('<section id="contact">') : text.index('<nav class="aside')]

    assert shared_part(preview) == shared_part(shown)
    assert "Once, on 3 May" in shared_part(shown)
    assert WITHHELD not in text_of(shown)


def test_without_consent_nothing_is_given_and_nothing_picked_is_lost(attestation):
    answer = client_of("ana").post(page_of(attestation), PICKED | {"nonce": NONCE, "give": "yes"})
    assert "Tick the box to say that the office may have this" in text_of(answer)
    assert 'name="rule" value="17a"' in text_of(answer)
    assert not Share.objects.exists()


def test_one_can_go_back_and_change_what_was_picked(attestation):
    answer = client_of("ana").post(page_of(attestation), {"rule": ["9"], "change": "yes"})
    assert 'name="rule" value="9" checked' in text_of(answer)
    assert 'name="rule" value="17a" checked' not in text_of(answer)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "Pick at least one finding, answer or note to share."),
        ({"rule": "nothing-such"}, "is not in this assessment"),
        ({"rule": "24-closing' OR 1=1"}, "is not in this assessment"),
        ({"rule": "9", "about": ["17a"], "question_to_ask": "May I?"}, "a finding that you do not share"),
        ({"rule": "9", "needed_by": "2026-07-02"}, "Write your question"),
        (
            {"rule": "9", "question_to_ask": "May I?", "needed_by": "2026-06-30"},
            "choose today or a later day",
        ),
        ({"rule": "9", "question_to_ask": "May I?", "needed_by": "soon"}, "write a day such as"),
        ({"rule": "9", "question_to_ask": "x" * 4_001}, "4,001 characters; at most 4,000"),
        ({"rule": "9", "question_to_ask": "a\x00b"}, "Your question"),
    ],
)
def test_what_cannot_be_shared_is_reported_and_what_was_typed_is_kept(attestation, sent, message):
    answer = client_of("ana").post(page_of(attestation), sent | {"preview": "yes"})
    assert answer.status_code == 200
    assert message in text_of(answer)
    if "9" in sent.get("rule", ""):
        assert 'name="rule" value="9" checked' in text_of(answer)
    if sent.get("question_to_ask", "").startswith("May"):
        assert "May I?</textarea>" in text_of(answer)


def test_the_day_by_which_an_answer_is_needed_may_be_today(attestation):
    asked = {"question_to_ask": "May I?", "needed_by": "2026-07-01", "about": ["17a"]}
    client_of("ana").post(
        page_of(attestation), PICKED | asked | {"nonce": NONCE, "give": "y", "consent": "y"}
    )
    request = AdviceRequest.objects.get()
    assert (request.question, request.about, request.needed_by) == ("May I?", ["17a"], date(2026, 7, 1))


def test_pressed_twice_it_is_shared_once(attestation):
    member = client_of("ana")
    for _ in range(2):
        member.post(page_of(attestation), PICKED | {"nonce": NONCE, "give": "yes", "consent": "yes"})
    assert Share.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("Jo Tremblay", "Once, on 3 May, by [blacked out]."),
        ("jo tremblay\nOnce", "[blacked out], on 3 May, by [blacked out]."),
        ("Jo\nJo Tremblay", "Once, on 3 May, by [blacked out]."),
        ("", "Once, on 3 May, by Jo Tremblay."),
    ],
)
def test_words_are_blacked_out_of_a_note(attestation, words, left):
    form = PICKED | {"black_out:conduct.abuse": words, "nonce": NONCE, "give": "yes", "consent": "yes"}
    client_of("ana").post(page_of(attestation), form)
    content = ShareContent.objects.get().record
    assert json.loads(content)["notes"] == {"conduct.abuse": left}
    for text in (text_of(client_of("ola").get(f"/shares/{Share.objects.get().pk}")), content):
        assert ("Tremblay" in text) is (BLACKED_OUT not in left)


@pytest.mark.parametrize("typed", ["nothing such", "Jo  Tremblay", "Tremblay, Jo"])
def test_words_to_black_out_that_the_note_lacks_are_reported_before_anything_is_shared(attestation, typed):
    form = PICKED | {"black_out:conduct.abuse": f"Once\n{typed}", "nonce": NONCE, "give": "y", "consent": "y"}
    answer = client_of("ana").post(page_of(attestation), form)
    assert " ".join(f"“{typed}” is not in it".split()) in text_of(answer)
    assert " ".join(f"Once {typed}</textarea>".split()) in text_of(answer)
    assert not Share.objects.exists()


def test_what_is_picked_at_first_tells_the_office_when(attestation):
    member = client_of("ana")
    page = text_of(member.get(page_of(attestation)))
    form = {
        name: re.findall(f'name="{name}" value="([^"]+)" checked', page)
        for name in ("rule", "question", "note")
    }
    member.post(page_of(attestation), form | {"nonce": NONCE, "give": "y", "consent": "y"})
    contacts = json.loads(ShareContent.objects.get().record)["advisory"]["contact"]
    assert contacts
    assert "unstated" not in {contact["when"] for contact in contacts}


def test_a_preview_that_is_sent_again_after_it_was_given_leads_to_what_is_shared(attestation):
    member = client_of("ana")
    (nonce,) = re.findall('name="nonce" value="([0-9a-f]{64})"', text_of(member.get(page_of(attestation))))
    member.post(page_of(attestation), PICKED | {"nonce": nonce, "give": "y", "consent": "y"})
    share = Share.objects.get()
    for button in ("preview", "give"):
        answer = member.post(page_of(attestation), PICKED | {"nonce": nonce, button: "y", "consent": "y"})
        assert answer["Location"] == f"/shares/{share.pk}"
    assert Share.objects.count() == 1


def test_a_preview_whose_share_was_withdrawn_leads_to_choosing_anew(attestation):
    member = client_of("ana")
    (nonce,) = re.findall('name="nonce" value="([0-9a-f]{64})"', text_of(member.get(page_of(attestation))))
    member.post(page_of(attestation), PICKED | {"nonce": nonce, "give": "y", "consent": "y"})
    sharing.withdraw(share=Share.objects.get(), by=attestation.attested_by)
    answer = member.post(
        page_of(attestation), PICKED | {"nonce": nonce, "give": "y", "consent": "y"}, follow=True
    )
    assert answer.redirect_chain[0][0] == page_of(attestation)
    assert "You withdrew this share. To share again, choose what to include." in text_of(answer)
    assert nonce not in answer.content.decode()


@pytest.mark.parametrize(
    ("picked", "headline"),
    [
        ({"rules": {"9"}, "questions": set()}, "Nothing flagged in the part that was shared"),
        ({"rules": set(), "questions": {"conduct.abuse"}}, "Answers were shared, and no findings"),
        ({"rules": {"17a"}, "questions": set()}, "Contact the Integrity Commissioner"),
    ],
)
def test_a_part_never_says_that_nothing_is_flagged_of_the_whole(attestation, picked, headline):
    share = shared(attestation, **picked)
    projection = client_of("ola").get(f"/shares/{share.pk}").context["a"]
    assert projection.headline == headline
    assert projection.tone != "consistent"


def test_officers_are_mailed_that_a_member_asks_and_by_when_and_nothing_more(
    attestation, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        share = shared(attestation, ask="May I?")
    (mail,) = mail_box(to="ola@example.ca")
    assert mail.subject == "A member asks for the office’s advice"
    assert f"/shares/{share.pk}" in mail.body
    assert "May I?" not in mail.body
    client_of("ola").post(f"/shares/{share.pk}/advice", {"text": "You may."})
    with django_capture_on_commit_callbacks(execute=True):
        client_of("ana").post(f"/shares/{share.pk}/advice", {"text": "And then?"})
    assert len(mail_box(to="ola@example.ca")) == 2


def mail_box(*, to: str) -> list[Any]:
    return [message for message in mail.outbox if message.to == [to]]


def test_nothing_is_given_once_the_term_ended_even_while_the_button_is_pressed(attestation, monkeypatch):
    give = sharing.share

    def ended_meanwhile(**given: Any) -> Share:
        Office.objects.update(ends_on=date(2026, 5, 1))
        return give(**given)

    monkeypatch.setattr(sharing, "share", ended_meanwhile)
    form = PICKED | {"nonce": NONCE, "give": "yes", "consent": "yes"}
    answer = client_of("ana").post(page_of(attestation), form)
    assert answer.status_code == 409
    assert not Share.objects.exists()


# --- What is given ---------------------------------------------------------------------------------


def test_nothing_that_was_withheld_is_in_the_record_the_pages_or_the_pdf(attestation):
    share = shared(attestation, rules={"17a"}, questions={"conduct.abuse"}, notes={"conduct.abuse"})
    content, pdf = share.content.record, pdf_of(share)
    page = text_of(client_of("ola").get(f"/shares/{share.pk}"))
    blocks = blocks_of_pdf(opened(pdf))
    assert [flat(text) for kind, text in blocks if kind == "h1"] == [
        flat("Shared part of an advisory on a social media account")
    ]
    words = flat(" ".join(text for _, text in blocks))
    for withheld in (
        WITHHELD,
        attestation.sha256,
        attestation.code,
        "resources.email",
        "toronto.ca address in",
    ):
        assert withheld not in content
        assert withheld not in page
        assert flat(withheld) not in words
        assert withheld.encode() not in pdf
    assert json.loads(content).keys() == {
        "account",
        "advisory",
        "answers",
        "as_of",
        "digest",
        "edition",
        "election",
        "format",
        "kind",
        "nonce",
        "notes",
        "office",
        "outcomes",
        "revision",
        "shared_at",
    }
    proof = read_pdf(pdf)
    assert (proof.code, proof.sha256) == (share.code, share.sha256)


@pytest.mark.parametrize(("who", "status"), [("ana", 200), ("sam", 200), ("ola", 200), ("bo", 404)])
def test_who_reads_it(attestation, who, status):
    share = shared(attestation, ask="May I?")
    for page in (f"/shares/{share.pk}", f"/shares/{share.pk}.json", f"/shares/{share.pk}/exchange.txt"):
        assert client_of(who).get(page).status_code == status


def test_the_office_sees_nothing_of_what_was_not_shared_and_not_even_that_it_is_there(attestation):
    desk = client_of("ola").get("/desk/")
    assert "Nothing yet" in text_of(desk)
    for page in ("", "answers", "advisory", "advisory.pdf", "review", "compare"):
        assert client_of("ola").get(f"/assessments/{attestation.assessment_id}/{page}").status_code == 404


def test_each_look_of_an_officer_is_in_the_offices_trail_and_a_members_is_not(attestation):
    share = shared(attestation)
    client_of("ana").get(f"/shares/{share.pk}")
    looked = AuditEvent.objects.filter(action="share_viewed")
    assert not looked.exists()
    for _ in range(2):
        client_of("ola").get(f"/shares/{share.pk}")
    assert str(looked.get().actor) == "Ola Berg"
    client_of("ola").get(f"/shares/{share.pk}.json")
    assert AuditEvent.objects.filter(action="file_downloaded").count() == 1


def test_a_later_attestation_that_is_not_shared_does_not_tell_on_the_paper(attestation, clock):
    share = shared(attestation)
    clock.move_to(NOW + timedelta(days=1))
    later = attested(attestation.assessment.account)
    assert "Authentic and current" in text_of(Client().get(f"/verify/{share.code}"))
    assert "Superseded" not in text_of(client_of("ola").get(f"/shares/{share.pk}"))
    shared(later, nonce="b" * 64)
    assert "superseded" in text_of(Client().get(f"/verify/{share.code}"))
    assert "Superseded" in text_of(client_of("ola").get(f"/shares/{share.pk}"))


def test_its_heading_names_office_and_account_as_they_were_when_it_was_shared(attestation):
    share = shared(attestation)
    SocialAccount.objects.update(handle="@later")
    Office.objects.update(name="Ward 11")
    page = text_of(client_of("ola").get(f"/shares/{share.pk}"))
    heading = page[page.index("<h1>") : page.index("</h1>")]
    assert "Shared part of an advisory, <bdi>Ward 10</bdi>: <bdi>X @ana</bdi>" in heading


# --- Advice ------------------------------------------------------------------------------------------


def test_an_officer_answers_and_both_see_the_exchange(
    attestation, mailoutbox, django_capture_on_commit_callbacks
):
    share = shared(attestation, ask="May I post from the Chamber?")
    officer, address = client_of("ola"), f"/shares/{share.pk}/advice"
    assert "To answer" in text_of(officer.get("/desk/"))
    with django_capture_on_commit_callbacks(execute=True):
        officer.post(address, {"text": "You may, after the meeting."})
        officer.post(address, {"text": "You may, after the meeting."})
    assert AdviceEntry.objects.count() == 1
    client_of("ana").post(address, {"text": "Thank you."})
    for who in ("ana", "sam", "ola"):
        page = text_of(client_of(who).get(f"/shares/{share.pk}"))
        for words in (
            "May I post from the Chamber?",
            "You may, after the meeting.",
            "Thank you.",
            "Ola Berg",
        ):
            assert words in page
    text = client_of("ana").get(f"/shares/{share.pk}/exchange.txt").content.decode()
    assert text.index("Chamber") < text.index("after the meeting") < text.index("Thank you")
    (mail,) = mailoutbox
    assert mail.to == ["ana@example.ca"]
    assert "Chamber" not in mail.body + str(mail.alternatives)
    assert "answered on " in text_of(officer.get("/desk/"))


@pytest.mark.parametrize("who", ["sam", "bo"])
def test_others_write_nothing(attestation, who):
    share = shared(attestation, ask="May I?")
    assert client_of(who).post(f"/shares/{share.pk}/advice", {"text": "x"}).status_code == 404
    assert not AdviceEntry.objects.exists()


@pytest.mark.parametrize(("text", "message"), [("", "Write something first"), ("x" * 4_001, "at most 4,000")])
def test_an_answer_that_cannot_be_sent_stays_on_the_page(attestation, text, message):
    share = shared(attestation, ask="May I?")
    answer = client_of("ola").post(f"/shares/{share.pk}/advice", {"text": text})
    assert message in text_of(answer)
    assert f"{text}</textarea>" in text_of(answer)


# --- Taking it back -----------------------------------------------------------------------------------


def test_withdrawn_its_content_and_file_are_gone_and_that_it_was_there_is_kept(
    attestation, django_capture_on_commit_callbacks
):
    share = shared(attestation, ask="May I?")
    pdf_of(share)
    (stored,) = StoredPdf.objects.all()
    member = client_of("ana")
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            member.post(f"/shares/{share.pk}/withdraw")
    assert not ShareContent.objects.exists()
    assert not default_storage.exists(stored.name)
    officer = client_of("ola")
    page = text_of(officer.get(f"/shares/{share.pk}"))
    assert "Something was shared on 1 July 2026, 11:00 and withdrawn on" in page
    for gone in ("May I?", "@ana", "Ward 10", "Ana Silva"):
        assert gone not in page
        assert gone not in text_of(officer.get("/desk/"))
    for file in (".pdf", ".json", "/exchange.txt"):
        assert officer.get(f"/shares/{share.pk}{file}").status_code == 404
    assert "withdrawn" in text_of(Client().get(f"/verify/{share.code}"))
    assert "May I?" in text_of(member.get(f"/shares/{share.pk}"))
    assert AuditEvent.objects.filter(action="share_withdrawn").count() == 1


def test_withdrawn_under_a_legal_hold_it_is_kept_out_of_sight_until_the_hold_is_lifted(
    attestation, django_capture_on_commit_callbacks
):
    share = shared(attestation, ask="May I?")
    pdf_of(share)
    (stored,) = StoredPdf.objects.all()
    administrator = User.objects.create_user("al@example.ca", PASSWORD, name="Al Roy")
    retention.set_hold(office=share.attestation.assessment.account.office, held=True, by=administrator)
    member, officer = client_of("ana"), client_of("ola")
    with django_capture_on_commit_callbacks(execute=True):
        member.post(f"/shares/{share.pk}/withdraw")
    purge_expired()
    assert default_storage.exists(stored.name)
    assert ShareContent.objects.count() == 1
    cases = ((member, "A legal hold is on this office."), (officer, "Nobody can read what it said"))
    for who, message in cases:
        page = text_of(who.get(f"/shares/{share.pk}"))
        assert message in page
        assert "@ana" not in page
        for file in (".pdf", ".json", "/exchange.txt"):
            assert who.get(f"/shares/{share.pk}{file}").status_code == 404
    for gone in ("May I?", "@ana", "Ward 10", "Ana Silva", "legal hold"):
        assert gone not in text_of(officer.get(f"/shares/{share.pk}")) + text_of(officer.get("/desk/"))
    retention.set_hold(office=share.attestation.assessment.account.office, held=False, by=administrator)
    assert count_expired().withdrawn == 1
    assert purge_expired().withdrawn == 1
    assert not default_storage.exists(stored.name)
    assert not ShareContent.objects.exists()


def test_what_is_purged_while_it_is_given_taken_back_or_answered_is_not_found(attestation, monkeypatch):
    share = shared(attestation, ask="May I?")

    def gone(**_: Any) -> None:
        raise Share.DoesNotExist

    for name in ("withdraw", "write_advice"):
        monkeypatch.setattr(sharing, name, gone)
    member = client_of("ana")
    assert member.post(f"/shares/{share.pk}/withdraw").status_code == 404
    typed = member.post(f"/shares/{share.pk}/advice", {"text": "x of my own"})
    assert typed.status_code == 409
    assert "x of my own" in text_of(typed)


def test_what_is_purged_while_its_pdf_is_made_is_said_to_be_deleted(attestation, monkeypatch):
    share = shared(attestation)
    keep = printing._store

    def purge_and_keep(name: str, data: bytes) -> str:
        with purging():
            retention._delete([attestation.assessment_id])
        return keep(name, data)

    monkeypatch.setattr(printing, "_store", purge_and_keep)
    answer = client_of("ana").get(f"/shares/{share.pk}.pdf")
    assert answer.status_code == 503
    assert "was withdrawn or deleted while its PDF was made" in text_of(answer)


def test_an_answer_to_what_was_withdrawn_meanwhile_is_given_back(attestation):
    share = shared(attestation, ask="May I?")
    officer = client_of("ola")
    client_of("ana").post(f"/shares/{share.pk}/withdraw")
    answer = officer.post(f"/shares/{share.pk}/advice", {"text": "You may."})
    assert answer.status_code == 409
    assert "You may." in text_of(answer)
    assert "withdrew or erased what was shared meanwhile" in text_of(answer)


def test_an_answer_to_what_was_erased_meanwhile_is_given_back_to_officers_alone(attestation):
    for who, status in (("ola", 409), ("bo", 404)):
        answer = client_of(who).post("/shares/987654/advice", {"text": "You may."})
        assert answer.status_code == status
        assert ("You may." in text_of(answer)) is (who == "ola")


@pytest.mark.parametrize("who", ["sam", "bo"])
def test_nobody_else_withdraws(attestation, who):
    share = shared(attestation)
    assert client_of(who).post(f"/shares/{share.pk}/withdraw").status_code == 404
    assert ShareContent.objects.exists()


# --- The verification page ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "message", "status"),
    [
        ("0000-0000-0000-0000-0000", "The portal knows no such paper", 404),
        ("nonsense", "This is no verification code", 404),
        ("<script>", "This is no verification code", 404),
    ],
)
def test_a_code_that_no_paper_has(db, typed, message, status):
    answer = Client().get("/verify/", {"code": typed}, follow=True)
    assert (answer.status_code, message in text_of(answer)) == (status, True)
    assert "<script>" not in answer.content.decode()


def test_a_code_is_read_however_it_is_typed_and_tells_nothing_else(attestation):
    typed = attestation.code.replace("-", " ").lower()
    page = text_of(Client().get("/verify/", {"code": typed}, follow=True))
    assert "Authentic and current" in page
    for text in ("Ana", "Ward", "@ana", "contact_commissioner", "July"):
        assert text not in page
