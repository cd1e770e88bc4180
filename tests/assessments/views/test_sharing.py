"""Sharing a part with the Commissioner's office: picked, previewed, consented to, read, answered, withdrawn."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from html import escape
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
    Office,
    Share,
    ShareContent,
    SocialAccount,
    StoredPdf,
)
from assessments.pdf.judging import read_pdf
from assessments.records.shared import BLACKED_OUT
from assessments.services import printing, retention, sharing
from assessments.services.printing import pdf_of
from assessments.services.purging import purging
from assessments.services.retention import count_expired, purge_expired
from assessments.services.reviewing import comment, resolve
from bulletin.shelf import current
from tests.cast import HANDLE, HOLD, NONCE, attested, shared
from tests.reading import blocks_of_pdf, flat, opened

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
WITHHELD = "A secret of the member's own, zq7."
NOTES = {"conduct.abuse": "Once, on 3 May, by Jo Tremblay.", "gifts.value": WITHHELD}
GIVEN = {"conduct.abuse": "yes", "resources.email": "yes"}


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.fixture(scope="module")
def module_attestation(module_cast, module_time) -> int:
    """What `attestation` is in this module."""
    with module_time():
        return attested(module_cast.account, GIVEN, notes=NOTES).pk


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def page_of(attestation: Attestation) -> str:
    return f"/assessments/{attestation.assessment_id}/share"


PICKED = {"rule": ["17a"], "question": ["conduct.abuse"], "note": ["conduct.abuse"]}


def test_the_page_of_what_was_attested_says_what_was_asked_and_who_wrote_last(cast, attestation):
    page = f"/assessments/{attestation.assessment_id}/"
    member, officer = cast.client("member"), cast.officer
    asked = shared(attestation, ask="May I?")
    assert "Advice requested. No reply yet." in text_of(member.get(page))
    for by, text in (officer, "You may."), (attestation.attested_by, "Thanks."):
        sharing.write_advice(share=asked, text=text, by=by)
        assert f"Advice requested. Last message: {by}, 1 July 2026, 11:00 EDT." in text_of(member.get(page))


def test_the_page_of_what_was_attested_says_whether_comments_are_resolved(cast, attestation):
    page = f"/assessments/{attestation.assessment_id}/"
    member, by = cast.client("member"), attestation.attested_by
    assert "No comments yet. You can still comment." in text_of(member.get(page))
    thread = comment(assessment=attestation.assessment, about="whole", subject="", text="Done?", by=by)
    assert "1 comment thread is not resolved. You can still comment." in text_of(member.get(page))
    resolve(thread=thread, seen=thread.version, by=by)
    assert "All comment threads are resolved. You can still comment." in text_of(member.get(page))
    assert "Back to the self-check" in text_of(member.get(f"{page}advisory"))


# --- Picking, and the preview --------------------------------------------------------------------


def test_at_first_what_to_take_up_with_the_commissioner_is_picked_with_what_it_rests_on(cast, attestation):
    page = text_of(cast.client("member").get(page_of(attestation)))
    assert 'name="rule" value="17a" checked' in page
    assert 'name="question" value="conduct.abuse" checked' in page
    assert 'name="rule" value="9" checked' not in page
    assert 'name="note" value="conduct.abuse" checked' not in page


@pytest.mark.parametrize("who", ["staff", "stranger", "officer"])
def test_nobody_but_the_member_picks(cast, attestation, who):
    client = cast.client(who)
    assert client.get(page_of(attestation)).status_code in (302, 404)
    client.post(page_of(attestation), PICKED | {"give": "yes", "consent": "yes"})
    assert not Share.objects.exists()


@pytest.mark.postgres
def test_where_advice_is_asked_no_line_says_that_this_is_not_asking(cast, attestation):
    member = cast.client("member")
    for question, is_there in (("", True), ("May I?", False)):
        sent = PICKED | {"question_to_ask": question, "preview": "yes"}
        page = member.post(page_of(attestation), sent).content.decode()
        assert ("count as asking for advice" in page) == is_there


def test_the_preview_is_what_the_office_sees_and_nothing_is_shared_by_it(cast, attestation):
    member = cast.client("member")
    preview = member.post(page_of(attestation), PICKED | {"preview": "yes"})
    assert not Share.objects.exists()
    nonce = preview.context["nonce"]
    member.post(page_of(attestation), PICKED | {"nonce": nonce, "give": "yes", "consent": "yes"})
    share = Share.objects.get()
    shown = cast.client("officer").get(f"/shares/{share.pk}")
    assert preview.context["a"] == shown.context["a"]

    def shared_part(answer: Any) -> str:
        text = text_of(answer)
        return text[text.index('<section id="contact"') : text.index('<nav class="aside')]

    assert shared_part(preview) == shared_part(shown)
    assert "Once, on 3 May" in shared_part(shown)
    assert WITHHELD not in text_of(shown)


def test_without_consent_nothing_is_given_and_nothing_picked_is_lost(cast, attestation):
    answer = cast.client("member").post(page_of(attestation), PICKED | {"nonce": NONCE, "give": "yes"})
    assert "Tick the box to agree to share this" in text_of(answer)
    assert 'name="rule" value="17a"' in text_of(answer)
    assert not Share.objects.exists()


def test_one_can_go_back_and_change_what_was_picked(cast, attestation):
    answer = cast.client("member").post(page_of(attestation), {"rule": ["9"], "change": "yes"})
    assert 'name="rule" value="9" checked' in text_of(answer)
    assert 'name="rule" value="17a" checked' not in text_of(answer)


NOT_SHARED: list[tuple[dict[str, Any], str]] = [
    ({}, "Choose at least one point, answer or note to share."),
    ({"rule": "nothing-such"}, "isn’t in this self-check"),
    ({"rule": "24-closing' OR 1=1"}, "isn’t in this self-check"),
    ({"rule": "9", "about": ["17a"], "question_to_ask": "May I?"}, "a point that you haven’t included"),
    ({"rule": "9", "needed_by": "2026-07-02"}, "Enter your question"),
    (
        {"rule": "9", "question_to_ask": "May I?", "needed_by": "2026-06-30"},
        "enter today or a later date",
    ),
    ({"rule": "9", "question_to_ask": "May I?", "needed_by": "soon"}, "enter a date, for example"),
    ({"rule": "9", "question_to_ask": "x" * 4_001}, "at most 4,000 characters; this text has 4,001"),
    (
        {"rule": "9", "question_to_ask": "May I?", "needed_by": "08/12/2026"},
        "Enter 2026-08-12 or 2026-12-08.",
    ),
]


def test_what_cannot_be_shared_is_reported_and_what_was_typed_is_kept(cast, attestation):
    member = cast.client("member")
    for sent, message in NOT_SHARED:
        answer = member.post(page_of(attestation), sent | {"preview": "yes"})
        assert answer.status_code == 200
        assert message in text_of(answer), sent
        if "9" in sent.get("rule", ""):
            assert 'name="rule" value="9" checked' in text_of(answer), sent
        if sent.get("question_to_ask", "").startswith("May"):
            assert "May I?</textarea>" in text_of(answer), sent


@pytest.mark.postgres
def test_the_day_by_which_an_answer_is_needed_may_be_today(cast, attestation):
    asked = {"question_to_ask": "May I?", "needed_by": "2026-07-01", "about": ["17a"]}
    cast.client("member").post(
        page_of(attestation), PICKED | asked | {"nonce": NONCE, "give": "y", "consent": "y"}
    )
    request = AdviceRequest.objects.get()
    assert (request.question, request.about, request.needed_by) == ("May I?", ["17a"], date(2026, 7, 1))


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("Jo Tremblay", "Once, on 3 May, by [blacked out]."),
        ("jo tremblay\nOnce", "[blacked out], on 3 May, by [blacked out]."),
        ("Jo\nJo Tremblay", "Once, on 3 May, by [blacked out]."),
        ("", "Once, on 3 May, by Jo Tremblay."),
    ],
)
def test_words_are_blacked_out_of_a_note(cast, attestation, words, left):
    form = PICKED | {"black_out:conduct.abuse": words, "nonce": NONCE, "give": "yes", "consent": "yes"}
    shown = cast.client("member").post(page_of(attestation), form)["Location"]
    content = ShareContent.objects.get().record
    assert json.loads(content)["notes"] == {"conduct.abuse": left}
    for text in (text_of(cast.client("officer").get(shown)), content):
        assert ("Tremblay" in text) is (BLACKED_OUT not in left)


def test_words_to_black_out_that_the_note_lacks_are_reported_before_anything_is_shared(cast, attestation):
    member = cast.client("member")
    for typed in ("nothing such", "Tremblay, Jo"):
        words = {"black_out:conduct.abuse": f"Once\n{typed}"}
        answer = member.post(
            page_of(attestation), PICKED | words | {"nonce": NONCE, "give": "y", "consent": "y"}
        )
        assert " ".join(f"doesn’t contain “{typed}”".split()) in text_of(answer)
        assert " ".join(f"Once {typed}</textarea>".split()) in text_of(answer)
    assert not Share.objects.exists()


@pytest.mark.parametrize(
    "typed", ["Jo  Tremblay", "JO\u00a0TREMBLAY", "Jo Trem\u00adblay", "\u202aJo Tremblay\u202c"]
)
def test_words_that_look_alike_are_blacked_out_and_counted(cast, attestation, typed):
    form = PICKED | {"black_out:conduct.abuse": typed, "preview": "yes"}
    page = text_of(cast.client("member").post(page_of(attestation), form))
    assert "is blacked out 1 time in your note" in page
    assert "Once, on 3 May, by [blacked out]." in page


def test_what_may_be_the_same_is_pointed_at_before_consent(cast, attestation):
    member = cast.client("member")
    form = PICKED | {"black_out:conduct.abuse": "Jo", "question_to_ask": "May jo post?", "preview": "yes"}
    page = text_of(member.post(page_of(attestation), form))
    assert "“<bdi>Jo</bdi>” is blacked out 1 time in your note" in page
    assert "Still visible in your question: <bdi>“jo”</bdi>." in page
    form = PICKED | {"black_out:conduct.abuse": "Jo Tremblai", "preview": "yes"}
    page = text_of(member.post(page_of(attestation), form))
    assert "doesn’t contain “Jo Tremblai”. Did you mean “Jo”, “Tremblay”?" in page


def test_near_misses_in_other_notes_and_in_the_question_are_pointed_at_too(cast):
    notes = {"conduct.abuse": "Jo Tremblay wrote to us.", "resources.email": "Sent by J. tremblay."}
    attestation = attested(cast.account, notes=notes)
    form = PICKED | {
        "note": list(notes),
        "black_out:conduct.abuse": "Jo Tremblay",
        "question_to_ask": "May tremblay post?",
        "preview": "yes",
    }
    page = text_of(cast.client("member").post(page_of(attestation), form))
    short = current().question["resources.email"].short
    assert f"Still visible in your note on <bdi>“{short}” (“tremblay”)</bdi>." in page
    assert "Still visible in your question: <bdi>“tremblay”</bdi>." in page


def test_no_more_lines_are_compared_than_a_person_would_type(cast, attestation):
    lines = "\n".join(f"Jo{number}" for number in range(101))
    form = PICKED | {"black_out:conduct.abuse": lines, "preview": "yes"}
    page = text_of(cast.client("member").post(page_of(attestation), form))
    assert "enter at most 100 lines" in page
    assert "Jo100" in page


def test_what_is_picked_at_first_tells_the_office_when(cast, attestation):
    member = cast.client("member")
    page = text_of(member.get(page_of(attestation)))
    form = {
        name: re.findall(f'name="{name}" value="([^"]+)" checked', page)
        for name in ("rule", "question", "note")
    }
    member.post(page_of(attestation), form | {"nonce": NONCE, "give": "y", "consent": "y"})
    contacts = json.loads(ShareContent.objects.get().record)["advisory"]["contact"]
    assert contacts
    assert "unstated" not in {contact["when"] for contact in contacts}


@pytest.mark.postgres
def test_a_preview_that_is_sent_again_after_it_was_given_leads_to_what_is_shared(cast, attestation):
    member = cast.client("member")
    (nonce,) = re.findall('name="nonce" value="([0-9a-f]{64})"', text_of(member.get(page_of(attestation))))
    member.post(page_of(attestation), PICKED | {"nonce": nonce, "give": "y", "consent": "y"})
    share = Share.objects.get()
    for button in ("preview", "give"):
        answer = member.post(page_of(attestation), PICKED | {"nonce": nonce, button: "y", "consent": "y"})
        assert answer["Location"] == f"/shares/{share.pk}"
    assert Share.objects.count() == 1


def test_a_preview_whose_share_was_withdrawn_leads_to_choosing_anew(cast, attestation):
    member = cast.client("member")
    (nonce,) = re.findall('name="nonce" value="([0-9a-f]{64})"', text_of(member.get(page_of(attestation))))
    member.post(page_of(attestation), PICKED | {"nonce": nonce, "give": "y", "consent": "y"})
    sharing.withdraw(share=Share.objects.get(), by=attestation.attested_by)
    answer = member.post(
        page_of(attestation), PICKED | {"nonce": nonce, "give": "y", "consent": "y"}, follow=True
    )
    assert answer.redirect_chain[0][0] == page_of(attestation)
    assert "You withdrew this share. To share again, choose what to include." in text_of(answer)
    assert nonce not in answer.content.decode()


def test_a_part_never_says_that_nothing_is_flagged_of_the_whole(cast, attestation):
    officer = cast.client("officer")
    for number, (rules, questions, headline) in enumerate(
        (
            ({"9"}, set(), "Nothing flagged in the part that was shared"),
            (set(), {"conduct.abuse"}, "Only answers were shared, no points of the advisory"),
            ({"17a"}, set(), "Contact the Integrity Commissioner"),
        )
    ):
        share = shared(attestation, rules=rules, questions=questions, nonce=f"{number:064x}")
        projection = officer.get(f"/shares/{share.pk}").context["a"]
        assert projection.headline == headline
        assert projection.tone != "consistent"


def test_officers_are_mailed_that_a_member_asks_and_by_when_and_nothing_more(
    cast, attestation, django_capture_on_commit_callbacks, unprinted
):
    with django_capture_on_commit_callbacks(execute=True):
        share = shared(attestation, ask="May I?")
    (mail,) = mail_box(to="officer@example.ca")
    assert mail.subject == "A member asks for advice"
    assert f"/shares/{share.pk}" in mail.body
    assert "May I?" not in mail.body
    cast.client("officer").post(f"/shares/{share.pk}/advice", {"text": "You may."})
    with django_capture_on_commit_callbacks(execute=True):
        cast.client("member").post(f"/shares/{share.pk}/advice", {"text": "And then?"})
    assert len(mail_box(to="officer@example.ca")) == 2


def mail_box(*, to: str) -> list[Any]:
    return [message for message in mail.outbox if message.to == [to]]


def test_nothing_is_given_once_the_term_ended_even_while_the_button_is_pressed(
    cast, attestation, monkeypatch
):
    give = sharing.share

    def ended_meanwhile(**given: Any) -> Share:
        Office.objects.update(ends_on=date(2026, 5, 1))
        return give(**given)

    monkeypatch.setattr(sharing, "share", ended_meanwhile)
    form = PICKED | {"nonce": NONCE, "give": "yes", "consent": "yes"}
    answer = cast.client("member").post(page_of(attestation), form)
    assert answer.status_code == 409
    assert not Share.objects.exists()


# --- What is given ---------------------------------------------------------------------------------


def test_nothing_that_was_withheld_is_in_the_record_the_pages_or_the_pdf(cast, attestation):
    share = shared(attestation, rules={"17a"}, questions={"conduct.abuse"}, notes={"conduct.abuse"})
    content, pdf = share.content.record, pdf_of(share)
    page = text_of(cast.client("officer").get(f"/shares/{share.pk}"))
    blocks = blocks_of_pdf(opened(pdf))
    (heading,) = [flat(text) for kind, text in blocks if kind == "h1"]
    assert heading == flat("{platform}{handle}".format_map(json.loads(content)["account"]))
    assert flat(blocks[0][1]).startswith(flat("Shared part of an advisory on a social media account"))
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


def test_who_reads_it(cast, attestation):
    share = shared(attestation, ask="May I?")
    for who, status in (("member", 200), ("staff", 200), ("officer", 200), ("stranger", 404)):
        client = cast.client(who)
        for page in (f"/shares/{share.pk}", f"/shares/{share.pk}.json", f"/shares/{share.pk}/exchange.txt"):
            assert client.get(page).status_code == status, (who, page)


def test_the_office_sees_nothing_of_what_was_not_shared_and_not_even_that_it_is_there(cast, attestation):
    officer = cast.client("officer")
    assert "No self-checks are shared yet" in text_of(officer.get("/desk/"))
    for page in ("", "answers", "advisory", "advisory.pdf", "review", "compare"):
        assert officer.get(f"/assessments/{attestation.assessment_id}/{page}").status_code == 404


def test_each_look_of_an_officer_is_in_the_offices_trail_and_a_members_is_not(cast, attestation):
    share = shared(attestation)
    cast.client("member").get(f"/shares/{share.pk}")
    looked = AuditEvent.objects.filter(action="share_viewed")
    assert not looked.exists()
    for _ in range(2):
        cast.client("officer").get(f"/shares/{share.pk}")
    assert str(looked.get().actor) == "Robin Ng"
    cast.client("officer").get(f"/shares/{share.pk}.json")
    assert AuditEvent.objects.filter(action="file_downloaded").count() == 1


def test_a_later_attestation_that_is_not_shared_does_not_tell_on_the_paper(cast, attestation, clock):
    share = shared(attestation)
    clock.move_to(NOW + timedelta(days=1))
    later = attested(attestation.assessment.account)
    assert "Issued by this portal, and current" in text_of(Client().get(f"/verify/{share.code}"))
    assert "Superseded" not in text_of(cast.client("officer").get(f"/shares/{share.pk}"))
    shared(later, nonce="b" * 64)
    assert "superseded" in text_of(Client().get(f"/verify/{share.code}"))
    assert "Superseded" in text_of(cast.client("officer").get(f"/shares/{share.pk}"))


def test_its_heading_names_office_and_account_as_they_were_when_it_was_shared(cast, attestation):
    share = shared(attestation)
    SocialAccount.objects.update(handle="@later")
    Office.objects.filter(pk=cast.office_pk).update(name="Ward 11")
    page = text_of(cast.client("officer").get(f"/shares/{share.pk}"))
    heading = page[page.index("<h1>") : page.index("</h1>")]
    assert f"Shared part of an advisory: <bdi>Ward 10</bdi> (<bdi>TikTok {HANDLE}</bdi>)" in heading


# --- Advice ------------------------------------------------------------------------------------------


def test_an_officer_answers_and_both_see_the_exchange(
    cast, attestation, mailoutbox, django_capture_on_commit_callbacks
):
    share = shared(attestation, ask="May I post from the Chamber?")
    officer, address = cast.client("officer"), f"/shares/{share.pk}/advice"
    assert "Needs a reply" in text_of(officer.get("/desk/"))
    with django_capture_on_commit_callbacks(execute=True):
        officer.post(address, {"text": "You may, after the meeting."})
        officer.post(address, {"text": "You may, after the meeting."})
    assert AdviceEntry.objects.count() == 1
    cast.client("member").post(address, {"text": "Thank you."})
    for who in ("member", "staff", "officer"):
        page = text_of(cast.client(who).get(f"/shares/{share.pk}"))
        for words in (
            "May I post from the Chamber?",
            "You may, after the meeting.",
            "Thank you.",
            "Robin Ng",
        ):
            assert words in page
    text = cast.client("member").get(f"/shares/{share.pk}/exchange.txt").content.decode()
    assert text.index("Chamber") < text.index("after the meeting") < text.index("Thank you")
    (mail,) = mailoutbox
    assert mail.to == ["member@example.ca"]
    assert "Chamber" not in mail.body + str(mail.alternatives)
    assert "0 need a reply, 1 shared." in re.sub("<[^>]+>", "", text_of(officer.get("/desk/")))


@pytest.mark.parametrize("who", ["staff", "stranger"])
def test_others_write_and_withdraw_nothing(cast, attestation, who):
    share = shared(attestation, ask="May I?")
    client = cast.client(who)
    assert client.post(f"/shares/{share.pk}/advice", {"text": "x"}).status_code == 404
    assert client.post(f"/shares/{share.pk}/withdraw").status_code == 404
    assert not AdviceEntry.objects.exists()
    assert ShareContent.objects.exists()


@pytest.mark.parametrize(
    ("text", "message"), [("", "Enter a message before you send it."), ("x" * 4_001, "at most 4,000")]
)
def test_an_answer_that_cannot_be_sent_stays_on_the_page(cast, attestation, text, message):
    share = shared(attestation, ask="May I?")
    answer = cast.client("officer").post(f"/shares/{share.pk}/advice", {"text": text})
    assert message in text_of(answer)
    assert f"{text}</textarea>" in text_of(answer)
    assert ("What you wrote is still in the box." in text_of(answer)) is bool(text)


# --- Taking it back -----------------------------------------------------------------------------------


@pytest.mark.postgres
def test_withdrawn_its_content_and_file_are_gone_and_that_it_was_there_is_kept(
    cast, attestation, django_capture_on_commit_callbacks, unprinted
):
    share = shared(attestation, ask="May I?")
    pdf_of(share)
    (stored,) = StoredPdf.objects.all()
    member = cast.client("member")
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            member.post(f"/shares/{share.pk}/withdraw")
    assert not ShareContent.objects.exists()
    assert not default_storage.exists(stored.name)
    officer = cast.client("officer")
    page = text_of(officer.get(f"/shares/{share.pk}"))
    assert "This was shared on 1 July 2026, 11:00 EDT and withdrawn on" in page
    for gone in ("May I?", HANDLE, "Ward 10", "Ana Silva"):
        assert gone not in page
        assert gone not in text_of(officer.get("/desk/"))
    for file in (".pdf", ".json", "/exchange.txt"):
        assert officer.get(f"/shares/{share.pk}{file}").status_code == 404
    assert "withdrawn" in text_of(Client().get(f"/verify/{share.code}"))
    assert not AdviceRequest.objects.exists()
    assert "May I?" not in text_of(member.get(f"/shares/{share.pk}"))
    assert "audit trail still shows that it was shared" in text_of(member.get(f"/shares/{share.pk}"))
    assert AuditEvent.objects.filter(action="share_withdrawn").count() == 1


@pytest.mark.postgres
def test_withdrawn_under_a_legal_hold_it_is_kept_out_of_sight_until_the_hold_is_lifted(
    cast, attestation, django_capture_on_commit_callbacks, unprinted
):
    share = shared(attestation, ask="May I?")
    pdf_of(share)
    (stored,) = StoredPdf.objects.all()
    retention.set_hold(office=share.attestation.assessment.account.office, **HOLD, by=cast.administrator)
    member, officer = cast.client("member"), cast.client("officer")
    with django_capture_on_commit_callbacks(execute=True):
        member.post(f"/shares/{share.pk}/withdraw")
    purge_expired()
    assert default_storage.exists(stored.name)
    assert ShareContent.objects.count() == 1
    cases = ((member, "This office is under a legal hold."), (officer, "The content can no longer be read"))
    for who, message in cases:
        page = text_of(who.get(f"/shares/{share.pk}"))
        assert message in page
        assert HANDLE not in page
        for file in (".pdf", ".json", "/exchange.txt"):
            assert who.get(f"/shares/{share.pk}{file}").status_code == 404
    for gone in ("May I?", HANDLE, "Ward 10", "Ana Silva", "legal hold"):
        assert gone not in text_of(officer.get(f"/shares/{share.pk}")) + text_of(officer.get("/desk/"))
    retention.lift_hold(office=cast.office, seen=cast.office.hold_mark, by=cast.administrator)
    assert count_expired().withdrawn == 1
    assert purge_expired().withdrawn == 1
    assert not default_storage.exists(stored.name)
    assert not ShareContent.objects.exists()
    assert not AdviceRequest.objects.exists()


def test_what_is_purged_while_it_is_given_taken_back_or_answered_is_not_found(cast, attestation, monkeypatch):
    share = shared(attestation, ask="May I?")

    def gone(**_: Any) -> None:
        raise Share.DoesNotExist

    for name in ("withdraw", "write_advice"):
        monkeypatch.setattr(sharing, name, gone)
    member = cast.client("member")
    assert member.post(f"/shares/{share.pk}/withdraw").status_code == 404
    typed = member.post(f"/shares/{share.pk}/advice", {"text": "x of my own"})
    assert typed.status_code == 409
    assert "x of my own" in text_of(typed)


def test_what_is_purged_while_its_pdf_is_made_is_said_to_be_deleted(
    cast, attestation, monkeypatch, unprinted
):
    share = shared(attestation)
    keep = printing._store

    def purge_and_keep(name: str, data: bytes) -> str:
        with purging():
            retention._delete([attestation.assessment_id])
        return keep(name, data)

    monkeypatch.setattr(printing, "_store", purge_and_keep)
    answer = cast.client("member").get(f"/shares/{share.pk}.pdf")
    assert answer.status_code == 503
    assert "was withdrawn or deleted while its PDF was being made" in text_of(answer)


def test_an_answer_to_what_was_withdrawn_meanwhile_is_given_back(cast, attestation):
    share = shared(attestation, ask="May I?")
    officer = cast.client("officer")
    cast.client("member").post(f"/shares/{share.pk}/withdraw")
    answer = officer.post(f"/shares/{share.pk}/advice", {"text": "You may."})
    assert answer.status_code == 409
    assert "You may." in text_of(answer)
    assert "has withdrawn or erased what was shared" in text_of(answer)


def test_an_answer_to_what_was_erased_meanwhile_is_given_back_to_officers_alone(cast, attestation):
    for who, status in (("officer", 409), ("stranger", 404)):
        answer = cast.client(who).post("/shares/987654/advice", {"text": "You may."})
        assert answer.status_code == status
        assert ("You may." in text_of(answer)) is (who == "officer")


# --- The verification page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", " \r\n", "\u200b"])
def test_an_empty_box_is_refused_in_words(typed):
    answer = Client().post("/verify/", {"pasted": typed})
    assert answer.status_code == 400
    assert "Enter the verification code." in text_of(answer)
    page = answer.content.decode()
    assert re.search(r'<input[^>]*aria-invalid="true"', page)
    assert re.search(r"<input[^>]* required", page)
    assert "Enter the verification code." not in text_of(Client().get("/verify/"))


def test_each_code_of_a_pasted_text_can_be_checked(attestation):
    other = "0A1B-2C3D-4E5F-6G7H-8J9K"
    answer = Client().post("/verify/", {"pasted": f"<{attestation.code}> and {other}"})
    page = answer.content.decode()
    assert "The text has 2 codes" in text_of(answer)
    assert re.findall(r'href="/verify/([^"]+)"', page) == [attestation.code, other]
    assert f'value="&lt;{attestation.code}&gt; and {other}"' in page


@pytest.mark.parametrize(
    ("typed", "message", "status"),
    [
        ("0000-0000-0000-0000-0000", "The portal has no document with this code", 404),
        ("nonsense", "This isn’t a verification code", 404),
        ("<script>", "This isn’t a verification code", 404),
    ],
)
def test_a_code_that_no_paper_has(db, typed, message, status):
    for answer in (
        Client().post("/verify/", {"pasted": typed}, follow=True),
        Client().get("/verify/", {"code": typed}, follow=True),
    ):
        assert (answer.status_code, message in text_of(answer)) == (status, True)
        assert "<script>" not in answer.content.decode()
        assert message != "This isn’t a verification code" or escape(typed) in answer.content.decode()


def test_what_is_pasted_around_a_code_is_in_no_address(attestation):
    client = Client()
    pasted = f"Dear Councillor Silva, the code is {attestation.code}. Yours, Pat"
    answer = client.post("/verify/", {"pasted": pasted})
    assert answer["Location"] == f"/verify/{attestation.code}"
    page = client.get(answer["Location"]).content.decode()
    assert re.findall(r'<form method="(\w+)" action="/verify/"', page) == ["post"]


def test_a_code_is_read_however_it_is_typed_and_tells_nothing_else(attestation):
    typed = attestation.code.replace("-", " ").lower()
    page = text_of(Client().post("/verify/", {"pasted": typed}, follow=True))
    assert "Issued by this portal, and current" in page
    for text in ("Ana", "Ward", HANDLE, "contact_commissioner", "July"):
        assert text not in page


def test_the_preview_comes_before_the_consent_and_with_a_question_no_page_says_it_is_none(cast, attestation):
    member = cast.client("member")
    sent = {"rule": "9", "question": "account.stage", "question_to_ask": "May I?"}
    preview = text_of(member.post(page_of(attestation), sent | {"preview": "yes"}))
    frame = preview.index('<section class="frame')
    assert preview.index("Nothing is shared yet.") < frame < preview.index("May I?", frame)
    assert preview.index("About this advisory", frame) < preview.index("I agree to share this")
    pick = text_of(member.get(page_of(attestation)))
    read = text_of(member.post(page_of(attestation), sent | {"give": "yes", "consent": "yes"}, follow=True))
    assert "Only what an officer writes in the messages is" in read
    for page in (pick, preview, read):
        assert "asking for advice" not in page
