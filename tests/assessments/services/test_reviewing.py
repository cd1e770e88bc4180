"""Reviewing a draft together: comments, filters, marking it ready, and who has looked at it."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments.models import Answer, Comment, Look, Membership, Notice, Office, Thread, User
from assessments.services import reviewing
from assessments.services.answering import Change, save_answers
from assessments.services.drafts import start_assessment
from assessments.services.register import NewAccount, add_account
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.attested import attested

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

EMAIL, LOGO = "resources.email", "resources.logo"


def person(name: str) -> User:
    return User.objects.create_user(f"{name.lower()}@example.ca", name=name)


@pytest.fixture
def member() -> User:
    return person("Ana")


@pytest.fixture
def staff() -> User:
    return person("Bo")


@pytest.fixture
def draft(member, staff):
    for edition in editions().values():
        publish_edition(edition=edition)
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    Membership.objects.create(office=office, user=staff)
    account = add_account(
        account=NewAccount(office=office, platform="X", handle="@ward10", purpose="official"),
        by=member,
    )
    return start_assessment(account=account, by=member)


def as_(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client


def page(draft: Any, who: User, query: str = "") -> str:
    return str(as_(who).get(f"/assessments/{draft.pk}/review{query}").content.decode())


def comment(draft: Any, who: User, **sent: str) -> Any:
    sent = {"about": "question", "subject": EMAIL, "text": "Which address?"} | sent
    return as_(who).post(f"/assessments/{draft.pk}/comments", sent)


def settle(thread: Thread, who: User, seen: int | str, **more: str) -> Any:
    address = f"/assessments/{thread.assessment_id}/comments/{thread.pk}/settle"
    return as_(who).post(address, {"seen": str(seen), **more}, follow=True)


def answer(draft: Any, by: User, **answers: str) -> None:
    changes = [Change(question.replace("__", "."), value, "") for question, value in answers.items()]
    save_answers(draft=draft, changes=changes, by=by)


def shown(html: str) -> list[str]:
    """The questions on the page, by id."""
    return re.findall(r'<div class="review-row" id="(q-[^"]+)"', html)


# --- Comments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "subject", "place"),
    [("question", EMAIL, "#q-resources-email"), ("finding", "13c-ii", "#f-13c-ii"), ("whole", "", "#whole")],
)
def test_a_comment_stands_where_it_was_written_with_its_author(draft, staff, about, subject, place):
    there = comment(draft, staff, about=about, subject=subject, text="First line\r\nsecond <b>line</b>")
    assert there["Location"] == f"/assessments/{draft.pk}/review{place}"
    html = page(draft, staff)
    assert "First line<br>second &lt;b&gt;line&lt;/b&gt;" in html
    assert "<strong>Bo</strong>" in html


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
def test_a_comment_on_nothing_that_there_is_is_not_found(draft, staff, about, subject):
    assert comment(draft, staff, about=about, subject=subject).status_code == 404
    assert not Thread.objects.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  ", "Write something first."),
        ("w" * 10_000, "the text has 10,000 characters; at most 2,000 are kept"),
        ("w" * 2_001, "at most 2,000 are kept"),
        ("a\x07b", "a control character"),
    ],
)
def test_what_is_wrong_with_a_comment_is_said_and_what_was_written_stays(draft, staff, text, reason):
    html = comment(draft, staff, text=text).content.decode()
    assert reason in html
    assert text.strip() in html
    assert '<details class="add-comment" open>' in html
    assert not Thread.objects.exists()


def test_a_comment_of_two_thousand_characters_is_taken(draft, staff):
    assert comment(draft, staff, text="w" * 2_000).status_code == 302


def test_a_comment_that_is_sent_twice_is_one_and_said_again_later_is_another(draft, staff, time_machine):
    for _ in range(2):
        comment(draft, staff)
    assert Comment.objects.count() == 1
    time_machine.move_to(timezone.now() + timedelta(minutes=2))
    comment(draft, staff)
    assert Comment.objects.count() == 2


def test_a_reply_joins_the_thread_and_opens_it_again(draft, member, staff):
    comment(draft, staff)
    thread = Thread.objects.get()
    settle(thread, member, 1)
    address = f"/assessments/{draft.pk}/comments/{thread.pk}/reply"
    for _ in range(2):
        as_(member).post(address, {"text": "The office's.", "seen": "2"})
    thread.refresh_from_db()
    assert [comment.text for comment in thread.comments.all()] == ["Which address?", "The office's."]
    assert (thread.resolved_at, thread.version) == (None, 3)
    html = as_(member).post(address, {"text": ""}).content.decode()
    assert "Write something first." in html


def test_of_two_who_resolve_one_thread_the_second_is_told_who_did(draft, member, staff):
    comment(draft, staff)
    thread = Thread.objects.get()
    assert "Resolved by Ana" in settle(thread, member, 1).content.decode()
    again = settle(thread, staff, 1).content.decode()
    assert "Ana resolved these comments in the meantime" in again
    settle(thread, staff, 2, reopen="yes")
    stale = settle(thread, member, 2).content.decode()
    assert "Somebody opened these comments again in the meantime" in stale


@pytest.mark.parametrize("seen", ["", "-1", "9" * 30, "٣", "one"])
def test_a_forged_version_resolves_nothing(draft, staff, seen):
    comment(draft, staff)
    settle(Thread.objects.get(), staff, seen)
    assert Thread.objects.open().exists()


def test_a_thread_of_another_office_is_not_found(draft, member):
    other = person("Cy")
    office = Office.objects.create(name="Ward 4", member=other, starts_on=date(2022, 11, 15))
    account = add_account(
        account=NewAccount(office=office, platform="X", handle="@ward4", purpose="official"),
        by=other,
    )
    theirs = start_assessment(account=account, by=other)
    comment(theirs, other)
    thread = Thread.objects.get()
    for pk in (draft.pk, theirs.pk):
        for what in ("reply", "settle"):
            sent = {"text": "x", "seen": "1"}
            assert as_(member).post(f"/assessments/{pk}/comments/{thread.pk}/{what}", sent).status_code == 404
    assert Thread.objects.open().get().comments.count() == 1


def test_someone_who_left_the_office_keeps_the_comment_that_they_had_typed(draft, staff):
    client = as_(staff)
    Membership.objects.update(ended_at=timezone.now())
    answer_ = client.post(
        f"/assessments/{draft.pk}/comments", {"about": "whole", "subject": "", "text": "Half a page"}
    )
    assert answer_.status_code == 404
    assert "Half a page" in answer_.content.decode()


def test_after_the_term_nobody_comments_resolves_or_marks(draft, staff):
    comment(draft, staff)
    Office.objects.update(ends_on="2026-11-14")
    assert comment(draft, staff, text="More").status_code == 409
    assert as_(staff).post(f"/assessments/{draft.pk}/review/ready", {"ready": "yes"}).status_code == 409
    assert settle(Thread.objects.get(), staff, 1).status_code == 409
    html = page(draft, staff)
    assert "Which address?" in html
    assert "Send the comment" not in html


def test_an_anonymous_check_has_no_review(draft):
    client = Client()
    client.post("/check/start")
    assert client.get("/check/review").status_code == 404


# --- Ready or not, looked or not --------------------------------------------------------------


def test_a_draft_is_marked_ready_and_taken_back_by_whoever_works_on_it(draft, member, staff):
    address = f"/assessments/{draft.pk}/review/ready"
    for _ in range(2):
        as_(staff).post(address, {"ready": "yes"})
    assert "says Bo" in page(draft, member)
    assert Notice.objects.filter(kind="ready").count() == 1
    as_(member).post(address)
    draft.refresh_from_db()
    assert (draft.ready_at, draft.ready_by) == (None, None)
    assert Notice.objects.filter(kind="taken_back", user=staff).count() == 1


def test_what_others_did_is_new_until_one_says_that_one_has_looked(draft, member, staff, time_machine):
    answer(draft, staff, resources__email="yes")
    answer(draft, member, resources__logo="no")
    comment(draft, staff, subject="resources.print")
    comment(draft, member, subject="resources.contact")
    changed = "?show=changed"
    assert shown(page(draft, member, changed)) == ["q-resources-email", "q-resources-print"]
    # Opening the page does not count as having looked at it.
    assert not Look.objects.exists()
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    as_(member).post(f"/assessments/{draft.pk}/review/look")
    assert shown(page(draft, member, changed)) == []
    assert "Nothing here fits what you asked to see." in page(draft, member, changed)
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    Answer.objects.filter(question=EMAIL).update(value="no", version=2, answered_at=timezone.now())
    assert shown(page(draft, member, changed)) == ["q-resources-email"]


def test_what_changed_while_the_page_was_open_is_still_new_and_what_came_before_is_seen(
    draft, member, staff, time_machine
):
    comment(draft, staff)
    html = page(draft, member)
    made = re.search(r'name="made" value="([^"]+)"', html)
    assert made
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    comment(draft, staff, subject=LOGO)
    as_(member).post(f"/assessments/{draft.pk}/review/look", {"made": made[1]})
    assert shown(page(draft, member, "?show=changed")) == ["q-resources-logo"]
    # The second comment dated the first one's notice again, so the notice is still unseen.
    assert Notice.objects.unseen().filter(user=member).count() == 1
    as_(member).post(f"/assessments/{draft.pk}/review/look")
    assert not Notice.objects.unseen().filter(user=member).exists()


@pytest.mark.parametrize(
    "made", ["", "yesterday", "2999-01-01T00:00:00+00:00", "2026-13-45T00:00:00+00:00", "2026-01-01T00:00:00"]
)
def test_a_forged_time_of_looking_is_never_in_the_future(draft, member, made):
    assert as_(member).post(f"/assessments/{draft.pk}/review/look", {"made": made}).status_code == 302
    assert Look.objects.get().looked_at <= timezone.now()


# --- The page -----------------------------------------------------------------------------------


def test_each_answer_stands_beside_what_rests_on_it_and_who_gave_it(draft, staff):
    answer(draft, staff, resources__email="yes", resources__policies="no", conduct__abuse="unsure")
    html = page(draft, staff)
    row = html[html.index('id="q-resources-policies"') : html.index('id="q-election-use"')]
    assert "<strong>No</strong>" in row
    assert "¶9" in row
    assert "Action needed" in row
    assert "Bo, " in row
    assert f"/assessments/{draft.pk}/section/resources?ready#q-resources-policies" in row


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
def test_filters_narrow_the_questions_down_together(draft, staff, query, expected):
    answer(
        draft,
        staff,
        resources__email="yes",
        resources__policies="no",
        conduct__abuse="unsure",
        account__stage="live",
    )
    comment(draft, staff, subject="conduct.workplace")
    names = [name.rpartition("-")[2] for name in shown(page(draft, staff, query))]
    if query == "?show=action&section=resources":
        assert "policies" in names
        names = [name for name in names if name == "policies"]
    assert names == expected
    assert "Comments on the whole" not in page(draft, staff, query)


@pytest.mark.parametrize("query", ["?section=nowhere", "?show=everything", "?section=%00", "?show="])
def test_a_filter_that_cannot_be_read_shows_all(draft, staff, query):
    assert len(shown(page(draft, staff, query))) == len(shown(page(draft, staff)))


def test_the_page_asks_the_database_as_often_for_many_answers_and_threads_as_for_one(draft, member, staff):
    def queries() -> int:
        client = as_(member)
        client.get(f"/assessments/{draft.pk}/review")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(f"/assessments/{draft.pk}/review")
        return len(asked)

    answer(draft, staff, account__stage="live")
    comment(draft, staff)
    settle(Thread.objects.get(), staff, 1)
    few = queries()
    questions = [q.id for q in next(iter(editions().values())).questions if q.kind == "ynu"]
    save_answers(draft=draft, changes=[Change(q, "yes", "") for q in questions], by=staff)
    for question in questions[:30]:
        reviewing.comment(assessment=draft, about="question", subject=question, text="And?", by=staff)
    assert queries() == few
    assert few <= 10


def test_a_section_and_the_list_say_how_many_comments_are_open(draft, member, staff):
    comment(draft, staff)
    html = as_(member).get(f"/assessments/{draft.pk}/section/resources").content.decode()
    assert f'href="/assessments/{draft.pk}/review#q-resources-email"' in html
    assert "1 open comment<" in html
    assert "Review it together (1 open)" in as_(member).get(f"/assessments/{draft.pk}/").content.decode()
    settle(Thread.objects.get(), member, 1)
    assert (
        "open comment" not in as_(member).get(f"/assessments/{draft.pk}/section/resources").content.decode()
    )


def test_the_answers_say_who_gave_them(draft, member, staff):
    answer(draft, staff, resources__email="yes")
    assert "Bo, " in as_(member).get(f"/assessments/{draft.pk}/answers").content.decode()


# --- What stays in view ---------------------------------------------------------------------------


def review_address(draft: Any, what: str = "review") -> str:
    return f"/assessments/{draft.pk}/{what}"


def test_comments_on_a_question_that_is_not_asked_any_more_are_still_there(draft, member, staff):
    answer(draft, staff, resources__email="yes")
    comment(draft, staff, subject="resources.policies", text="Which ones?")
    Answer.objects.filter(question=EMAIL).update(value="no")
    html = page(draft, member)
    row = html[html.index('id="q-resources-policies"') :]
    assert "Not asked now" in row[: row.index("review-row")]
    assert f'id="t-{Thread.objects.get().pk}"' in row
    refused = comment(draft, staff, subject="election.nomination_date", text="").content.decode()
    assert 'id="c-q-election-nomination-date"' in refused


def test_filters_narrow_findings_and_comments_on_the_whole_down_as_well(draft, member, staff):
    answer(draft, staff, resources__email="yes", resources__policies="no")
    comment(draft, staff, about="whole", subject="", text="On it all")
    comment(draft, staff, about="finding", subject="9", text="On finding 9")
    opened = page(draft, member, "?show=open")
    assert "On it all" in opened
    assert "On finding 9" in opened
    assert 'id="f-9"' in page(draft, member, "?section=resources&show=action")
    assert 'id="f-9"' not in page(draft, member, "?section=conduct")
    for thread in Thread.objects.all():
        settle(thread, member, 1)
    resolved = page(draft, staff, "?show=open")
    assert "On it all" not in resolved
    assert "Nothing here fits what you asked to see." in resolved


def test_what_is_done_on_a_narrowed_page_leads_back_to_it_and_to_the_thread(draft, member, staff):
    comment(draft, staff)
    thread = Thread.objects.get()
    assert 'comments?section=resources&amp;show=open"' in page(draft, member, "?section=resources&show=open")
    query = "?show=open&show=nonsense&next=//evil"
    client = as_(member)
    at = review_address(draft, f"comments/{thread.pk}/settle?show=open")
    there = client.post(at, {"seen": "1"})["Location"]
    assert there == review_address(draft, f"review?show=open&at={thread.pk}#t-{thread.pk}")
    assert "Resolved by Ana" in client.get(there).content.decode()
    assert client.post(review_address(draft, f"review/look{query}"))["Location"] == review_address(draft)
    looked = client.post(review_address(draft, "review/look?show=open"))
    assert looked["Location"] == review_address(draft, "review?show=open")


@pytest.mark.parametrize("made", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_of_looking_outside_the_drafts_life_counts_for_none(draft, member, made):
    assert as_(member).post(review_address(draft, "review/look"), {"made": made}).status_code == 302
    assert draft.started_at <= Look.objects.get().looked_at <= timezone.now()


def test_an_older_page_takes_back_no_later_look(draft, member, time_machine):
    early = timezone.now()
    time_machine.move_to(early + timedelta(minutes=5))
    reviewing.look(assessment=draft, by=member)
    later = Look.objects.get().looked_at
    reviewing.look(assessment=draft, by=member, at=early)
    assert Look.objects.get().looked_at == later


def test_a_form_that_somebody_else_opened_is_not_sent_under_ones_name(draft, member, staff):
    sent = {"as": str(staff.pk), "about": "whole", "subject": "", "text": "By Bo"}
    for client in (as_(member), Client(enforce_csrf_checks=True)):
        client.force_login(member)
        html = client.post(review_address(draft, "comments"), sent).content.decode()
        assert "You are now signed in as Ana; this page was opened by somebody else" in html
        assert "By Bo" in html
        assert "Save now" not in html
    assert not Thread.objects.exists()
    assert f'name="as" value="{member.pk}"' in page(draft, member)


def test_a_reply_to_what_was_resolved_meanwhile_is_given_back_first(draft, member, staff):
    comment(draft, staff)
    thread = Thread.objects.get()
    settle(thread, member, 1)
    address = review_address(draft, f"comments/{thread.pk}/reply")
    html = as_(staff).post(address, {"text": "One more thing", "seen": "1"}).content.decode()
    assert "Ana resolved this in the meantime. Send your reply and open it again?" in html
    assert "One more thing</textarea>" in html
    assert not Thread.objects.open().exists()
    as_(staff).post(address, {"text": "One more thing", "seen": "2"})
    assert Thread.objects.open().exists()
    assert "Opened again by Bo" in page(draft, member)


def test_who_resolves_too_late_is_told_beside_the_thread(draft, member, staff):
    comment(draft, staff)
    thread = Thread.objects.get()
    settle(thread, member, 1)
    html = settle(thread, staff, 1).content.decode()
    place = html.index(f'id="t-{thread.pk}"')
    assert html.index("Ana resolved these comments") > place
    assert html.count("Ana resolved these comments") == 1


@pytest.mark.parametrize("what", ["comments", "comments/1/reply"])
def test_the_address_of_a_refused_comment_can_be_loaded_again(draft, staff, what):
    comment(draft, staff)
    what = what.replace("1", str(Thread.objects.get().pk))
    there = as_(staff).get(review_address(draft, f"{what}?show=open"))
    assert there["Location"].startswith(review_address(draft, "review?show=open"))


def test_the_summary_of_a_refused_comment_leads_to_its_field(draft, staff):
    empty = comment(draft, staff, text=" ").content.decode()
    assert '<a href="#c-q-resources-email">Write something first.</a>' in empty
    assert "What you wrote is still" not in empty
    field = empty[empty.index('id="c-q-resources-email"') :][:400]
    assert 'maxlength="2000"' in field
    assert (
        'aria-describedby="c-q-resources-email-hint c-q-resources-email-error" aria-invalid="true"' in field
    )
    assert "At most 2,000 characters" in empty
    assert "What you wrote is still in its field" in comment(draft, staff, text="w" * 2_001).content.decode()


def test_the_page_has_a_heading_for_each_section_and_a_list_of_them(draft, staff):
    html = page(draft, staff)
    for place in ("s-resources", "findings", "whole"):
        assert f'href="#{place}"' in html
        assert f'id="{place}"' in html


def test_what_one_wrote_or_answered_oneself_is_not_new(draft, member, staff, time_machine):
    comment(draft, staff)
    assert page(draft, staff).count("New to you") == 0
    assert page(draft, member).count("New to you") == 1
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    reviewing.reply(thread=Thread.objects.get(), text="Ours.", by=member, seen=1)
    assert page(draft, member).count("New to you") == 0
    assert "You have not looked at this before" not in page(draft, member)


def test_how_much_is_unanswered_is_said_before_a_draft_is_marked_ready(draft, member, staff):
    assert re.search(r"\d+ questions have no answer yet", page(draft, staff))
    reviewing.mark_ready(assessment=draft, by=staff)
    assert "have no answer yet" not in page(draft, staff)
    for address in (f"/assessments/{draft.pk}/", "/office/"):
        assert "Ready for review" in as_(member).get(address).content.decode()


def test_a_finding_that_asks_for_nothing_can_be_commented_on(draft, staff):
    html = page(draft, staff)
    assert "ask for nothing</summary>" in re.sub(r"\s+<", "<", html)
    assert html.count('name="about" value="finding"') == len(next(iter(editions().values())).rules)


def test_after_the_term_the_page_does_not_say_that_it_can_be_changed(draft, staff):
    reviewing.mark_ready(assessment=draft, by=staff)
    Office.objects.update(ends_on="2026-11-14")
    html = page(draft, staff)
    assert "It can still be changed" not in html
    assert "This term has ended" in html
    assert "I have looked at this" not in html


def test_someone_who_left_the_only_office_is_told_so(draft, staff):
    Membership.objects.update(ended_at=timezone.now())
    assert "You no longer work in an office here" in as_(staff).get("/office/").content.decode()
    assert "You work in no office yet" in as_(person("Di")).get("/office/").content.decode()


def test_what_is_attested_can_be_commented_on_and_not_marked_ready(draft, staff):
    record = attested(draft.account).assessment
    reviewing.comment(assessment=record, about="whole", subject="", text="And now?", by=staff)
    html = page(record, staff)
    assert "Attested by Ana" in html
    assert "It can still be changed" not in html
    assert "Mark ready for review" not in html
    assert "Send the comment" in html
