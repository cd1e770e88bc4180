"""`manage.py verify_pdf`: a byte that was changed is told, and so is where the paper stands."""

from datetime import date
from pathlib import Path
from random import Random

import pytest
from django.core.management import CommandError, call_command

from assessments.models import Attestation, Office, SocialAccount, User
from assessments.services.printing import pdf_of
from assessments.services.sharing import withdraw
from assessments.services.verifying import judge_file
from bulletin import shelf
from bulletin.publish import publish_edition
from tests.attested import attested, shared

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def attestation() -> Attestation:
    for edition in shelf.editions().values():
        publish_edition(edition=edition)
    member = User.objects.create_user("ana@example.ca", name="Ana Silva")
    office = Office.objects.create(name="Ward 10", member=member, starts_on=date(2022, 11, 15))
    return attested(SocialAccount.objects.create(office=office, platform="X", handle="@ana"))


def told(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    try:
        call_command("verify_pdf", str(path))
    except CommandError as error:
        return f"no: {error}"
    return "yes"


def test_what_the_portal_made_is_authentic_and_where_it_stands_is_told(attestation, tmp_path, capsys):
    paper, part = pdf_of(attestation), shared(attestation)
    shown = pdf_of(part)
    for data in (paper, shown):
        assert told(tmp_path / "a.pdf", data) == "yes"
        assert "byte for byte" in capsys.readouterr().out
    withdraw(share=part, by=attestation.attested_by)
    attested(attestation.assessment.account)
    for data, says in ((paper, "superseded"), (shown, "withdrawn")):
        assert told(tmp_path / "a.pdf", data) == "yes"
        assert says in capsys.readouterr().out


def test_one_byte_that_was_changed_is_told_wherever_it_is(attestation):
    paper, chance = pdf_of(attestation), Random(1)  # noqa: S311
    places = [0, len(paper) - 1, *(chance.randrange(len(paper)) for _ in range(18))]
    for at in places:
        changed = paper[:at] + bytes([paper[at] ^ 1]) + paper[at + 1 :]
        assert not judge_file(changed).authentic, at


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "empty"), (b"hello", "not a PDF"), (b"%PDF-1.7\n", "damaged")]
)
def test_what_is_no_paper_of_the_portals_is_told_plainly(attestation, tmp_path, data, says):
    assert says in told(tmp_path / "a.pdf", data)


def test_a_file_that_is_not_there_is_told(db, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("verify_pdf", str(tmp_path / "none.pdf"))
