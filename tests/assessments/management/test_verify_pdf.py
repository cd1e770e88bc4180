"""`manage.py verify_pdf`: it reports a single changed byte, and whether a document is still current."""

from datetime import date
from pathlib import Path
from random import Random

import pytest
from django.core.management import CommandError, call_command

from assessments.models import Attestation, Office, SocialAccount, User
from assessments.pdf import press
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


def verify(path: Path, content: bytes) -> str:
    """Write a file and verify it: "yes", or "no" with the command's message."""
    path.write_bytes(content)
    try:
        call_command("verify_pdf", str(path))
    except CommandError as error:
        return f"no: {error}"
    return "yes"


def test_what_the_portal_made_is_authentic_and_its_standing_is_reported(attestation, tmp_path, capsys):
    share = shared(attestation)
    attested_pdf, shared_pdf = pdf_of(attestation), pdf_of(share)
    for pdf in (attested_pdf, shared_pdf):
        assert verify(tmp_path / "a.pdf", pdf) == "yes"
        assert "byte for byte" in capsys.readouterr().out
    withdraw(share=share, by=attestation.attested_by)
    attested(attestation.assessment.account)
    for pdf, standing in ((attested_pdf, "superseded"), (shared_pdf, "withdrawn")):
        assert verify(tmp_path / "a.pdf", pdf) == "yes"
        assert standing in capsys.readouterr().out


def test_one_changed_byte_is_reported_wherever_it_is(attestation):
    pdf, chance = pdf_of(attestation), Random(1)  # noqa: S311
    places = [0, len(pdf) - 1, *(chance.randrange(len(pdf)) for _ in range(18))]
    for at in places:
        changed = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]
        assert not judge_file(changed).authentic, at


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty"), (b"hello", "not a PDF"), (b"%PDF-1.7\n", "damaged")]
)
def test_a_file_that_is_no_document_of_the_portals_is_refused_in_plain_words(
    attestation, tmp_path, content, message
):
    assert message in verify(tmp_path / "a.pdf", content)


def test_for_a_pdf_without_a_record_it_says_which_ones_have_one(attestation, tmp_path):
    plain = press.print_pdf("<!DOCTYPE html><html lang='en'><title>Plain</title><p>Plain</p></html>", css="")
    message = verify(tmp_path / "plain.pdf", plain)
    assert "no: " in message
    assert "has no record, so it cannot be verified" in message
    assert "attested or shared" in message
    assert "from a draft" in message
    assert "Either the portal did not make it" not in message


def test_a_file_that_does_not_exist_is_reported(db, tmp_path):
    with pytest.raises(CommandError, match=r"none\.pdf: There is no such file\. Check the name\.$"):
        call_command("verify_pdf", str(tmp_path / "none.pdf"))


def test_a_folder_is_reported(db, tmp_path):
    with pytest.raises(CommandError, match=r": This is a folder\. Name a PDF file in it\.$"):
        call_command("verify_pdf", str(tmp_path))


def test_a_file_that_cannot_be_read_is_reported(db, tmp_path):
    (tmp_path / "a.pdf").symlink_to(tmp_path / "a.pdf")
    with pytest.raises(
        CommandError, match=r"a\.pdf: The file cannot be read \(Too many levels of symbolic links\)\.$"
    ):
        call_command("verify_pdf", str(tmp_path / "a.pdf"))
