"""What a benchmark writes to is its own, whatever the environment says: it fills databases and mails people."""

import os

from tests.postgres import MADE


def places(scratch: str) -> dict[str, str]:
    """Settings for a database, files and mail that nobody else has: on SQLite, unless tests.postgres started us."""
    return {
        "DATABASE_URL": os.environ.get(MADE) or f"sqlite:///{scratch}/db.sqlite3",
        "MEDIA_ROOT": f"{scratch}/media",
        "S3_BUCKET": "",
        "EMAIL_URL": "dummy:",
    }
