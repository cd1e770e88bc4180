"""What the provider's claims say about a person, or why they do not count. Pure: no clock and no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from config.oidc import Provider

CLOCKS_DIFFER = 60
"""Seconds by which the provider's clock and ours may differ."""
MAX_SUBJECT = 191
"""Characters of a subject that the database can keep."""
MAX_ADDRESS = 254
YES: Final = (True, 1, "true", "1")
"""How providers write that an address is verified. Anything else that they send says that it is not."""


class Reason(StrEnum):
    """Why someone cannot sign in by single sign-on. The log has it, and deploy/operating.md explains each."""

    PROVIDER_SILENT = "provider_silent"
    PROVIDER_UNREADABLE = "provider_unreadable"
    PROVIDER_REFUSED = "provider_refused"
    STATE = "state"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    NONCE = "nonce"
    EXPIRED = "expired"
    TENANT = "tenant"
    SUBJECT = "subject"
    SUBJECT_DIFFERS = "subject_differs"
    NO_ADDRESS = "no_address"
    ADDRESS_UNVERIFIED = "address_unverified"
    NO_INVITATION = "no_invitation"
    INVITATION_GONE = "invitation_gone"
    OTHER_ADDRESS = "other_address"
    SUSPENDED = "suspended"
    LINK_DIFFERS = "link_differs"
    LINKED_TO_ANOTHER = "linked_to_another"
    NOT_PROVEN_NOW = "not_proven_now"
    NO_AUTH_TIME = "no_auth_time"
    TOO_LATE = "too_late"


class Refusal(Exception):
    """Someone cannot sign in, link or confirm by single sign-on. The reason is for the log alone.

    `person` is whose sign-in it is about; None if that is not known.
    """

    def __init__(self, reason: Reason, *, person: Any = None) -> None:
        super().__init__(str(reason))
        self.reason, self.person = reason, person


@dataclass(frozen=True)
class Identity:
    """A person as the provider knows them.

    `issuer` and `subject` together identify the person permanently. `tenant` and `object_id` are Entra's `tid` and
    `oid`; others send none. `address` is in lower case and counts as the person's; empty if the provider sent none.
    `auth_time` is when the person last signed in there, in Unix seconds.
    """

    issuer: str
    subject: str
    tenant: str = ""
    object_id: str = ""
    address: str = ""
    name: str = ""
    auth_time: float | None = None
    took_second_step: bool = False

    def proven_since(self, departed_at: float, *, now: float) -> bool:
        """Whether the person signed in at the provider after they left for it, and not still in its session."""
        return (
            self.auth_time is not None
            and departed_at - CLOCKS_DIFFER <= self.auth_time
            and self.auth_time <= now + CLOCKS_DIFFER
        )


def read_identity(
    id_token: Mapping[str, Any],
    *,
    provider: Provider,
    nonce: str,
    now: float,
    userinfo: Mapping[str, Any] | None = None,
) -> Identity:
    """The person whom the claims are about. The token's signature must have been verified. Raises Refusal.

    An address counts unless the provider says that it is unverified: the operator named this one provider, which
    knows its own people. Entra does not say either, so its address would otherwise never count.
    """
    _check_token(id_token, provider=provider, nonce=nonce, now=now)
    subject = id_token.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not _is_plain(subject):
        raise Refusal(Reason.SUBJECT)
    claims = dict(id_token)
    if userinfo is not None:
        if userinfo.get("sub") != subject:
            raise Refusal(Reason.SUBJECT_DIFFERS)
        claims = {**userinfo, **id_token}
    for name in ("email_verified", "xms_edov"):
        # Both sources: one may deny what the other does not mention.
        for source in (id_token, userinfo or {}):
            if source.get(name) is not None and source[name] not in YES:
                raise Refusal(Reason.ADDRESS_UNVERIFIED)
    return Identity(
        issuer=provider.issuer,
        subject=subject,
        tenant=_text(claims.get("tid")).lower(),
        object_id=_text(claims.get("oid")).lower(),
        address=address_in(claims, provider=provider),
        name=_text(claims.get("name")),
        auth_time=_number(id_token.get("auth_time")),
        took_second_step=_took_second_step(id_token, provider),
    )


def address_in(claims: Mapping[str, Any], *, provider: Provider) -> str:
    """The person's email address, in lower case; empty if the claims have none.

    Entra sends `email` only if it is set up as an optional claim. Its `preferred_username` is the person's sign-in
    name, whose domain belongs to the tenant. Elsewhere people may choose that name, so it does not count.
    """
    for name in ("email", "preferred_username") if provider.is_entra else ("email",):
        address = _text(claims.get(name)).strip().lower()
        local, _, domain = address.rpartition("@")
        if local and domain and _is_plain(address) and len(address) <= MAX_ADDRESS:
            return address
    return ""


def _check_token(token: Mapping[str, Any], *, provider: Provider, nonce: str, now: float) -> None:
    """Check whose token it is, for whom, and for which departure. Comparisons that fail for NaN refuse."""
    if _text(token.get("iss")).rstrip("/") != provider.issuer:
        raise Refusal(Reason.ISSUER)
    audience, party = token.get("aud"), token.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    if provider.client_id not in audiences or (
        party != provider.client_id and (party is not None or len(audiences) > 1)
    ):
        raise Refusal(Reason.AUDIENCE)
    if not nonce or token.get("nonce") != nonce:
        raise Refusal(Reason.NONCE)
    expires, issued = _number(token.get("exp")), _number(token.get("iat"))
    if expires is None or not now < expires + CLOCKS_DIFFER:
        raise Refusal(Reason.EXPIRED)
    if issued is None or not issued <= now + CLOCKS_DIFFER:
        raise Refusal(Reason.EXPIRED)
    # Not every provider says from when a token is good.
    starts = _number(token["nbf"]) if "nbf" in token else issued
    if starts is None or not starts <= now + CLOCKS_DIFFER:
        raise Refusal(Reason.EXPIRED)
    if provider.organization:
        claim = "tid" if "tid" in token else "hd"
        if _text(token.get(claim)).lower() != provider.organization:
            raise Refusal(Reason.TENANT)


def _took_second_step(token: Mapping[str, Any], provider: Provider) -> bool:
    """Whether a claim says what the operator accepts as a second step."""
    for claim, value in provider.second_step:
        sent = token.get(claim)
        if value in (sent if isinstance(sent, list) else [sent]):
            return True
    return False


def _is_plain(text: str) -> bool:
    """Whether a text has only printable ASCII: a look-alike letter could stand for someone else's address."""
    return text.isascii() and text.isprintable()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """The number that a claim has; None if it has none, or one too large for a time."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
