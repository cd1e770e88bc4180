"""Reviewing a draft together: comments, filters, marking it ready, and who has looked at it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments.models import Answer, Assessment, Comment, Look, Membership, Notice, Office, Thread
from assessments.records.state import assessment_state
from assessments.services import reviewing
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_assessment
from bulletin.shelf import editions
from tests.cast import Cast, account_of, answered, attested, client_of, person

pytestmark = pytest.mark.django_db

EMAIL, LOGO = "resources.email", "resources.logo"


def address_of(cast: Cast, what: str = "review") -> str:
    return f"/assessments/{cast.draft_pk}/{what}"


def page(cast: Cast, name: str, query: str = "?show=all") -> str:
    """The review as someone sees it: the whole of it, but for `query`."""
    return str(cast.client(name).get(f"{address_of(cast)}{query}").content.decode())


def comment(cast: Cast, name: str, **sent: str) -> Any:
    sent = {"about": "question", "subject": EMAIL, "text": "Which address?"} | sent
    return cast.client(name).post(address_of(cast, "comments"), sent)


def written(cast: Cast, name: str = "staff", **fields: str) -> Thread:
    """A comment that someone wrote before, as `comment` sends it."""
    fields = {"about": "question", "subject": EMAIL, "text": "Which address?"} | fields
    return reviewing.comment(assessment=cast.draft, by=cast.user(name), **fields)


def settle(cast: Cast, thread: Thread, name: str, seen: int | str, **more: str) -> Any:
    address = address_of(cast, f"comments/{thread.pk}/settle?section=resources")
    return cast.client(name).post(address, {"seen": str(seen), **more}, follow=True)


def resolved(cast: Cast, name: str = "member", **fields: str) -> Thread:
    """Comments that the staff wrote and someone resolved before."""
    thread = written(cast, **fields)
    reviewing.resolve(thread=thread, seen=1, by=cast.user(name))
    return thread


def answer(cast: Cast, name: str = "staff", **answers: str) -> None:
    changes = [Change(question.replace("__", "."), value, "") for question, value in answers.items()]
    save_answers(draft=cast.draft, changes=changes, by=cast.user(name))


def shown(html: str) -> list[str]:
    """The questions on the page, by id."""
    return re.findall(r'<div class="review-row" id="(q-[^"]+)"', html)


# --- Comments -----------------------------------------------------------------------------


def test_a_comment_stands_where_it_was_written_with_its_author(cast):
    places = {
        ("question", EMAIL): "#q-resources-email",
        ("finding", "13c-ii"): "#f-13c-ii",
        ("whole", ""): "#whole",
    }
    for (about, subject), place in places.items():
        text = "First line\r\nsecond <b>line</b>"
        there = comment(cast, "staff", about=about, subject=subject, text=text)
        thread = Thread.objects.latest("pk")
        assert there["Location"] == f"{address_of(cast)}?at={thread.pk}{place}"
    html = page(cast, "staff")
    assert html.count("First line<br>second &lt;b&gt;line&lt;/b&gt;") == len(places)
    assert html.count("<strong>Sam Roy</strong>") == len(places)


@pytest.mark.parametrize(
    ("about", "subject"),
    [
        ("question", "resources.nothing"),
        ("finding", "99"),
        ("whole", EMAIL),
        ("draft", ""),
        ("finding", EMAIL),
    ],
)
def test_a_comment_on_nothing_that_there_is_is_not_found(cast, about, subject):
    assert comment(cast, "staff", about=about, subject=subject).status_code == 404
    assert not Thread.objects.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  ", "Enter your comment."),
        ("w" * 2_001, "use at most 2,000 characters; this text has 2,001"),
    ],
)
def test_what_is_wrong_with_a_comment_is_said_and_what_was_written_stays(cast, text, reason):
    html = comment(cast, "staff", text=text).content.decode()
    assert reason in html
    assert text.strip() in html
    assert '<details class="add-comment" open>' in html
    assert not Thread.objects.exists()


def test_a_comment_of_two_thousand_characters_is_taken(cast):
    assert comment(cast, "staff", text="w" * 2_000).status_code == 302


@pytest.mark.postgres
def test_a_comment_that_is_sent_twice_is_one_and_said_again_later_is_another(cast, time_machine):
    for _ in range(2):
        comment(cast, "staff")
    assert Comment.objects.count() == 1
    time_machine.move_to(timezone.now() + timedelta(minutes=2))
    comment(cast, "staff")
    assert Comment.objects.count() == 2


def test_a_reply_joins_the_thread_and_opens_it_again(cast):
    thread, client = resolved(cast), cast.client("member")
    address = address_of(cast, f"comments/{thread.pk}/reply")
    for _ in range(2):
        client.post(address, {"text": "The office's.", "seen": "2"})
    thread.refresh_from_db()
    assert [comment.text for comment in thread.comments.all()] == ["Which address?", "The office's."]
    assert (thread.resolved_at, thread.version) == (None, 3)
    html = client.post(address, {"text": ""}).content.decode()
    assert "Enter your reply." in html


@pytest.mark.postgres
def test_of_two_who_resolve_one_thread_the_second_is_told_who_did(cast):
    thread = written(cast)
    assert "Resolved by Ana Silva" in settle(cast, thread, "member", 1).content.decode()
    again = settle(cast, thread, "staff", 1).content.decode()
    assert "Ana Silva resolved these comments on " in again
    settle(cast, thread, "staff", 2, reopen="yes")
    stale = settle(cast, thread, "member", 2).content.decode()
    assert "Someone else reopened these comments after you opened this page" in stale


@pytest.mark.parametrize("seen", ["", "-1", "9" * 30, "٣", "one"])
def test_a_forged_version_resolves_nothing(cast, seen):
    settle(cast, written(cast), "staff", seen)
    assert Thread.objects.open().exists()


def test_a_thread_of_another_office_is_not_found(cast):
    stranger = cast.stranger
    theirs = start_assessment(account=account_of(cast.elsewhere), by=stranger)
    thread = reviewing.comment(assessment=theirs, about="whole", subject="", text="Ours.", by=stranger)
    client, sent = cast.client("member"), {"text": "x", "seen": "1"}
    for pk in (cast.draft_pk, theirs.pk):
        for what in ("reply", "settle"):
            assert client.post(f"/assessments/{pk}/comments/{thread.pk}/{what}", sent).status_code == 404
    assert Thread.objects.open().get().comments.count() == 1


def test_someone_who_left_the_office_keeps_the_comment_that_they_had_typed(cast):
    client = cast.client("staff")
    Membership.objects.update(ended_at=timezone.now())
    sent = {"about": "whole", "subject": "", "text": "Half a page"}
    refused = client.post(address_of(cast, "comments"), sent)
    assert refused.status_code == 404
    assert "Half a page" in refused.content.decode()


def test_after_the_term_nobody_comments_resolves_or_marks(cast):
    thread = written(cast)
    Office.objects.update(ends_on="2026-11-14")
    assert comment(cast, "staff", text="More").status_code == 409
    assert cast.client("staff").post(address_of(cast, "review/ready"), {"ready": "yes"}).status_code == 409
    assert settle(cast, thread, "staff", 1).status_code == 409
    html = page(cast, "staff")
    assert "Which address?" in html
    assert "Send comment" not in html


def test_an_anonymous_check_has_no_review(cast):
    client = Client()
    client.post("/check/start")
    assert client.get("/check/review").status_code == 404


# --- Ready or not, looked or not --------------------------------------------------------------


def test_a_draft_is_marked_ready_and_taken_back_by_whoever_works_on_it(cast):
    address = address_of(cast, "review/ready")
    for _ in range(2):
        cast.client("staff").post(address, {"ready": "yes"})
    assert "Marked as ready for review by Sam Roy" in page(cast, "member")
    assert Notice.objects.filter(kind="ready").count() == 1
    cast.client("member").post(address)
    draft = cast.draft
    assert (draft.ready_at, draft.ready_by) == (None, None)
    assert Notice.objects.filter(kind="taken_back", user=cast.staff).count() == 1


def test_what_others_did_is_new_until_one_says_that_one_has_looked(cast, time_machine):
    answer(cast, resources__email="yes")
    answer(cast, "member", resources__logo="no")
    written(cast, subject="resources.print")
    written(cast, "member", subject="resources.contact")
    changed = "?show=changed"
    assert shown(page(cast, "member", changed)) == ["q-resources-email", "q-resources-print"]
    # Opening the page does not count as having looked at it.
    assert not Look.objects.exists()
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    cast.client("member").post(address_of(cast, "review/look"))
    html = page(cast, "member", changed)
    assert shown(html) == []
    assert "Nothing matches these filters." in html
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    Answer.objects.filter(question=EMAIL).update(value="no", version=2, answered_at=timezone.now())
    assert shown(page(cast, "member", changed)) == ["q-resources-email"]


def test_what_changed_while_the_page_was_open_is_still_new_and_what_came_before_is_seen(cast, time_machine):
    written(cast)
    html = page(cast, "member")
    made = re.search(r'name="made" value="([^"]+)"', html)
    assert made
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    written(cast, subject=LOGO)
    cast.client("member").post(address_of(cast, "review/look"), {"made": made[1]})
    assert shown(page(cast, "member", "?show=changed")) == ["q-resources-logo"]
    # The second comment dated the first one's notice again, so the notice is still unseen.
    assert Notice.objects.unseen().filter(user=cast.member).count() == 1
    cast.client("member").post(address_of(cast, "review/look"))
    assert not Notice.objects.unseen().filter(user=cast.member).exists()


@pytest.mark.parametrize(
    "made", ["", "yesterday", "2999-01-01T00:00:00+00:00", "2026-13-45T00:00:00+00:00", "2026-01-01T00:00:00"]
)
def test_a_forged_time_of_looking_is_never_in_the_future(cast, made):
    assert cast.client("member").post(address_of(cast, "review/look"), {"made": made}).status_code == 302
    assert Look.objects.get().looked_at <= timezone.now()


# --- The page -----------------------------------------------------------------------------------


def test_each_answer_stands_beside_what_rests_on_it_and_who_gave_it(cast):
    answer(cast, resources__email="yes", resources__policies="no", conduct__abuse="unsure")
    html = page(cast, "staff")
    row = html[html.index('id="q-resources-policies"') : html.index('id="q-election-use"')]
    assert "<strong>No</strong>" in row
    assert "¶9" in row
    assert "Action needed" in row
    assert "Sam Roy, " in row
    assert f"/assessments/{cast.draft_pk}/section/resources?ready#q-resources-policies" in row


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?section=conduct", ["abuse", "workplace", "reputation", "capacities"]),
        ("?show=unsure", ["abuse"]),
        ("?show=action&section=resources", ["policies"]),
        ("?show=open", ["workplace"]),
        ("?show=open&show=unsure", []),
        ("?section=conduct&show=open", ["workplace"]),
    ],
)
def test_filters_narrow_the_questions_down_together(cast, query, expected):
    answer(
        cast,
        resources__email="yes",
        resources__policies="no",
        conduct__abuse="unsure",
        account__stage="live",
    )
    written(cast, subject="conduct.workplace")
    html = page(cast, "staff", query)
    names = [name.rpartition("-")[2] for name in shown(html)]
    if query == "?show=action&section=resources":
        assert "policies" in names
        names = [name for name in names if name == "policies"]
    assert names == expected
    assert "Comments on the whole self-check" not in html


def test_a_filter_that_cannot_be_read_shows_all(cast):
    everything = len(shown(page(cast, "staff")))
    for query in ("?section=nowhere", "?show=everything", "?section=%00", "?show="):
        assert len(shown(page(cast, "staff", query))) == everything, query


def test_the_page_asks_the_database_as_often_for_many_answers_and_threads_as_for_one(cast):
    client, by = cast.client("member"), cast.staff

    def queries() -> int:
        client.get(address_of(cast))
        with CaptureQueriesContext(connection) as asked:
            client.get(address_of(cast))
        return len(asked)

    answer(cast, account__stage="live")
    resolved(cast, "staff")
    few = queries()
    questions = [q.id for q in next(iter(editions().values())).questions if q.kind == "ynu"]
    save_answers(draft=cast.draft, changes=[Change(q, "yes", "") for q in questions], by=by)
    for question in questions[:30]:
        reviewing.comment(assessment=cast.draft, about="question", subject=question, text="And?", by=by)
    assert queries() == few
    assert few <= 10


def test_a_section_and_the_list_say_how_many_comments_are_open(cast):
    thread, client = written(cast), cast.client("member")
    section = address_of(cast, "section/resources")
    html = client.get(section).content.decode()
    assert f'href="{address_of(cast)}#q-resources-email"' in html
    assert "1 open comment<" in html
    assert "Review with staff (1 open)" in client.get(address_of(cast, "")).content.decode()
    reviewing.resolve(thread=thread, seen=1, by=cast.member)
    assert "open comment" not in client.get(section).content.decode()


def test_the_answers_say_who_gave_them(cast):
    answer(cast, resources__email="yes")
    assert "Sam Roy, " in cast.client("member").get(address_of(cast, "answers")).content.decode()


# --- What needs attention -------------------------------------------------------------------------


def steps(html: str) -> list[tuple[str, str]]:
    """Where each item's links lead: to the item before it, if there is one, and to the item after it."""
    found = []
    for step in re.findall(r'<p class="step">(.*?)</p>', html, re.DOTALL):
        ids = dict(re.findall(r'class="step-(back|on)" href="#([^"]+)"', step))
        found.append((ids.get("back", ""), ids["on"]))
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("member", ["email", "logo", "policies", "abuse"]),
        # One's own answers are not new, and an open comment of one's own stays until someone resolves it.
        ("staff", ["logo", "stage", "abuse"]),
    ],
)
def test_the_review_opens_on_answers_that_are_new_unsure_or_have_open_comments(cast, name, expected):
    answer(cast, resources__email="yes", resources__policies="no", conduct__abuse="unsure")
    answer(cast, "member", account__stage="live")
    written(cast, subject=LOGO)
    html = page(cast, name, "")
    names = [place.rpartition("-")[2] for place in shown(html)]
    assert sorted(names) == sorted(expected)
    everything = shown(page(cast, name))
    assert len(everything) > 10
    assert shown(html) == [place for place in everything if place in shown(html)]


def test_an_answer_that_one_has_seen_is_left_out_and_the_finding_that_rests_on_it_stays(cast):
    answer(cast, resources__email="yes", resources__policies="no", conduct__abuse="no")
    thread = resolved(cast, about="finding", subject="13c-ii")
    reviewing.look(assessment=cast.draft, by=cast.member)
    html = page(cast, "member", "")
    assert shown(html) == []
    assert re.findall(r'class="review-row" id="(f-[^"]+)"', html) == ["f-9"]
    assert "In line with City policies: No" in html
    # A thread that somebody just resolved is still shown to them.
    assert f'id="t-{thread.pk}"' in page(cast, "member", f"?at={thread.pk}")


def test_links_lead_through_the_items_in_the_order_of_the_page_and_each_count_to_its_first_item(cast):
    answer(
        cast, resources__email="yes", resources__policies="no", conduct__abuse="unsure", gifts__unpaid="yes"
    )
    written(cast, about="whole", subject="", text="On it all")
    html = page(cast, "member", "")
    places = re.findall(r' id="((?:q|f)-[^"]+|unanswered|whole)"', html)
    assert len(places) > 6
    assert places[-1] == "whole"
    assert steps(html) == list(zip(["", *places], [*places[1:], "finish"], strict=False))
    assert f"Needs attention ({len(places)})" in html
    assert f'href="#{places[0]}">Go to the first item' in html
    counts = dict(re.findall(r'<a href="#([^"]+)">(\d+ [a-zI “”’]+)</a>', html))
    assert counts["q-resources-email"] == "4 answers new to you"
    assert counts["q-conduct-abuse"] == "1 “I’m not sure” answer"
    # What there is to do is counted as the advisory does, and listed there.
    fresh = Assessment.objects.select_related("edition", "account__office__member").get(pk=cast.draft_pk)
    acts = assessment_state(fresh, as_of=timezone.localdate()).count_of_acts
    assert f'/advisory#to-do">{acts} thing to do</a>' in html
    assert "questions left" in counts["unanswered"]
    assert "1 open comment" in html
    for place in re.findall(r'href="#([^"]+)"', html):
        assert f'id="{place}"' in html, place
    assert steps(page(cast, "member")) == []


@pytest.mark.parametrize(
    ("name", "is_ready", "offered"),
    [
        ("member", False, "Your next step is to attest this self-check."),
        ("staff", False, "Your next step is to mark this self-check as ready for review."),
        ("staff", True, "The member can attest this self-check now."),
    ],
)
def test_when_nothing_needs_attention_the_page_says_so_and_offers_the_next_step(
    cast, name, is_ready, offered
):
    draft = answered(cast.account, cast.member)
    reviewing.look(assessment=draft, by=cast.staff)
    if is_ready:
        reviewing.mark_ready(assessment=draft, by=cast.staff)
    html = cast.client(name).get(f"/assessments/{draft.pk}/review").content.decode()
    assert "Nothing needs your attention." in html
    assert offered in html
    assert (f'href="/assessments/{draft.pk}/attest">Attest</a>' in html) == (name == "member")
    assert ("Mark ready for review</button>" in html) != is_ready
    assert "Go to the first item" not in html


def test_the_advisory_of_a_finished_draft_offers_what_each_person_does_next(cast):
    draft = answered(cast.account, cast.member)
    attest, mark = f'href="/assessments/{draft.pk}/attest">Attest</a>', "Mark ready for review</button>"

    def offered(name: str) -> tuple[bool, bool]:
        html = cast.client(name).get(f"/assessments/{draft.pk}/advisory").content.decode()
        return attest in html, mark in html

    assert (offered("member"), offered("staff")) == ((True, False), (False, True))
    reviewing.mark_ready(assessment=draft, by=cast.staff)
    assert (offered("member"), offered("staff")) == ((True, False), (False, False))
    Answer.objects.filter(draft=draft, question=EMAIL).update(carried=True)
    assert offered("member") == (False, False)


# --- What stays in view ---------------------------------------------------------------------------


def test_comments_on_a_question_that_is_not_asked_any_more_are_still_there(cast):
    answer(cast, resources__email="yes")
    thread = written(cast, subject="resources.policies", text="Which ones?")
    Answer.objects.filter(question=EMAIL).update(value="no")
    html = page(cast, "member")
    row = html[html.index('id="q-resources-policies"') :]
    assert "No longer asked" in row[: row.index("review-row")]
    assert f'id="t-{thread.pk}"' in row
    refused = comment(cast, "staff", subject="election.nomination_date", text="").content.decode()
    assert 'id="c-q-election-nomination-date"' in refused


def test_filters_narrow_findings_and_comments_on_the_whole_down_as_well(cast):
    answer(cast, resources__email="yes", resources__policies="no")
    threads = [
        written(cast, about="whole", subject="", text="On it all"),
        written(cast, about="finding", subject="9", text="On finding 9"),
    ]
    opened = page(cast, "member", "?show=open")
    assert "On it all" in opened
    assert "On finding 9" in opened
    assert 'id="f-9"' in page(cast, "member", "?section=resources&show=action")
    assert 'id="f-9"' not in page(cast, "member", "?section=conduct")
    for thread in threads:
        reviewing.resolve(thread=thread, seen=1, by=cast.member)
    none_open = page(cast, "staff", "?show=open")
    assert "On it all" not in none_open
    assert "Nothing matches these filters." in none_open


def test_what_is_done_on_a_narrowed_page_leads_back_to_it_and_to_the_thread(cast):
    thread = written(cast)
    assert 'comments?section=resources&amp;show=open"' in page(cast, "member", "?section=resources&show=open")
    query = "?show=open&show=nonsense&next=//evil"
    client = cast.client("member")
    at = address_of(cast, f"comments/{thread.pk}/settle?show=open")
    there = client.post(at, {"seen": "1"})["Location"]
    assert there == address_of(cast, f"review?show=open&at={thread.pk}#t-{thread.pk}")
    assert "Resolved by Ana Silva" in client.get(there).content.decode()
    looked = client.post(address_of(cast, f"review/look{query}"))
    assert looked["Location"] == address_of(cast, "review?show=all")
    looked = client.post(address_of(cast, "review/look?show=open"))
    assert looked["Location"] == address_of(cast, "review?show=open")


@pytest.mark.parametrize("made", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_of_looking_outside_the_drafts_life_counts_for_none(cast, made):
    assert cast.client("member").post(address_of(cast, "review/look"), {"made": made}).status_code == 302
    assert cast.draft.started_at <= Look.objects.get().looked_at <= timezone.now()


def test_an_older_page_takes_back_no_later_look(cast, time_machine):
    early = timezone.now()
    time_machine.move_to(early + timedelta(minutes=5))
    reviewing.look(assessment=cast.draft, by=cast.member)
    later = Look.objects.get().looked_at
    reviewing.look(assessment=cast.draft, by=cast.member, at=early)
    assert Look.objects.get().looked_at == later


def test_a_form_that_somebody_else_opened_is_not_sent_under_ones_name(cast):
    member = cast.member
    sent = {"as": str(cast.staff.pk), "about": "whole", "subject": "", "text": "By Sam"}
    for client in (client_of(member), client_of(member, enforce_csrf_checks=True)):
        html = client.post(address_of(cast, "comments"), sent).content.decode()
        assert "You are now signed in as Ana Silva, but someone else opened this page" in html
        assert "By Sam" in html
        assert "Save now" not in html
    assert not Thread.objects.exists()
    assert f'name="as" value="{member.pk}"' in page(cast, "member")


def test_a_reply_to_what_was_resolved_meanwhile_is_given_back_first(cast):
    thread = resolved(cast)
    address = address_of(cast, f"comments/{thread.pk}/reply")
    html = cast.client("staff").post(address, {"text": "One more thing", "seen": "1"}).content.decode()
    assert (
        "Ana Silva resolved these comments after you opened this page. Send the reply to reopen them." in html
    )
    assert "One more thing</textarea>" in html
    assert not Thread.objects.open().exists()
    cast.client("staff").post(address, {"text": "One more thing", "seen": "2"})
    assert Thread.objects.open().exists()
    assert "Reopened by Sam Roy" in page(cast, "member")


def test_who_resolves_too_late_is_told_beside_the_thread(cast):
    thread = resolved(cast)
    html = settle(cast, thread, "staff", 1).content.decode()
    place = html.index(f'id="t-{thread.pk}"')
    assert html.index("Ana Silva resolved these comments") > place
    assert html.count("Ana Silva resolved these comments") == 1


@pytest.mark.parametrize("what", ["comments", "comments/1/reply"])
def test_the_address_of_a_refused_comment_can_be_loaded_again(cast, what):
    what = what.replace("1", str(written(cast).pk))
    there = cast.client("staff").get(address_of(cast, f"{what}?show=open"))
    assert there["Location"].startswith(address_of(cast, "review?show=open"))


def test_the_summary_of_a_refused_comment_leads_to_its_field(cast):
    empty = comment(cast, "staff", text=" ").content.decode()
    assert '<a href="#c-q-resources-email">Enter your comment.</a>' in empty
    assert "Your text is still in its box" not in empty
    field = empty[empty.index('id="c-q-resources-email"') :][:400]
    # A browser cuts what is pasted at `maxlength`, and says nothing.
    assert "maxlength" not in field
    assert (
        'aria-describedby="c-q-resources-email-hint c-q-resources-email-error" aria-invalid="true"' in field
    )
    assert "Up to 2,000 characters" in empty
    assert "Your text is still in its box" in comment(cast, "staff", text="w" * 2_001).content.decode()


def test_the_page_has_a_heading_for_each_section_and_a_list_of_them(cast):
    html = page(cast, "staff")
    for place in ("s-resources", "findings", "whole"):
        assert f'href="#{place}"' in html
        assert f'id="{place}"' in html


def test_what_one_wrote_or_answered_oneself_is_not_new(cast, time_machine):
    thread = written(cast)
    assert page(cast, "staff").count("New to you") == 0
    assert page(cast, "member").count("New to you") == 1
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    reviewing.reply(thread=thread, text="Ours.", by=cast.member, seen=1)
    html = page(cast, "member")
    assert html.count("New to you") == 0


def test_marking_ready_and_returning_make_nothing_new_or_seen(cast, time_machine):
    answer(cast, "member", resources__email="yes")
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    reviewing.look(assessment=cast.draft, by=cast.staff)
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    answer(cast, "member", conduct__abuse="no")
    for change in (reviewing.mark_ready, reviewing.unmark_ready):
        assert page(cast, "staff").count("New to you") == 1
        time_machine.move_to(timezone.now() + timedelta(minutes=1))
        change(assessment=cast.draft, by=cast.staff)
    assert page(cast, "staff").count("New to you") == 1


def test_how_much_is_unanswered_is_said_before_a_draft_is_marked_ready(cast):
    assert re.search(r"\d+ questions have no answer yet", page(cast, "staff"))
    reviewing.mark_ready(assessment=cast.draft, by=cast.staff)
    assert "have no answer yet" not in page(cast, "staff")
    for address in (address_of(cast, ""), "/office/"):
        assert "Ready for review" in cast.client("member").get(address).content.decode()


def test_a_finding_that_asks_for_nothing_can_be_commented_on(cast):
    html = page(cast, "staff")
    assert "with nothing to do</summary>" in re.sub(r"\s+<", "<", html)
    assert html.count('name="about" value="finding"') == len(next(iter(editions().values())).rules)


def test_after_the_term_the_page_does_not_say_that_it_can_be_changed(cast):
    reviewing.mark_ready(assessment=cast.draft, by=cast.staff)
    Office.objects.update(ends_on="2026-11-14")
    html = page(cast, "staff")
    assert "You can still change answers" not in html
    assert "This office’s term has ended" in html
    assert "Mark everything as seen" not in html


def test_someone_who_left_the_only_office_is_told_so(cast):
    Membership.objects.update(ended_at=timezone.now())
    assert "You are no longer on any office’s staff" in cast.client("staff").get("/office/").content.decode()
    assert "You don’t belong to an office yet" in client_of(person("di")).get("/office/").content.decode()


def test_what_is_attested_can_be_commented_on_and_not_marked_ready(cast):
    record = attested(cast.account).assessment
    reviewing.comment(assessment=record, about="whole", subject="", text="And now?", by=cast.staff)
    html = cast.client("staff").get(f"/assessments/{record.pk}/review").content.decode()
    assert "Attested by Ana Silva" in html
    assert "You can still change answers" not in html
    assert "Mark ready for review" not in html
    assert "Send comment" in html
