"""Where emails go: to the server in EMAIL_URL, or to files on your own computer."""

from __future__ import annotations

import re
import socket
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any
from urllib.parse import urlsplit

import dj_email_url
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

NEED_A_HOST = ("submission", "submit", "smtps")
"""The schemes for which no server is assumed."""


def mail_settings(url: str) -> dict[str, Any]:
    """Django's EMAIL_… settings for an EMAIL_URL.

    Raises ImproperlyConfigured with one line. It quotes nothing from the address, which has a password in it.
    """
    if fault := _fault(url):
        raise ImproperlyConfigured(
            f"EMAIL_URL {fault}. Write it like submission://user:password@mail.example.ca:587, and encode special "
            "characters in the user name and password (write @ as %40)."
        )
    return dict(dj_email_url.parse(url))


def _fault(url: str) -> str:
    """What is wrong with the address, or nothing."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() not in dj_email_url.SCHEMES:
        return "does not begin with submission://, smtp:// or another known scheme"
    # What follows a question mark is a parameter, in which an @ is plain: ?_default_from_email=portal@example.ca
    credentials, _, _ = re.sub(r"\?\w+=[^/]*$", "", rest.removeprefix("//")).rpartition("@")
    if re.search(r"[/?#\[\]\s]", credentials):
        return "has a special character in its user name or password that is not encoded"
    try:
        if scheme.lower() in NEED_A_HOST and not urlsplit(url).hostname:
            return "does not name an email server"
        dj_email_url.parse(url)
    except ValueError:
        return "has a part that cannot be read, such as a port that is not a number up to 65535"
    return ""


FAULTS: tuple[tuple[type[OSError], str], ...] = (
    (SMTPAuthenticationError, "{server} does not accept the user name and password. Check EMAIL_URL."),
    (
        SMTPNotSupportedError,
        "{server} does not offer the encryption or the sign-in method that EMAIL_URL asks for.",
    ),
    (SMTPSenderRefused, "{server} refuses the sender {error.sender}{reply}. Check EMAIL_FROM."),
    (SMTPRecipientsRefused, "{server} refuses the address{reply}."),
    # Some servers compare the sender with the user name only once they have the text.
    (SMTPDataError, "{server} refuses the email{reply}. Check EMAIL_FROM."),
    (SMTPResponseException, "{server} refuses the email{reply}."),
    (
        SMTPServerDisconnected,
        "{server} ended the connection or did not answer. Check the scheme and the port.",
    ),
    (ssl.SSLCertVerificationError, "{server} has a certificate that is not valid here. Check EMAIL_URL."),
    (ssl.SSLError, "{server} does not use encryption as EMAIL_URL asks. Check the scheme and the port."),
    (socket.gaierror, "there is no host with the name {settings.EMAIL_HOST}. Check EMAIL_URL."),
    (TimeoutError, "{server} does not answer. Check EMAIL_URL and the firewall."),
    (OSError, "{server} cannot be reached ({error.strerror}). Check EMAIL_URL and the firewall."),
)
"""Why an email could not be sent, and which setting to check. The first match counts.

smtplib's exceptions are OSErrors, too.
"""


def fault_in_words(error: OSError) -> str:
    """Why an email could not be sent, and what to check. It has no password."""
    server = f"the email server {settings.EMAIL_HOST}, port {settings.EMAIL_PORT},"
    words = next(words for kind, words in FAULTS if isinstance(error, kind))
    return words.format(server=server, error=error, reply=_reply(error), settings=settings)


def _reply(error: OSError) -> str:
    """The server's own words, in brackets, or nothing."""
    if isinstance(error, SMTPRecipientsRefused):
        address, (code, text) = next(iter(error.recipients.items()))
        return f" {address} ({code} {_text(text)})"
    if isinstance(error, SMTPResponseException):
        return f" ({error.smtp_code} {_text(error.smtp_error)})"
    return ""


def _text(reply: bytes | str) -> str:
    return " ".join((reply.decode(errors="replace") if isinstance(reply, bytes) else reply).split())


class MailToFiles(BaseEmailBackend):
    """Writes each email into a separate file in EMAIL_FILE_PATH, and one line on standard error that names it.

    For your own computer: nothing is sent, and the terminal stays readable.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            path = folder / f"{timezone.localtime():%Y-%m-%d-%H%M%S-%f}.eml"
            path.write_bytes(message.message().as_bytes())
            sys.stderr.write(f"Email to {', '.join(message.recipients())} saved in {path}\n")
        return len(email_messages)
