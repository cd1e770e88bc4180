"""Reviewing a draft together: comments, filters, ready or not, and who has looked."""

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

pytestmark = pytest.mark.django_db

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
    changes = [Change(question.replace("__", "."), value, "", 0) for question, value in answers.items()]
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
    ("text", "says"),
    [
        ("  ", "Write something first."),
        ("w" * 10_000, "the text has 10,000 characters; at most 2,000 are kept"),
        ("w" * 2_001, "at most 2,000 are kept"),
        ("a\x07b", "a control character"),
    ],
)
def test_what_is_wrong_with_a_comment_is_said_and_what_was_written_stays(draft, staff, text, says):
    html = comment(draft, staff, text=text).content.decode()
    assert says in html
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
        as_(member).post(address, {"text": "The office's."})
    thread.refresh_from_db()
    assert [one.text for one in thread.comments.all()] == ["Which address?", "The office's."]
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
    # To open the page is not to have looked at it.
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
    # The notice of the first comment was brought up to date by the second, so it still waits.
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
    names = [one.rpartition("-")[2] for one in shown(page(draft, staff, query))]
    if query == "?show=action&section=resources":
        assert "policies" in names
        names = [one for one in names if one == "policies"]
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
    save_answers(draft=draft, changes=[Change(q, "yes", "", 0) for q in questions], by=staff)
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
