"""The settings of single sign-on: one issuer, named in full, or words that say what to write."""

from typing import Any

import pytest

from config.oidc import Provider, ProviderFault, provider_of
from tests.config.test_settings import fault_of, settings_of

TENANT = "3f1b0c52-9d7e-4c1a-8a55-0d1f2f3a4b5c"
ENTRA = f"https://login.microsoftonline.com/{TENANT}/v2.0"
GOOGLE = "https://accounts.google.com"


def named(server_url: str, **more: object) -> Provider:
    return provider_of(server_url=server_url, client_id="portal", client_secret="hush", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("server_url", "words"),
    [
        *[
            (f"https://login.microsoftonline.com/{many}/v2.0", "many organizations")
            for many in ("common", "Organizations", "consumers", "{tenantid}")
        ],
        ("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "many organizations"),
        ("https://login.microsoftonline.com/city.onmicrosoft.com/v2.0", "tenant by its ID"),
        (f"https://login.microsoftonline.com/{TENANT}", "tenant by its ID"),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0/more", "tenant by its ID"),
        (f"https://sts.windows.net/{TENANT}", "tenant by its ID"),
        ("https://login.microsoftonline.com", "tenant by its ID"),
        ("http://login.example.ca", "must begin with https://"),
        ("login.example.ca", "is not the URL of a server"),
        ("https://", "is not the URL of a server"),
        ("https://user@login.example.ca", "is not the URL of a server"),
        ("https://login.example.ca?x=1", "is not the URL of a server"),
        ("https://login.example.ca:port", "is not a URL"),
        ("https://[login.example.ca", "is not a URL"),
    ],
)
def test_an_address_that_does_not_name_one_issuer_is_refused_in_words(server_url, words):
    with pytest.raises(ProviderFault, match=words):
        named(server_url)


@pytest.mark.parametrize(
    ("server_url", "issuer"),
    [
        (ENTRA, ENTRA),
        (f"{ENTRA}/.well-known/openid-configuration", ENTRA),
        ("https://city.okta.com/oauth2/default/", "https://city.okta.com/oauth2/default"),
        ("https://id.example.ca/realms/common", "https://id.example.ca/realms/common"),
        ("http://localhost:9400", "http://localhost:9400"),
    ],
)
def test_an_address_names_the_issuer(server_url, issuer):
    assert named(server_url).issuer == issuer


def test_entra_has_the_tenant_in_its_address_and_google_needs_its_domain():
    provider = named(f"https://login.microsoftonline.com/{TENANT.upper()}/v2.0")
    assert (provider.organization, provider.issuer) == (TENANT, ENTRA)
    with pytest.raises(ProviderFault, match="OIDC_ORGANIZATION is not the tenant"):
        named(ENTRA, organization="city.ca")
    with pytest.raises(ProviderFault, match="OIDC_ORGANIZATION is not set"):
        named(GOOGLE)
    assert named(GOOGLE, organization=" City.ca").organization == "city.ca"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_that_is_left_empty_is_single_sign_on(name):
    # Without a name, no page would offer it.
    assert named(ENTRA, name=name).name == "single sign-on"
    assert named(ENTRA, name=" City account ").name == "City account"


@pytest.mark.parametrize("missing", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_an_empty_number_or_secret_is_refused(missing):
    sent: dict[str, Any] = {"client_id": "portal", "client_secret": "hush"}
    sent[missing.removeprefix("OIDC_").lower()] = " "
    with pytest.raises(ProviderFault, match=f"{missing} is empty"):
        provider_of(server_url=ENTRA, **sent)


@pytest.mark.parametrize("text", ["mfa", "amr:", "amr", "sub:ana", "amr:mfa, acr"])
def test_a_second_step_that_cannot_be_read_is_refused(text):
    with pytest.raises(ProviderFault, match="OIDC_SECOND_STEP"):
        named(ENTRA, second_step=text)


def test_a_second_step_is_a_claim_and_its_value():
    steps = named(ENTRA, second_step=" amr:mfa, acr:urn:city:2 ,").second_step
    assert steps == {("amr", "mfa"), ("acr", "urn:city:2")}


def test_the_environment_turns_it_on_and_half_of_it_is_refused_at_the_start():
    half = {"DEBUG": "true", "OIDC_SERVER_URL": ENTRA}
    assert "OIDC_CLIENT_ID" in fault_of(**half)
    many = half | {"OIDC_SERVER_URL": ENTRA.replace(TENANT, "common"), "OIDC_CLIENT_ID": "portal"}
    assert "many organizations" in fault_of(**many, OIDC_CLIENT_SECRET="hush")
    assert "OIDC_SERVER_URL is not" in fault_of(DEBUG="true", OIDC_ONLY="true")
    assert settings_of(DEBUG="true", OIDC_ONLY="false")["OIDC"] is None
    whole = half | {"OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "hush", "OIDC_NAME": "City account"}
    provider = settings_of(**whole, OIDC_ONLY="true", OIDC_SECOND_STEP="acrs:c1")["OIDC"]
    assert (provider.issuer, provider.name, provider.only) == (ENTRA, "City account", True)
    assert provider.second_step == {("acrs", "c1")}
    assert "hush" not in repr(provider)
