"""Who sees what: for any set of people and offices, lists and single records agree with one plain definition."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessments.models import (
    Answer,
    Assessment,
    Comment,
    Membership,
    Notice,
    Office,
    SocialAccount,
    Thread,
    User,
)
from bulletin.models import PublishedEdition
from bulletin.publish import publish_edition
from bulletin.shelf import editions
from tests.second_step import let_in, with_second_step

pytestmark = pytest.mark.django_db

PEOPLE, OFFICES = 4, 3
PASTS = ("never", "now", "ended", "to come", "came back")
"""When a person joined an office's staff and left it."""

worlds = st.fixed_dictionaries(
    {
        # The member of each office: nobody has two current offices.
        "members": st.permutations(range(PEOPLE)).map(lambda order: order[:OFFICES]),
        "ended": st.tuples(*[st.booleans()] * OFFICES),
        "staff": st.tuples(*[st.tuples(*[st.sampled_from(PASTS)] * PEOPLE)] * OFFICES),
        "inactive": st.sets(st.integers(0, PEOPLE - 1), max_size=1),
        "administrators": st.sets(st.integers(0, PEOPLE - 1), max_size=1),
    }
)


class World:
    """People and offices, each office with an account, a draft, an answer, a thread, a comment and notices."""

    def __init__(self, plan: dict[str, Any], edition: PublishedEdition) -> None:
        self.plan = plan
        self.people = [
            User.objects.create_user(
                f"{at}@example.ca",
                name=f"Person {at}",
                is_active=at not in plan["inactive"],
                is_staff=at in plan["administrators"],
            )
            for at in range(PEOPLE)
        ]
        now, day = timezone.now(), timedelta(days=1)
        past: dict[str, list[tuple[Any, Any]]] = {
            "now": [(now - day, None)],
            "ended": [(now - 2 * day, now - day)],
            "to come": [(now + day, None)],
            "came back": [(now - 3 * day, now - 2 * day), (now - day, None)],
        }
        self.offices, self.drafts = [], []
        for at, member in enumerate(plan["members"]):
            office = Office.objects.create(
                name=f"Ward {at}",
                member=self.people[member],
                starts_on=date(2022, 11, 15),
                ends_on=date(2026, 11, 14) if plan["ended"][at] else None,
            )
            for who, how in enumerate(plan["staff"][at]):
                for joined, ended in past.get(how, ()):
                    Membership.objects.create(
                        office=office, user=self.people[who], joined_at=joined, ended_at=ended
                    )
            account = SocialAccount.objects.create(office=office, platform="X", handle=f"@{at}")
            by = office.member
            draft = Assessment.objects.create(
                account=account, edition=edition, election="toronto-2026", started_by=by
            )
            Answer.objects.create(draft=draft, question="resources.email", value="yes", answered_by=by)
            thread = Thread.objects.create(assessment=draft, about="whole")
            Comment.objects.create(thread=thread, author=by, text="A comment.")
            for person in self.people:
                Notice.objects.create(user=person, assessment=draft, kind="comment", by=by)
            self.offices.append(office)
            self.drafts.append(draft)

    def may_see(self, who: int, office: int) -> bool:
        """The rule in plain words: active, no administrator, and the member or on the staff today."""
        if who in self.plan["inactive"] | self.plan["administrators"]:
            return False
        on_staff = self.plan["staff"][office][who] in ("now", "came back")
        return on_staff or self.plan["members"][office] == who


@pytest.fixture(scope="module")
def edition(django_db_setup: None, django_db_blocker: Any) -> Any:
    return next(iter(editions().values()))


def offices_of(records: QuerySet[Any], path: str) -> list[str]:
    """The names of the offices of some records, sorted; a duplicate stays a duplicate."""
    return sorted(records.values_list(path, flat=True))


@given(plan=worlds)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_list_holds_what_a_person_may_see_once_and_nothing_else(db, edition, plan):
    with transaction.atomic():
        world = World(plan, publish_edition(edition=edition)[0])
        for who, person in enumerate(world.people):
            may = [f"Ward {at}" for at in range(OFFICES) if world.may_see(who, at)]
            assert offices_of(Office.objects.visible_to(person), "name") == may
            assert offices_of(SocialAccount.objects.visible_to(person), "office__name") == may
            assert offices_of(Assessment.objects.visible_to(person), "account__office__name") == may
            assert offices_of(Thread.objects.visible_to(person), "assessment__account__office__name") == may
            path = "thread__assessment__account__office__name"
            assert offices_of(Comment.objects.visible_to(person), path) == may
            assert offices_of(Notice.objects.visible_to(person), "assessment__account__office__name") == may
        transaction.set_rollback(True)


@given(plan=worlds)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_list_hides_its_own_address_hides_too(db, edition, plan):
    with transaction.atomic():
        world = World(plan, publish_edition(edition=edition)[0])
        for who, person in enumerate(world.people):
            if not person.is_active:
                continue
            if person.is_staff:
                with_second_step(person)
            client = let_in(Client(), person)
            for at, draft in enumerate(world.drafts):
                expected = 200 if world.may_see(who, at) else 404
                addresses = (f"/office/accounts/{draft.account_id}", f"/assessments/{draft.pk}/")
                assert [client.get(address).status_code for address in addresses] == [expected] * 2
        transaction.set_rollback(True)
