"""The running portal's PostgreSQL role: rights enough for every service, and too few to get round a trigger."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from assessments.models import Assessment, Attestation
from assessments.operations.runtime_role import CannotGrant, grant_runtime
from assessments.services import retention, sharing
from tests.cast import account_of, attested, office_of, person, shared

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL has roles")
ROLE = "portal_runtime"


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextmanager
def as_the_portal() -> Iterator[None]:
    """Run a block as a session that connects as the role."""
    run(f"SET LOCAL ROLE {ROLE}")
    yield
    run("RESET ROLE")


@pytest.fixture
def role(db: None) -> str:
    # Before, the role had every right on rows and tables.
    run(f"CREATE ROLE {ROLE}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
    grant_runtime(ROLE)
    return ROLE


@only_postgresql
def test_with_the_role_everything_works_that_the_portal_does(published, role):
    member = person("member")
    with as_the_portal():
        office = office_of(member)
        attestation = attested(account_of(office))
        share = shared(attestation, ask="May I?")
        sharing.write_advice(share=share, text="And this?", by=member)
        sharing.withdraw(share=share, by=member)
        assert retention.erase(office=office, by=member) == 1
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
        "INSERT INTO assessments_purgepermit DEFAULT VALUES; DELETE FROM assessments_auditevent",
        "INSERT INTO assessments_purgepermit DEFAULT VALUES; DELETE FROM assessments_export",
        "DROP FUNCTION assessments_refuse() CASCADE",
        "DROP FUNCTION assessments_refuse_attested() CASCADE",
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


OWNS = "CREATE ROLE r; ALTER {} OWNER TO r"
PREDEFINED = (
    "pg_execute_server_program",
    "pg_write_server_files",
    "pg_read_server_files",
    "pg_write_all_data",
    "pg_create_subscription",
    "pg_maintain",
)
# Each statement begins by creating r, so that tests in parallel processes wait for one another.
MIGHTY = {
    "CREATE ROLE r SUPERUSER": "can become a superuser",
    "CREATE ROLE r NOINHERIT; CREATE ROLE s SUPERUSER; GRANT s TO r": "can become a superuser",
    "CREATE ROLE r CREATEROLE": "a member of other roles",
    "CREATE ROLE r; CREATE ROLE s CREATEROLE; GRANT s TO r": "a member of other roles",
    "CREATE ROLE r REPLICATION": "as a replica does",
    "CREATE ROLE r; CREATE ROLE s REPLICATION; GRANT s TO r": "as a replica does",
    "CREATE ROLE r NOINHERIT; CREATE ROLE s; GRANT s TO r; ALTER TABLE assessments_export OWNER TO s": (
        "owns (table|sequence) assessments_export.*, or can become its owner"
    ),
    OWNS.format("SCHEMA public"): "owns schema public",
    OWNS.format("FUNCTION assessments_refuse()"): r"owns function assessments_refuse\(\)",
    OWNS.format("FUNCTION assessments_refuse_attested()"): "owns function assessments_refuse_attested",
    "CREATE SEQUENCE more; " + OWNS.format("SEQUENCE more"): "owns sequence more",
    "CREATE VIEW more AS SELECT 1; " + OWNS.format("VIEW more"): "owns view more",
    "CREATE ROLE r; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO r', current_database()); END $$": (
        "owns database"
    ),
    "CREATE ROLE r; GRANT SET ON PARAMETER session_replication_role TO r": "turn triggers off",
    "CREATE ROLE r NOINHERIT; CREATE ROLE s; GRANT SET ON PARAMETER session_replication_role TO s; GRANT s TO r": (
        "turn triggers off"
    ),
    "CREATE ROLE r; ALTER ROLE r SET session_replication_role = replica": "with triggers turned off",
    **{f"CREATE ROLE r; GRANT {name} TO r": f"is a member of {name}" for name in PREDEFINED},
}


@only_postgresql
@pytest.mark.parametrize("make", MIGHTY)
def test_a_role_that_could_get_round_them_is_refused(make):
    run(make)
    with pytest.raises(CommandError, match=MIGHTY[make]):
        call_command("grant_runtime", "r")


REMAINS = {
    "CREATE ROLE r; GRANT TRUNCATE ON assessments_share TO PUBLIC": "still has TRUNCATE on assessments_share,",
    "CREATE ROLE r; CREATE ROLE s; GRANT TRIGGER ON assessments_export TO s; GRANT s TO r": (
        "still has TRIGGER on assessments_export,"
    ),
    "CREATE ROLE r NOINHERIT; CREATE ROLE s; GRANT TRIGGER ON assessments_look TO s; GRANT s TO r": (
        "still has TRIGGER on assessments_look,"
    ),
    "CREATE ROLE r; GRANT DELETE ON assessments_auditevent TO PUBLIC": "DELETE on assessments_auditevent,",
    "CREATE ROLE r; GRANT UPDATE ON assessments_auditevent TO PUBLIC": "UPDATE on assessments_auditevent,",
    "CREATE ROLE r; GRANT UPDATE (record) ON assessments_sharecontent TO PUBLIC": (
        "UPDATE on assessments_sharecontent,"
    ),
    "CREATE ROLE r; GRANT INSERT, DELETE ON django_migrations TO PUBLIC": (
        "DELETE on django_migrations, INSERT on django_migrations,"
    ),
}


@only_postgresql
@pytest.mark.parametrize("make", REMAINS)
def test_a_right_that_comes_another_way_is_named(make):
    run(make)
    with pytest.raises(CommandError, match=REMAINS[make]):
        call_command("grant_runtime", "r")


OWNER = """
CREATE ROLE r; CREATE ROLE o;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('ALTER TABLE %I OWNER TO o', name);
  END LOOP;
END $$;
"""


@only_postgresql
@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "can still create tables and functions in the schema public",
        ),
        (
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO o",
            "r lacks USAGE on the schema",
        ),
        (
            "ALTER TABLE assessments_share OWNER TO SESSION_USER",
            "permission denied for table assessments_share",
        ),
        (
            (
                "ALTER TABLE assessments_share OWNER TO SESSION_USER; GRANT SELECT ON assessments_share TO o; "
                "GRANT SELECT ON SEQUENCE assessments_share_id_seq TO o"
            ),
            "r lacks DELETE on assessments_share, INSERT on assessments_share",
        ),
        ("SELECT 1", ""),
    ],
)
def test_whoever_owns_the_tables_alone_is_told_what_they_cannot_do(make, fault):
    run(f"{OWNER} {make}; SET LOCAL ROLE o")
    with pytest.raises(CommandError, match=fault) if fault else nullcontext():
        call_command("grant_runtime", "r")


@only_postgresql
def test_a_role_that_is_not_there_is_told_how_to_make_it():
    with pytest.raises(CommandError, match="The role nobody_knows does not exist"):
        call_command("grant_runtime", "nobody_knows")


@only_postgresql
def test_before_the_tables_are_there_it_says_so():
    run("CREATE ROLE r; CREATE SCHEMA empty; SET LOCAL search_path = empty")
    with pytest.raises(CommandError, match="Run migrate first"):
        call_command("grant_runtime", "r")


@only_postgresql
def test_by_itself_the_role_can_purge_an_attestation(published, role):
    attested(account_of(office_of(person("member"))))
    with as_the_portal():
        run("INSERT INTO assessments_purgepermit DEFAULT VALUES")
        run("DELETE FROM assessments_finding; DELETE FROM assessments_attestation")
        assert not Attestation.objects.exists()


def on_server(*statements: str) -> None:
    import psycopg2  # noqa: PLC0415 - on PostgreSQL alone

    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    with closing(psycopg2.connect(**parameters)) as server:
        server.autocommit = True
        for statement in statements:
            server.cursor().execute(statement)


@pytest.fixture
def own() -> Iterator[str]:
    """A role that can log in, and a database of the same name whose tables another role owns."""
    name = f"portal_{os.getpid()}"
    on_server(f"CREATE ROLE {name} LOGIN PASSWORD 'between us'", f"CREATE DATABASE {name}")
    yield name
    on_server(f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}")


def in_a_process(address: str, media: Path, call: str) -> str:
    """What `tests/as_runtime_role.py` prints, in a portal on this database."""
    environment = os.environ | {
        "DATABASE_URL": address,
        "MEDIA_ROOT": str(media),
        "TASKS": "database",
        "SECRET_KEY": "only tests sign with this",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "true",
    }
    script = (
        "import json, django; django.setup()\n"
        f"from tests.as_runtime_role import a_day, prepare\nprint(json.dumps({call}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@only_postgresql
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_portal_that_connects_as_the_role_does_a_days_work_and_nothing_beyond(own, tmp_path):
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{own}")
    printed = in_a_process(url.geturl(), tmp_path, f"prepare({own!r})")
    assert f"{own} can read and write the rows of" in printed

    as_role = url._replace(netloc=f"{own}:between%20us@{url.netloc.rpartition('@')[2]}")
    printed = in_a_process(as_role.geturl(), tmp_path, "a_day()")

    day = json.loads(printed.splitlines()[-1])
    refused = day.pop("refused")
    assert day == {
        "ready": {"ready": True, "broken": []},
        "signed in": 302,
        "answer": "planned",
        # The attestation, the share, and the share's summary.
        "printed": ["full ", "full 1", "summary 1"],
        "pdf": "%PDF-",
        "withdrawn": [1, 0],
        "purged": 1,
        "audit trail": "stored files: 1. All match.",
    }
    assert len(refused) == 5
    for refusal in refused:
        assert re.search("must be owner|permission denied|rows are never changed", refusal)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="PostgreSQL has roles")
def test_without_postgresql_it_says_so():
    with pytest.raises(CannotGrant, match="Only PostgreSQL has roles"):
        grant_runtime(ROLE)
