"""What a token may say for its person to be let in, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from assessments.oidc.claims import Identity, Reason, Refusal, read_identity
from config.oidc import Provider

NOW = 1_800_000_000
TENANT = "3f1b0c52-9d7e-4c1a-8a55-0d1f2f3a4b5c"
ENTRA = Provider(
    issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0",
    client_id="portal",
    client_secret="x",
    organization=TENANT,
    is_entra=True,
)
OKTA = Provider(issuer="https://city.okta.com", client_id="portal", client_secret="x")
GOOGLE = Provider(
    issuer="https://accounts.google.com", client_id="portal", client_secret="x", organization="city.ca"
)
TOKEN = {"aud": "portal", "nonce": "n", "iat": NOW - 5, "exp": NOW + 3600, "sub": "AAAAbc-12", "name": "Ana"}
FROM_ENTRA = TOKEN | {
    "iss": ENTRA.issuer,
    "tid": TENANT,
    "oid": "0D1F2F3A-0000-4C1A-8A55-3F1B0C529D7E",
    "preferred_username": "Ana.Silva@City.ca",
    "ver": "2.0",
}
FROM_OKTA = TOKEN | {
    "iss": OKTA.issuer,
    "email": "ana@city.ca",
    "email_verified": True,
    "amr": ["mfa", "pwd"],
    "preferred_username": "someone@city.ca",
}
FROM_GOOGLE = TOKEN | {
    "iss": GOOGLE.issuer,
    "email": "ana@city.ca",
    "email_verified": True,
    "hd": "city.ca",
    "azp": "portal",
}
WITHOUT = object()
"""A claim that is not sent."""


def read(token: dict[str, Any], provider: Provider, **how: Any) -> Identity:
    sent = {name: value for name, value in token.items() if value is not WITHOUT}
    return read_identity(sent, provider=provider, nonce="n", now=NOW, **how)


def refusal_of(token: dict[str, Any], provider: Provider, **how: Any) -> Reason | None:
    try:
        read(token, provider, **how)
    except Refusal as refusal:
        return refusal.reason
    return None


def test_the_tokens_of_entra_okta_and_google_name_their_person():
    entra = read(FROM_ENTRA, ENTRA)
    assert entra == Identity(
        issuer=ENTRA.issuer,
        subject="AAAAbc-12",
        tenant=TENANT,
        object_id="0d1f2f3a-0000-4c1a-8a55-3f1b0c529d7e",
        address="ana.silva@city.ca",
        name="Ana",
    )
    assert read(FROM_OKTA, OKTA).address == read(FROM_GOOGLE, GOOGLE).address == "ana@city.ca"


@pytest.mark.parametrize(
    ("claim", "value", "reason"),
    [
        ("iss", "https://login.microsoftonline.com/common/v2.0", Reason.ISSUER),
        ("iss", f"https://evil.example/{TENANT}/v2.0", Reason.ISSUER),
        ("iss", WITHOUT, Reason.ISSUER),
        ("iss", [ENTRA.issuer], Reason.ISSUER),
        ("iss", f"{ENTRA.issuer}/", None),
        ("aud", "another", Reason.AUDIENCE),
        ("aud", WITHOUT, Reason.AUDIENCE),
        ("aud", ["portal"], None),
        ("aud", ["portal", "another"], Reason.AUDIENCE),
        ("azp", "another", Reason.AUDIENCE),
        ("azp", "portal", None),
        ("nonce", "another", Reason.NONCE),
        ("nonce", WITHOUT, Reason.NONCE),
        ("nonce", "", Reason.NONCE),
        ("exp", NOW - 60, Reason.EXPIRED),
        ("exp", NOW - 59, None),
        ("exp", WITHOUT, Reason.EXPIRED),
        ("exp", str(NOW + 60), Reason.EXPIRED),
        ("exp", float("nan"), Reason.EXPIRED),
        pytest.param("exp", 10**400, Reason.EXPIRED, id="exp-of-400-digits"),
        ("nbf", NOW + 60, None),
        ("nbf", NOW + 61, Reason.EXPIRED),
        ("nbf", "now", Reason.EXPIRED),
        ("iat", NOW + 60, None),
        ("iat", NOW + 61, Reason.EXPIRED),
        ("iat", True, Reason.EXPIRED),
        ("tid", "11111111-9d7e-4c1a-8a55-0d1f2f3a4b5c", Reason.TENANT),
        ("tid", WITHOUT, Reason.TENANT),
        ("tid", TENANT.upper(), None),
        ("sub", WITHOUT, Reason.SUBJECT),
        ("sub", "", Reason.SUBJECT),
        ("sub", 12, Reason.SUBJECT),
        ("sub", "a" * 191, None),
        ("sub", "a" * 192, Reason.SUBJECT),
        ("sub", "a\x00b", Reason.SUBJECT),
        ("sub", "é", Reason.SUBJECT),
    ],
)
def test_a_token_is_for_this_portal_this_departure_and_this_tenant_or_is_refused(claim, value, reason):
    assert refusal_of(FROM_ENTRA | {claim: value}, ENTRA) == reason


@pytest.mark.parametrize(
    ("hd", "reason"),
    [("city.ca", None), ("City.CA", None), ("other.ca", Reason.TENANT), (WITHOUT, Reason.TENANT)],
)
def test_google_signs_in_the_people_of_one_domain(hd, reason):
    assert refusal_of(FROM_GOOGLE | {"hd": hd}, GOOGLE) == reason


@pytest.mark.parametrize("claim", ["email_verified", "xms_edov"])
@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (WITHOUT, True),
        (None, True),
        (True, True),
        ("true", True),
        (1, True),
        ("1", True),
        (False, False),
        ("false", False),
        (0, False),
        ("0", False),
        ("no", False),
        ("", False),
        ([True], False),
    ],
)
def test_an_address_counts_unless_the_provider_says_that_it_is_unverified(claim, value, counts):
    for token, provider in ((FROM_ENTRA, ENTRA), (FROM_OKTA, OKTA)):
        reason = refusal_of(token | {claim: value}, provider)
        assert reason == (None if counts else Reason.ADDRESS_UNVERIFIED)


@pytest.mark.parametrize(
    ("claims", "address"),
    [
        ({"email": " Ana@City.CA "}, "ana@city.ca"),
        ({"email": WITHOUT}, "ana.silva@city.ca"),
        ({"email": "", "preferred_username": "asilva"}, ""),
        ({"email": None, "preferred_username": WITHOUT}, ""),
        ({"email": ["ana@city.ca"], "preferred_username": WITHOUT}, ""),
        ({"email": "@city.ca", "preferred_username": "ana@"}, ""),
        ({"email": "аna@city.ca", "preferred_username": WITHOUT}, ""),
        ({"email": "ana\n@city.ca", "preferred_username": WITHOUT}, ""),
        ({"email": f"{'a' * 247}@city.ca", "preferred_username": WITHOUT}, ""),
    ],
)
def test_entras_address_is_the_email_or_else_the_sign_in_name(claims, address):
    assert read(FROM_ENTRA | claims, ENTRA).address == address


def test_elsewhere_a_sign_in_name_is_no_address_since_people_may_choose_it():
    assert read(FROM_OKTA | {"email": WITHOUT}, OKTA).address == ""


def test_what_userinfo_adds_is_of_the_same_subject_or_is_refused():
    token = FROM_OKTA | {"email": WITHOUT, "email_verified": WITHOUT}
    userinfo = {"sub": TOKEN["sub"], "email": "ana@city.ca"}
    assert read(token, OKTA, userinfo=userinfo).address == "ana@city.ca"
    for other in ({**userinfo, "sub": "another"}, {"email": "ana@city.ca"}):
        assert refusal_of(token, OKTA, userinfo=other) == Reason.SUBJECT_DIFFERS
    denied = {**userinfo, "email_verified": False}
    assert refusal_of(token, OKTA, userinfo=denied) == Reason.ADDRESS_UNVERIFIED


@pytest.mark.parametrize(
    ("accepted", "claims", "took"),
    [
        ((), {"amr": ["mfa", "pwd"]}, False),
        ((("amr", "mfa"),), {"amr": ["mfa", "pwd"]}, True),
        ((("amr", "mfa"),), {"amr": "mfa"}, True),
        ((("amr", "mfa"),), {"amr": ["pwd"]}, False),
        ((("amr", "mfa"),), {"amr": WITHOUT}, False),
        ((("amr", "mfa"),), {"amr": {"mfa": True}}, False),
        ((("amr", "mfa"),), {"amr": ["mfax"], "acr": "mfa"}, False),
        ((("amr", "hwk"), ("acr", "urn:city:2")), {"acr": "urn:city:2"}, True),
        ((("acrs", "c1"),), {"acrs": ["c1"]}, True),
    ],
)
def test_a_second_step_counts_where_the_operator_names_the_claim(accepted, claims, took):
    provider = replace(OKTA, second_step=frozenset(accepted))
    assert read(FROM_OKTA | claims, provider).took_second_step is took


@pytest.mark.parametrize(
    ("auth_time", "proven"),
    [
        (WITHOUT, False),
        (None, False),
        (True, False),
        (str(NOW), False),
        (NOW - 100, True),
        (NOW - 160, True),
        (NOW - 161, False),
        (0, False),
        (NOW + 60, True),
        (NOW + 61, False),
        (float("nan"), False),
    ],
)
def test_someone_was_asked_just_then_if_auth_time_says_so(auth_time, proven):
    identity = read(FROM_ENTRA | {"auth_time": auth_time}, ENTRA)
    assert identity.proven_since(NOW - 100, now=NOW) is proven
