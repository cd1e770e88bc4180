"""`manage.py verify_pdf`: it reports a single changed byte, and whether a document is still current."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from assessments.management.commands.verify_pdf import NO_TABLES
from assessments.models import Attestation, Share
from assessments.pdf import press
from assessments.services.printing import pdf_of
from assessments.services.sharing import withdraw
from assessments.services.verifying import judge_file
from tests.cast import attested

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def pdfs(module_attestation: int, module_share: int, tmp_path_factory) -> tuple[bytes, bytes]:
    """The PDFs of the cast's attestation and share."""
    with override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")):
        return (
            pdf_of(Attestation.objects.get(pk=module_attestation)),
            pdf_of(Share.objects.get(pk=module_share)),
        )


def verify(path: Path, content: bytes) -> str:
    """Write a file and verify it: "yes", or "no" with the command's message."""
    path.write_bytes(content)
    try:
        call_command("verify_pdf", str(path))
    except CommandError as error:
        return f"no: {error}"
    return "yes"


def test_what_the_portal_made_is_authentic_and_its_standing_is_reported(
    pdfs, attestation, share_, tmp_path, capsys
):
    for pdf in pdfs:
        assert verify(tmp_path / "a.pdf", pdf) == "yes"
        assert "byte for byte" in capsys.readouterr().out
    withdraw(share=share_, by=attestation.attested_by)
    attested(attestation.assessment.account)
    for pdf, standing in zip(pdfs, ("superseded", "withdrawn"), strict=True):
        assert verify(tmp_path / "a.pdf", pdf) == "yes"
        assert standing in capsys.readouterr().out


def test_one_changed_byte_is_reported_wherever_it_is(pdfs, db):
    pdf, chance = pdfs[0], Random(1)  # noqa: S311
    places = [0, len(pdf) - 1, *(chance.randrange(len(pdf)) for _ in range(10))]
    for at in places:
        changed = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]
        assert not judge_file(changed).authentic, at


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty"), (b"hello", "not a PDF"), (b"%PDF-1.7\n", "damaged")]
)
def test_a_file_that_is_no_document_of_the_portals_is_refused_in_plain_words(tmp_path, content, message):
    refused = verify(tmp_path / "a.pdf", content)
    assert message in refused
    # Only a PDF can be one that the portal issued.
    assert ("its record has been deleted" in refused) is content.startswith(b"%PDF")


def test_for_a_pdf_without_a_record_it_says_which_ones_have_one(tmp_path):
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


def test_a_database_without_tables_is_reported_on_one_line(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    environment = os.environ | {"DEBUG": "true", "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"}
    command = [sys.executable, "manage.py", "verify_pdf", str(tmp_path / "a.pdf")]
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"CommandError: {NO_TABLES}"]
