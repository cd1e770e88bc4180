"""Stored files in a bucket on a test server: everything that the portal does with files."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.management import call_command
from moto.server import ThreadedMotoServer

from assessments.models import Attestation, StoredPdf
from assessments.operations.backup import stored_names
from assessments.services import sharing
from assessments.services.retention import purge_expired
from assessments.views import health
from tests.cast import attested, shared

NAME = "self-check-files"


logging.getLogger("werkzeug").setLevel(logging.ERROR)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    served = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    yield f"http://{host}:{port}"
    served.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Any]:
    """A bucket for the portal, with the settings that an operator would use."""
    for name, value in {
        "AWS_ENDPOINT_URL_S3": server,
        "AWS_DEFAULT_REGION": "ca-central-1",
        "AWS_ACCESS_KEY_ID": "portal",
        "AWS_SECRET_ACCESS_KEY": "secret words",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "ca-central-1"})
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "config.bucket.Bucket",
            "OPTIONS": {"bucket_name": NAME, "object_parameters": {"ServerSideEncryption": "AES256"}},
        }
    }
    yield client
    bucket = boto3.resource("s3").Bucket(NAME)
    bucket.object_versions.delete()
    bucket.delete()


@pytest.fixture
def nowhere(s3: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same settings, but no server answers, and retries do not wait."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    options = settings.STORAGES["default"]["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print nothing: only storing matters here."""
    for name in "_full_pdf", "_summary_pdf":
        text = f"%PDF {name} {{0.code}}".format
        monkeypatch.setattr(f"assessments.services.printing.{name}", lambda of, text=text: text(of).encode())


# --- What a storage has to do ---------------------------------------------------------------------


def test_it_keeps_files_in_folders_and_encrypts_each(s3):
    name = default_storage.save("shares/1/a.pdf", ContentFile(b"kept"))
    default_storage.save("shares/12/b.pdf", ContentFile(b"other"))
    assert name == "shares/1/a.pdf"
    with default_storage.open(name) as file:
        assert file.read() == b"kept"
    assert (default_storage.exists(name), default_storage.size(name)) == (True, 4)
    assert default_storage.listdir("shares") == (["1", "12"], [])
    assert list(stored_names(default_storage)) == ["shares/1/a.pdf", "shares/12/b.pdf"]
    assert s3.head_object(Bucket=NAME, Key=name)["ServerSideEncryption"] == "AES256"
    default_storage.delete("shares/1/a.pdf")
    default_storage.delete("shares/1/a.pdf")
    assert list(stored_names(default_storage)) == ["shares/12/b.pdf"]
    with pytest.raises(FileNotFoundError):
        default_storage.open(name)
    with pytest.raises(FileNotFoundError):
        default_storage.size(name)
    assert not default_storage.exists(name)
    assert default_storage.listdir("attestations") == ([], [])


def test_deleting_a_file_deletes_all_versions_that_the_bucket_keeps(s3):
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    for content in b"one", b"two":
        default_storage.save("a.pdf", ContentFile(content))
    default_storage.save("a.pdf.other", ContentFile(b"another"))
    default_storage.delete("a.pdf")
    remaining = s3.list_object_versions(Bucket=NAME)
    assert [version["Key"] for version in remaining["Versions"]] == ["a.pdf.other"]
    assert "DeleteMarkers" not in remaining


WAYS = {
    "save": lambda: default_storage.save("a.pdf", ContentFile(b"a")),
    "open": lambda: default_storage.open("a.pdf"),
    "delete": lambda: default_storage.delete("a.pdf"),
    "exists": lambda: default_storage.exists("a.pdf"),
    "size": lambda: default_storage.size("a.pdf"),
    "modified": lambda: default_storage.get_modified_time("a.pdf"),
    "list": lambda: default_storage.listdir(""),
}


def test_one_that_does_not_answer_fails_as_a_disk_does(nowhere):
    for way in WAYS.values():
        with pytest.raises(OSError, match="did not answer"):
            way()


def test_one_that_refuses_fails_as_a_disk_does(s3, settings):
    options = {"bucket_name": "somebody-elses"}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}
    for name, way in WAYS.items():
        if name == "exists":
            # The server says only that there is no such file.
            assert way() is False
            continue
        with pytest.raises(OSError, match=r"bucket|File does not exist") as raised:
            way()
        assert name in ("size", "modified") or not isinstance(raised.value, FileNotFoundError)


# --- What the portal does with it -----------------------------------------------------------------


def test_attested_shared_read_lost_printed_again_and_withdrawn(
    s3, cast, quick, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        share = shared(attested(cast.account))
    assert StoredPdf.objects.count() == 3
    stored = StoredPdf.objects.get(share=share, kind="full")
    assert set(stored_names(default_storage)) == set(StoredPdf.objects.values_list("name", flat=True))
    page = f"/shares/{share.pk}.pdf"
    client = cast.client("member")
    first = client.get(page).content
    assert hashlib.sha256(first).hexdigest() == stored.sha256
    for content in None, b"%PDF something else":
        s3.delete_object(Bucket=NAME, Key=stored.name)
        if content:
            s3.put_object(Bucket=NAME, Key=stored.name, Body=content)
        assert client.get(page).content == first
        assert s3.get_object(Bucket=NAME, Key=stored.name)["Body"].read() == first
    with django_capture_on_commit_callbacks(execute=True):
        sharing.withdraw(share=share, by=cast.member)
    assert list(stored_names(default_storage)) == [StoredPdf.objects.get(attestation__isnull=False).name]


@pytest.mark.usefixtures("quick")
def test_without_its_bucket_the_portal_says_so_loses_nothing_and_goes_on_later(
    nowhere, cast, settings, django_capture_on_commit_callbacks, caplog
):
    with django_capture_on_commit_callbacks(execute=True):
        attestation = attested(cast.account)
    client, page = cast.client("member"), f"/assessments/{attestation.assessment_id}/advisory.pdf"
    answer = client.get(page)
    assert (answer.status_code, "could not be stored" in answer.content.decode()) == (503, True)
    assert json.loads(client.get("/health/ready").content)["broken"] == ["storage"]
    assert purge_expired().no_storage
    assert "secret words" not in caplog.text
    settings.STORAGES["default"]["OPTIONS"].pop("endpoint_url")
    settings.STORAGES = dict(settings.STORAGES)
    assert client.get(page).content.startswith(b"%PDF")
    assert health._storage()
    assert Attestation.objects.count() == StoredPdf.objects.count() == 1


def test_files_that_the_database_does_not_know_are_purged(s3, db):
    default_storage.save("shares/987654/0.pdf", ContentFile(b"left"))
    assert purge_expired().files == 1
    assert list(stored_names(default_storage)) == []


def test_a_backup_includes_the_files_of_a_bucket(s3, tmp_path, transactional_db):
    default_storage.save("shares/1/a.pdf", ContentFile(b"kept"))
    call_command("backup", str(tmp_path / "backup"))
    assert (tmp_path / "backup" / "files" / "shares" / "1" / "a.pdf").read_bytes() == b"kept"
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    assert [file["name"] for file in manifest["backup"]["files"]] == ["shares/1/a.pdf"]


def test_the_environment_alone_turns_it_on(s3):
    """Settings are read once, so this needs a process of its own."""
    script = (
        "import django; django.setup(); from django.core.files.storage import default_storage as s;"
        "from django.core.files.base import ContentFile;"
        "print(s.save('from/afar.pdf', ContentFile(b'x')), s.object_parameters)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"S3_BUCKET": NAME, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "from/afar.pdf {'ServerSideEncryption': 'AES256'}\n"
    assert storages["default"].exists("from/afar.pdf")
