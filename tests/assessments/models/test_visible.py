"""Who sees what: for any set of people and offices, lists and single records agree with one plain definition."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
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
)
from bulletin.models import PublishedEdition
from tests.cast import account_of, client_of, office_of, person

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

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        edition = PublishedEdition.objects.defer("content").earliest("pk")
        self.people = [
            person(f"{at}", is_active=at not in plan["inactive"], is_staff=at in plan["administrators"])
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
            ends_on = date(2026, 11, 14) if plan["ended"][at] else None
            office = office_of(self.people[member], f"Ward {at}", ends_on=ends_on)
            for who, how in enumerate(plan["staff"][at]):
                for joined, ended in past.get(how, ()):
                    Membership.objects.create(
                        office=office, user=self.people[who], joined_at=joined, ended_at=ended
                    )
            account, by = account_of(office), office.member
            draft = Assessment.objects.create(
                account=account, edition=edition, election="toronto-2026", started_by=by
            )
            Answer.objects.create(draft=draft, question="resources.email", value="yes", answered_by=by)
            thread = Thread.objects.create(assessment=draft, about="whole")
            Comment.objects.create(thread=thread, author=by, text="A comment.")
            Notice.objects.bulk_create(
                Notice(user=user, assessment=draft, kind="comment", by=by) for user in self.people
            )
            self.offices.append(office)
            self.drafts.append(draft)

    def may_see(self, who: int, office: int) -> bool:
        """The rule in plain words: active, no administrator, and the member or on the staff today."""
        if who in self.plan["inactive"] | self.plan["administrators"]:
            return False
        on_staff = self.plan["staff"][office][who] in ("now", "came back")
        return on_staff or self.plan["members"][office] == who


def offices_of(records: QuerySet[Any], path: str) -> list[str]:
    """The names of the offices of some records, sorted; a duplicate stays a duplicate."""
    return sorted(records.values_list(path, flat=True))


@pytest.mark.postgres
@given(plan=worlds)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_list_holds_what_a_person_may_see_once_and_nothing_else(published, plan):
    with transaction.atomic():
        world = World(plan)
        for who, user in enumerate(world.people):
            may = [f"Ward {at}" for at in range(OFFICES) if world.may_see(who, at)]
            assert offices_of(Office.objects.visible_to(user), "name") == may
            assert offices_of(SocialAccount.objects.visible_to(user), "office__name") == may
            assert offices_of(Assessment.objects.visible_to(user), "account__office__name") == may
            assert offices_of(Thread.objects.visible_to(user), "assessment__account__office__name") == may
            path = "thread__assessment__account__office__name"
            assert offices_of(Comment.objects.visible_to(user), path) == may
            assert offices_of(Notice.objects.visible_to(user), "assessment__account__office__name") == may
        transaction.set_rollback(True)


def test_what_a_list_hides_its_own_address_hides_too(published):
    staff = (
        ("never", "now", "ended", "now"),
        ("came back", "never", "to come", "came back"),
        ("never", "to come", "never", "ended"),
    )
    plan = {"members": (0, 1, 2), "ended": (False, True, False), "staff": staff}
    world = World(plan | {"inactive": set(), "administrators": {3}})
    for who, user in enumerate(world.people):
        client = client_of(user, fresh=False)
        for at, draft in enumerate(world.drafts):
            expected = 200 if world.may_see(who, at) else 404
            for address in (f"/office/accounts/{draft.account_id}", f"/assessments/{draft.pk}/"):
                assert client.get(address).status_code == expected, (who, at, address)
