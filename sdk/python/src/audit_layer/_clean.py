"""Credentials in a provider's address never enter an event. The edge removes them, too: `ingest/src/clean.rs`."""

from __future__ import annotations

from typing import Optional
from urllib.parse import unquote

CREDENTIAL_PARAMETERS = frozenset(
    [
        "access_key",
        "access_token",
        "api-key",
        "api_key",
        "apikey",
        "auth",
        "authorization",
        "client_secret",
        "code",
        "key",
        "password",
        "secret",
        "sig",
        "signature",
        "subscription-key",
        "token",
        "x-api-key",
    ]
)
SIGNED_PREFIXES = ("x-amz-", "x-goog-", "x-oss-")


def without_credentials(url: str) -> str:
    """The address without user-info, credential parameters and credentials in the fragment."""
    rest, hash_mark, fragment = url.partition("#")
    address, _, query = rest.partition("?")
    cleaned = _without_user_info(address)
    kept_query = _kept(query)
    if kept_query:
        cleaned += "?" + kept_query
    kept_fragment = _kept(fragment) if hash_mark else ""
    if kept_fragment:
        cleaned += "#" + kept_fragment
    return cleaned


def _without_user_info(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    ends = [at for at in (rest.find("/"), rest.find("\\")) if at >= 0]
    authority_end = min(ends, default=len(rest))
    at = rest.rfind("@", 0, authority_end)
    return address if at < 0 else f"{scheme}://{rest[at + 1 :]}"


def _kept(parameters: str) -> str:
    if not parameters:
        return ""
    return "&".join(part for part in parameters.split("&") if not _is_credential(part))


def _is_credential(parameter: str) -> bool:
    name, separator, _ = parameter.partition("=")
    if not separator:
        return False
    name = unquote(name).lower()
    return name in CREDENTIAL_PARAMETERS or name.startswith(SIGNED_PREFIXES)


def host_of(url: str) -> Optional[str]:
    """The lower-case host of an address; `None` when it has none."""
    _, separator, rest = _without_user_info(url).partition("://")
    if not separator:
        return None
    authority = rest.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    if authority.startswith("["):
        return authority.partition("]")[0].lstrip("[").lower() or None
    return authority.partition(":")[0].lower() or None
