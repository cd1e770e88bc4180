"""HTTPS for the tests' server: browsers refuse a cookie whose name begins with `__Host-` without it."""

import base64
import hashlib
import ssl
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.servers.basehttp import ThreadedWSGIServer

_key = ec.generate_private_key(ec.SECP256R1())
_form = serialization.PublicFormat.SubjectPublicKeyInfo
FINGERPRINT = base64.b64encode(
    hashlib.sha256(_key.public_key().public_bytes(serialization.Encoding.DER, _form)).digest()
).decode()
"""The SHA-256 of the server's public key, by which Chromium is told to trust it."""


def _tls() -> ssl.SSLContext:
    """The server's side of TLS, with a certificate that only this process has."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, _key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = _key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(private + certificate.public_bytes(pem))
        context.load_cert_chain(file)
    return context


class HttpsServer(ThreadedWSGIServer):
    """Django's server for tests, by HTTPS."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A browser may connect long before it asks. Its own thread waits for it, not the one that accepts.
        self.socket = _tls().wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def setup_environ(self) -> None:
        super().setup_environ()
        self.base_environ["HTTPS"] = "on"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave out browsers that go away before or while they are answered."""
        if not isinstance(sys.exc_info()[1], ssl.SSLError):
            super().handle_error(request, client_address)
