"""Requests to the provider of single sign-on: the authorization code flow with PKCE, without the portal's people."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import requests

from assessments.oidc.claims import Identity, Reason, Refusal, address_in, read_identity
from config.oidc import WELL_KNOWN, Provider

log = logging.getLogger(__name__)

TIMEOUT = 5
"""Seconds that each answer of the provider may take."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How a token may be signed: with a key that only the provider has."""
SCOPE = "openid profile email"


@dataclass(frozen=True)
class Departure:
    """What the session keeps about one sign-in attempt, from the redirect to the provider until the person returns.

    `state` and `nonce` belong to this departure alone; `verifier` is PKCE's. `left_at` is in Unix seconds.
    """

    state: str
    nonce: str
    verifier: str
    left_at: float


def address_to_leave(provider: Provider, departure: Departure, *, back: str, ask_again: bool) -> str:
    """The provider's address to go to. With `ask_again`, it is to ask for the password again. Raises Refusal."""
    with _readable():
        endpoint = str(_discovered(provider)["authorization_endpoint"])
    digest = hashlib.sha256(departure.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "scope": SCOPE,
        "state": departure.state,
        "nonce": departure.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if ask_again:
        query |= {"prompt": "login", "max_age": "0"}
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def identity_of(provider: Provider, departure: Departure, *, code: str, back: str, now: float) -> Identity:
    """The person for whom the provider gave this code. Raises Refusal."""
    with _readable():
        endpoints = _discovered(provider)
        tokens = _redeemed(provider, endpoints, departure, code=code, back=back)
        id_token = _verified(str(tokens["id_token"]), endpoints)
        userinfo = None
        if not address_in(id_token, provider=provider) and endpoints.get("userinfo_endpoint"):
            # Some send the address only here.
            bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
            userinfo = _json(_get(str(endpoints["userinfo_endpoint"]), headers=bearer))
        return read_identity(id_token, provider=provider, nonce=departure.nonce, now=now, userinfo=userinfo)


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what is wrong with the provider's answers into a Refusal. The log gets the kind of error, not its text."""
    try:
        yield
    except (requests.ConnectionError, requests.HTTPError, requests.Timeout) as error:
        raise Refusal(Reason.PROVIDER_SILENT) from error
    except jwt.InvalidSignatureError as error:
        raise Refusal(Reason.SIGNATURE) from error
    except (
        jwt.PyJWTError,
        requests.RequestException,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        log.warning("The provider's answer cannot be read: %s", type(error).__name__)
        raise Refusal(Reason.PROVIDER_UNREADABLE) from error


def _discovered(provider: Provider) -> Mapping[str, Any]:
    """The provider's description of itself. It must name the issuer in the settings."""
    document = _json(_get(provider.issuer + WELL_KNOWN))
    if str(document["issuer"]).rstrip("/") != provider.issuer:
        raise Refusal(Reason.ISSUER)
    return document


def _redeemed(
    provider: Provider, endpoints: Mapping[str, Any], departure: Departure, *, code: str, back: str
) -> Mapping[str, Any]:
    """The tokens for a code. Codes work once, so the provider refuses one that was used."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": departure.verifier,
    }
    basic = None
    if "client_secret_post" in endpoints.get("token_endpoint_auth_methods_supported", ()):
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    else:
        # RFC 6749 has both encoded first: a colon in a name would end it.
        basic = (quote(provider.client_id, safe=""), quote(provider.client_secret, safe=""))
    response = requests.post(
        str(endpoints["token_endpoint"]), data=form, auth=basic, timeout=TIMEOUT, allow_redirects=False
    )
    if 400 <= response.status_code < 500:
        raise Refusal(Reason.PROVIDER_REFUSED)
    return _json(response)


def _verified(token: str, endpoints: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims of a token, once its signature is verified. `read_identity` checks the claims themselves."""
    header = jwt.get_unverified_header(token)
    algorithm = header["alg"]
    if algorithm not in ALGORITHMS:
        raise Refusal(Reason.SIGNATURE)
    keys = _json(_get(str(endpoints["jwks_uri"])))["keys"]
    # A provider with one key need not name it.
    fitting = [key for key in keys if "kid" not in header or key.get("kid") == header["kid"]]
    if len(fitting) != 1:
        raise Refusal(Reason.SIGNATURE)
    unchecked = ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
    options: Any = {f"verify_{name}": False for name in unchecked}
    key = jwt.PyJWK(fitting[0], algorithm=algorithm)
    claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=options)
    return claims


def _get(address: str, headers: Mapping[str, str] | None = None) -> requests.Response:
    return requests.get(address, headers=headers, timeout=TIMEOUT, allow_redirects=False)


def _json(response: requests.Response) -> Mapping[str, Any]:
    response.raise_for_status()
    if response.is_redirect:
        # The operator named one provider. Its answers cannot redirect to another.
        raise ValueError
    document = response.json()
    if not isinstance(document, dict):
        raise TypeError
    return document
