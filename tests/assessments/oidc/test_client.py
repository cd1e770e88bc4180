"""The answers of the provider: a token counts only with its own key, and no answer leads to another address."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from assessments.oidc import client
from assessments.oidc.claims import Reason, Refusal
from config.oidc import Provider

OWN, THEIRS = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PUBLIC = OWN.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
CLAIMS: dict[str, Any] = {"sub": "ana"}


def key_set(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    own: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"keys": [{**own, "kid": "one", "use": "sig"}]}


class Answers(BaseHTTPRequestHandler):
    """A provider that has one key, and an address that leads elsewhere."""

    def do_GET(self) -> None:
        host = self.headers["Host"]
        self.send_response(302 if self.path.startswith("/away") else 200)
        self.send_header("Location", f"http://{host}/theirs")
        self.end_headers()
        self.wfile.write(json.dumps(key_set(THEIRS if self.path == "/theirs" else OWN)).encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def verified(token: str, keys: str) -> Any:
    with client._readable():
        return client._verified(token, {"jwks_uri": keys})


def signed(key: Any = OWN, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(CLAIMS, key, algorithm=algorithm, headers={"kid": "one", **header})


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def with_other_claims() -> str:
    head, _, signature = signed().split(".")
    return f"{head}.{part({'sub': 'someone else'})}.{signature}"


def by_public_key() -> str:
    """Signed with the public key as if it were a secret that both know."""
    head = part({"alg": "HS256", "typ": "JWT", "kid": "one"})
    content = f"{head}.{part(CLAIMS)}"
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        content.encode(), PUBLIC
    )
    return f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGED: dict[str, Callable[[str], str]] = {
    "unsigned": lambda _: f"{part({'alg': 'none', 'kid': 'one'})}.{part(CLAIMS)}.",
    "signed with the public key": lambda _: by_public_key(),
    "signed with another key of the same name": lambda _: signed(THEIRS),
    "other claims under a signature": lambda _: with_other_claims(),
    "names its own keys": lambda server: signed(THEIRS, jku=f"{server}/theirs"),
    "brings its own key": lambda _: signed(THEIRS, jwk=key_set(THEIRS)["keys"][0]),
    "a key that is not there": lambda _: signed(kid="two"),
}


def test_a_token_that_the_provider_signed_counts(provider):
    assert verified(signed(), f"{provider}/own") == CLAIMS


@pytest.mark.parametrize("how", FORGED)
def test_a_token_counts_only_with_the_providers_own_key_and_a_safe_algorithm(provider, how):
    with pytest.raises(Refusal) as refused:
        verified(FORGED[how](provider), f"{provider}/own")
    assert refused.value.reason == Reason.SIGNATURE


@pytest.mark.parametrize("answer", [{"keys": ["one"]}, {"keys": 1}, {"keys": None}, {}, [], "keys"])
def test_keys_that_make_no_sense_are_refused(monkeypatch, answer):
    monkeypatch.setattr(client, "_get", lambda _: None)
    monkeypatch.setattr(client, "_json", lambda _: answer)
    with pytest.raises(Refusal) as refused:
        verified(signed(), "")
    assert refused.value.reason == Reason.PROVIDER_UNREADABLE


def test_no_answer_of_the_provider_leads_to_another_address(provider):
    with pytest.raises(Refusal) as refused:
        verified(signed(THEIRS), f"{provider}/away")
    assert refused.value.reason == Reason.PROVIDER_UNREADABLE
    named = Provider(issuer=f"{provider}/away", client_id="portal", client_secret="secret")
    with pytest.raises(Refusal), client._readable():
        client._discovered(named)
