"""Stored files in an S3-compatible bucket, which any number of hosts can share."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage

# Nobody should wait for a storage that does not answer. Checksums that only some servers support are left out: we
# compare what we read with our own SHA-256 anyway.
CONFIG = Config(
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=15,
    retries={"mode": "standard", "total_max_attempts": 3},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class Bucket(S3Storage):  # type: ignore[misc]  # django-storages ships no types
    """A bucket that fails as a disk does, with OSError, and keeps no version of a deleted file."""

    def __init__(self, **options: Any) -> None:
        super().__init__(client_config=CONFIG, **options)

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """Read a whole file in one request: callers read every stored file whole, and none is large."""
        if mode != "rb":
            raise ValueError("A stored file is written once, by `save`.")
        with _as_os_errors():
            body = self.bucket.Object(self._normalize_name(name)).get()["Body"]
            return ContentFile(body.read(), name=name)

    def _save(self, name: str, content: File[bytes]) -> str:
        with _as_os_errors():
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        """Delete a file and, if the bucket keeps versions, all its versions: what is purged must not remain."""
        key = self._normalize_name(name)
        with _as_os_errors():
            deleted = self.bucket.Object(key).delete()
            if "VersionId" in deleted or deleted.get("DeleteMarker"):
                for version in self.bucket.object_versions.filter(Prefix=key):
                    if version.object_key == key:
                        version.delete()

    def exists(self, name: str) -> bool:
        """Whether the bucket has the file."""
        with _as_os_errors():
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        """The file's size in bytes."""
        with _as_os_errors():
            return int(super().size(name))

    def get_modified_time(self, name: str) -> datetime:
        """When the file was written."""
        with _as_os_errors():
            written: datetime = super().get_modified_time(name)
            return written

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The folders and the files in a folder. Both are empty if there is no such folder."""
        with _as_os_errors():
            folders, files = super().listdir(path)
            return folders, files


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404 and _is_key(error):
            raise FileNotFoundError(errno.ENOENT, "There is no such file in the bucket") from error
        raise OSError(errno.EIO, "The bucket refused") from error
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(errno.EIO, "The bucket did not answer") from error


def _is_key(error: ClientError) -> bool:
    # A missing bucket also answers 404, and is no missing file.
    return error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}
