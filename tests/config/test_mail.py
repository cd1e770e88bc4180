"""`manage.py sendtestemail` with our settings: what failed, in words, against a server that refuses."""

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from smtplib import (
    SMTPAuthenticationError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any, ClassVar

import pytest
from django.core.management import CommandError, call_command

from config.mail import fault_in_words
from tests.hosts import free_port

TO = "you@example.ca"


class Smtp(socketserver.StreamRequestHandler):
    """A server of email that answers each command by its first four letters, and everything else with 250."""

    replies: ClassVar[dict[str, str]] = {}

    def handle(self) -> None:
        self.answer(self.replies.get("", "220 mail"))
        while line := self.rfile.readline().decode().strip().upper():
            if line == "DATA":
                self.answer("354 go on")
                while self.rfile.readline().strip() != b".":
                    pass
            self.answer(self.replies.get(line[:4], "250 fine"))
            if line == "QUIT":
                return

    def answer(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def smtp(settings: Any) -> Iterator[dict[str, str]]:
    """The replies of a server to which emails go."""
    Smtp.replies = {}
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.EMAIL_TIMEOUT = 1
        settings.DEFAULT_FROM_EMAIL = "portal@example.ca"
        yield Smtp.replies
        server.shutdown()


def fault_of(to: str = TO) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("sendtestemail", to)
    return str(refused.value)


def test_an_email_that_the_server_takes_is_reported(smtp, capsys):
    call_command("sendtestemail", TO)
    assert capsys.readouterr().out == f"The email server accepted the email to {TO}. Check that it arrives.\n"


def test_a_dead_server_is_reported_with_what_to_check(smtp, settings):
    settings.EMAIL_PORT = free_port()
    assert fault_of() == (
        f"The email was not sent: the email server 127.0.0.1, port {settings.EMAIL_PORT}, cannot be reached "
        "(Connection refused). Check EMAIL_URL and the firewall."
    )


@pytest.mark.parametrize(
    ("command", "reply", "fault"),
    [
        ("MAIL", "550 not yours", "refuses the sender portal@example.ca (550 not yours). Check EMAIL_FROM."),
        ("RCPT", "550 no such person", f"refuses the address {TO} (550 no such person)."),
        ("DATA", "554 SendAsDenied", "refuses the email (554 SendAsDenied). Check EMAIL_FROM."),
        ("", "554 go away", "refuses the email (554 go away)."),
    ],
)
def test_what_the_server_refuses_is_reported_in_its_words(smtp, command, reply, fault):
    smtp[command] = reply
    assert re.fullmatch(
        rf"The email was not sent: the email server \S+, port \d+, {re.escape(fault)}", fault_of()
    )


def test_a_server_that_says_nothing_is_reported(settings, smtp):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT = silent.getsockname()[1]
        assert "did not answer. Check the scheme and the port." in fault_of()


@pytest.mark.parametrize("to", ["a@b@c", "you@example.ca\n"])
def test_an_address_that_no_email_can_have_is_reported(smtp, to):
    assert fault_of(to).startswith("The email was not sent: ")
    assert "\n" not in fault_of(to)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (
            SMTPAuthenticationError(535, b"zq7"),
            "does not accept the user name and password. Check EMAIL_URL.",
        ),
        (
            SMTPNotSupportedError("zq7"),
            "does not offer the encryption or the sign-in method that EMAIL_URL asks for.",
        ),
        (
            SMTPServerDisconnected("zq7"),
            "ended the connection or did not answer. Check the scheme and the port.",
        ),
        (ssl.SSLCertVerificationError("zq7"), "has a certificate that is not valid here. Check EMAIL_URL."),
        (ssl.SSLError(1, "zq7"), "does not use encryption as EMAIL_URL asks. Check the scheme and the port."),
        (socket.gaierror(-2, "zq7"), "there is no host with the name mail.example.ca. Check EMAIL_URL."),
        (TimeoutError("zq7"), "does not answer. Check EMAIL_URL and the firewall."),
        (
            SMTPSenderRefused(550, b"not\r\n yours", "a@b.ca"),
            "the sender a@b.ca (550 not yours). Check EMAIL_FROM.",
        ),
        (SMTPRecipientsRefused({TO: (550, b"no")}), f"refuses the address {TO} (550 no)."),
    ],
)
def test_each_fault_has_its_words(settings, error, fault):
    settings.EMAIL_HOST = "mail.example.ca"
    words = fault_in_words(error)
    assert words.endswith(fault)
    assert "zq7" not in words
