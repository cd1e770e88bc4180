"""What a portal does in a day, in two processes: the tables' owner's, and the running portal's."""

import contextlib
import io
import re
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from assessments.models import Assessment, Share, ShareContent, SocialAccount, StoredPdf, Withdrawal
from assessments.services.drafts import start_assessment
from assessments.services.retention import purge_expired
from tests.cast import NONCE, PASSWORD, account_of, answered, office_of, person, seen

REFUSED = (
    "DROP TRIGGER assessments_attestation_unchanged ON assessments_attestation",
    "ALTER TABLE assessments_auditevent DISABLE TRIGGER ALL",
    "TRUNCATE assessments_auditevent CASCADE",
    "UPDATE assessments_attestation SET record = ''",
    "DELETE FROM assessments_auditevent",
)


def prepare(role: str) -> None:
    """Do what the tables' owner does after a new version, and add a member with an account."""
    for command in ("migrate", "createcachetable", "load_editions"):
        call_command(command, verbosity=0)
    account_of(office_of(person("member", password=PASSWORD)))
    call_command("grant_runtime", role)


def a_day() -> dict[str, Any]:
    """Do what the running portal does; return the results by name."""
    results: dict[str, Any] = {}
    client = Client(SERVER_NAME="localhost")
    results["ready"] = client.get("/health/ready").json()
    account = SocialAccount.objects.get()
    member = account.office.member
    signed_in = client.post("/account/login/", {"login": member.email, "password": PASSWORD})
    results["signed in"] = signed_in.status_code

    draft = answered(account, member)
    page = f"/assessments/{draft.pk}"
    form = client.get(f"{page}/section/account").content.decode()
    stamps = dict(re.findall(r'name="(seen\.[^"]+)"\s+value="([^"]*)"', form))
    client.post(f"{page}/section/account", {"account.stage": "planned", **stamps})
    results["answer"] = draft.answers.get(question="account.stage").value

    client.post(f"{page}/attest", {"stand": "yes", "seen": seen(draft)})
    picked = {"rule": "9", "question": "account.stage", "nonce": NONCE, "give": "yes", "consent": "yes"}
    client.post(f"{page}/share", picked)
    call_command("db_worker", batch=True, startup_delay=False, reload=False, verbosity=0)
    results["printed"] = sorted(f"{pdf.kind} {pdf.share_id or ''}" for pdf in StoredPdf.objects.all())
    results["pdf"] = client.get(f"{page}/advisory.pdf").content[:5].decode()

    share = Share.objects.get()
    client.post(f"/shares/{share.pk}/withdraw")
    results["withdrawn"] = [Withdrawal.objects.count(), ShareContent.objects.count()]
    deleted_draft = start_assessment(account=account, by=member)
    Assessment.objects.filter(pk=deleted_draft.pk).update(
        deleted_at=timezone.now() - timedelta(31), deleted_by=member
    )
    results["purged"] = purge_expired().deleted
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        call_command("verify_audit")
    results["audit trail"] = printed.getvalue().strip().rpartition(", ")[2]
    results["refused"] = [_refusal(sql) for sql in REFUSED]
    return results


def _refusal(sql: str) -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError as error:
        return str(error).partition("\n")[0]
    return "done"
