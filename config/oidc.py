"""The provider of single sign-on that the operator names, as the settings describe it. Imports no Django."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

NAME = "single sign-on"
"""What people call the provider if the operator gives no name. Pages show no link to one without a name."""
MICROSOFT = {
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.windows.net",
    "sts.windows.net",
}
"""The hosts of Microsoft Entra ID, of all its clouds and versions."""
GOOGLE = "accounts.google.com"
FOR_MANY = {"common", "organizations", "consumers", "{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad"}
"""What Microsoft's addresses have instead of one tenant. The last is the tenant of all personal accounts."""
WELL_KNOWN = "/.well-known/openid-configuration"
STEP_CLAIMS = ("amr", "acr", "acrs")
"""The claims in which providers name how someone signed in; `acrs` is Entra's for authentication contexts."""
ONE_FACTOR = {("amr", "pwd"), ("amr", "pin"), ("amr", "wia"), ("acr", "0"), ("acr", "1")}
"""Values that do not say that there was a second step."""

_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENTRA_PATH = re.compile(rf"/({_TENANT.pattern})/v2\.0", re.IGNORECASE)


class ProviderFault(ValueError):
    """The settings do not name one provider; the message says why, and what to write."""


@dataclass(frozen=True)
class Provider:
    """The one provider that the portal trusts.

    `issuer` has no slash at the end. `organization` is the tenant (Entra) or domain (Google) that people must belong
    to, in lower case; empty if the issuer has only one. `second_step` has pairs of a claim and a value that say that
    someone took a second step. With `only`, people sign in by single sign-on only.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = NAME
    organization: str = ""
    is_entra: bool = False
    second_step: frozenset[tuple[str, str]] = frozenset()
    only: bool = False


def provider_of(
    *,
    server_url: str,
    client_id: str,
    client_secret: str,
    name: str = "",
    organization: str = "",
    second_step: str = "",
    only: bool = False,
) -> Provider:
    """The provider that the OIDC_… settings name. Raises ProviderFault, in words for the operator."""
    issuer = server_url.strip().removesuffix(WELL_KNOWN).rstrip("/")
    organization = organization.strip().lower()
    if fault := _address_fault(issuer):
        raise ProviderFault(f"OIDC_SERVER_URL {fault}")
    for setting, value in (("OIDC_CLIENT_ID", client_id), ("OIDC_CLIENT_SECRET", client_secret)):
        if not value.strip():
            raise ProviderFault(f"{setting} is empty. Set it to what the provider gave you for the portal.")
    host, path = urlsplit(issuer).hostname or "", urlsplit(issuer).path
    is_entra = host in MICROSOFT
    if is_entra:
        tenant = _ENTRA_PATH.fullmatch(path)
        if not tenant:
            raise ProviderFault(
                "OIDC_SERVER_URL must name your tenant by its ID, as in "
                "https://login.microsoftonline.com/<Directory (tenant) ID>/v2.0."
            )
        if organization not in ("", tenant[1].lower()):
            raise ProviderFault(
                "OIDC_ORGANIZATION is not the tenant in OIDC_SERVER_URL. With Microsoft Entra ID, leave it out."
            )
        organization, issuer = tenant[1].lower(), issuer.lower()
    elif host == GOOGLE and not organization:
        raise ProviderFault(
            "OIDC_ORGANIZATION is not set, and Google's server signs in everybody. Set it to the domain of your "
            "Google Workspace, such as example.ca."
        )
    return Provider(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        name=name.strip() or NAME,
        organization=organization,
        is_entra=is_entra,
        second_step=_steps(second_step),
        only=only,
    )


def _address_fault(issuer: str) -> str:
    """What is wrong with the server's address, in words; empty if nothing is."""
    try:
        parts = urlsplit(issuer)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "is not a URL. Write it like https://login.example.ca/city."
    first = parts.path.lstrip("/").partition("/")[0].lower()
    if "{tenantid}" in issuer.lower() or first in FOR_MANY:
        return (
            "is the address for many organizations, so anyone could sign in from their own. "
            "Name your tenant by its ID, as in https://login.microsoftonline.com/<Directory (tenant) ID>/v2.0."
        )
    if not host or parts.query or parts.fragment or parts.username is not None:
        return "is not the URL of a server. Write it like https://login.example.ca/city."
    if parts.scheme != "https" and not (parts.scheme == "http" and host in ("localhost", "127.0.0.1")):
        return "must begin with https://, because the portal sends it a secret."
    return ""


def _steps(text: str) -> frozenset[tuple[str, str]]:
    """Read OIDC_SECOND_STEP: pairs like amr:mfa, separated by commas."""
    steps = set()
    for pair in filter(None, (part.strip() for part in text.split(","))):
        claim, colon, value = pair.partition(":")
        if claim not in STEP_CLAIMS or not colon or not value:
            raise ProviderFault(
                f"OIDC_SECOND_STEP has “{pair}”. Write each as a claim and its value, such as amr:mfa. "
                f"The claim is one of {', '.join(STEP_CLAIMS)}."
            )
        steps.add((claim, value))
    return frozenset(steps)
