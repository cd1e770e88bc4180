"""The running portal's own role of PostgreSQL: enough for every service, and too little to get round a trigger."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from assessments.models import Assessment, Attestation, Office, SocialAccount, User
from assessments.services import keeping, sharing
from assessments.services.runtime_role import CannotGrant, grant_runtime
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.attested import attested, shared

pytestmark = pytest.mark.django_db
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL has roles")
ROLE = "portal_runtime"


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextmanager
def as_the_portal() -> Iterator[None]:
    """As a session that connects as the role."""
    run(f"SET LOCAL ROLE {ROLE}")
    yield
    run("RESET ROLE")


@pytest.fixture
def role(db: None) -> str:
    run(f"CREATE ROLE {ROLE}")
    grant_runtime(ROLE)
    return ROLE


@only_postgresql
def test_with_the_role_everything_works_that_the_portal_does(role):
    for edition in shelf.editions().values():
        publish_edition(edition=edition)
    member = User.objects.create_user("ana@example.ca", name="Ana Silva")
    with as_the_portal():
        office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
        attestation = attested(SocialAccount.objects.create(office=office, platform="X", handle="@ana"))
        share = shared(attestation, ask="May I?")
        sharing.write_advice(share=share, text="And this?", by=member)
        sharing.withdraw(share=share, by=member)
        assert keeping.erase(office=office, by=member) == 1
        assert not Attestation.objects.exists()
        assert not Assessment.objects.exists()


@only_postgresql
@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE assessments_auditevent DISABLE TRIGGER ALL",
        "ALTER TABLE assessments_attestation ADD COLUMN more text",
        "DROP TABLE assessments_auditevent",
        "DROP TRIGGER assessments_auditevent_unchanged ON assessments_auditevent",
        "TRUNCATE assessments_auditevent CASCADE",
        "TRUNCATE assessments_share CASCADE",
        "UPDATE assessments_auditevent SET action = 'kept'",
        "UPDATE assessments_sharecontent SET record = ''",
        "DELETE FROM assessments_auditevent",
        "DELETE FROM assessments_export",
        "DELETE FROM django_migrations",
        "SET session_replication_role = replica",
        "CREATE TABLE more (id int)",
        "CREATE OR REPLACE FUNCTION assessments_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_with_the_role_nothing_gets_round_the_triggers(role, sql):
    with (
        pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        as_the_portal(),
    ):
        run(sql)


@only_postgresql
@pytest.mark.parametrize(
    ("make", "name", "says"),
    [
        ("SELECT 1", "nobody_knows", "There is no role nobody_knows"),
        ("CREATE ROLE r SUPERUSER", "r", "can become a superuser"),
        ("CREATE ROLE s SUPERUSER; CREATE ROLE r; GRANT s TO r", "r", "can become a superuser"),
        ("CREATE ROLE r CREATEROLE", "r", "a member of other roles"),
        (
            "CREATE ROLE o; CREATE ROLE r; GRANT o TO r; ALTER TABLE assessments_export OWNER TO o",
            "r",
            "owns tables",
        ),
        ("CREATE ROLE r; ALTER SCHEMA public OWNER TO r", "r", "owns the schema or the database"),
        ("CREATE ROLE r; GRANT SET ON PARAMETER session_replication_role TO r", "r", "turn triggers off"),
    ],
)
def test_a_role_that_could_get_round_them_is_refused(make, name, says):
    run(make)
    with pytest.raises(CommandError, match=says):
        call_command("grant_runtime", name)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="PostgreSQL has roles")
def test_without_postgresql_it_says_so():
    with pytest.raises(CannotGrant, match="Only PostgreSQL has roles"):
        grant_runtime(ROLE)
