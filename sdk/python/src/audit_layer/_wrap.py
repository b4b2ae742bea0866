"""Finds the HTTP transport of a client and puts the auditing one around it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Optional

from ._errors import WrapError
from ._transport import AsyncAuditTransport, AsyncCapture, AuditTransport, SyncCapture

if TYPE_CHECKING:
    from ._layer import AuditLayer

# Where the official clients keep their httpx clients: openai, anthropic, groq; cohere; mistralai; google-genai.
HTTP_CLIENT_PATHS: tuple[tuple[str, ...], ...] = (
    ("_client",),
    ("_client_wrapper", "httpx_client", "httpx_client"),
    ("sdk_configuration", "client"),
    ("sdk_configuration", "async_client"),
    ("_api_client", "_httpx_client"),
    ("_api_client", "_async_httpx_client"),
)
# OpenTelemetry GenAI names by the class or package that a client comes from; the first that fits.
PROVIDERS = (
    ("openai", "Azure", "azure"),
    ("anthropic", "Bedrock", "aws.bedrock"),
    ("anthropic", "Vertex", "gcp.vertex_ai"),
    ("anthropic", "Foundry", "azure"),
    ("openai", "", "openai"),
    ("anthropic", "", "anthropic"),
    ("mistralai", "", "mistral"),
    ("groq", "", "groq"),
    ("cohere", "", "cohere"),
    ("google", "", "gcp.gemini"),
)
HINT = (
    "wrap takes the openai, anthropic, mistralai, groq and cohere clients, httpx clients and requests sessions; "
    "for others give their HTTP client an AuditTransport, or use audit.record(...)"
)


def wrap(layer: AuditLayer, client: Any, provider: Optional[str]) -> Any:
    """See `AuditLayer.wrap`."""
    if isinstance(client, type):
        raise WrapError(f"{client.__name__} is a class, not a client; make the client first. {HINT}")
    if _is_requests_session(client):
        from ._requests import wrap_session

        return wrap_session(layer, client, provider)
    http_clients = _http_clients(client)
    if not http_clients:
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise WrapError(f"no HTTP transport was found in {kind}. {HINT}")
    name = provider or provider_of(client)
    for http_client in http_clients:
        _wrap_http_client(layer, http_client, name)
    return client


def audited(layer: AuditLayer, inner: Any, provider: Optional[str]) -> Any:
    """An auditing transport of the same family and kind as `inner`."""
    if isinstance(inner, (SyncCapture, AsyncCapture)):
        if inner.audit_layer is not layer:
            raise WrapError("this client is already recorded by another AuditLayer; wrap it once")
        return inner
    family, name = _base_of(inner, ("BaseTransport", "AsyncBaseTransport"))
    # A transport of one's own need not derive from httpx's classes; having the method is enough.
    synchronous = name == "BaseTransport" or (name is None and hasattr(inner, "handle_request"))
    if name is None and not synchronous and not hasattr(inner, "handle_async_request"):
        raise WrapError(f"{type(inner).__module__}.{type(inner).__qualname__} is no httpx transport. {HINT}")
    if family == "httpx2":
        from . import _httpx2

        return (_httpx2.AuditTransport if synchronous else _httpx2.AsyncAuditTransport)(layer, inner, provider)
    return (AuditTransport if synchronous else AsyncAuditTransport)(layer, inner, provider)


def provider_of(client: Any) -> Optional[str]:
    """The provider that a client's class stands for; `None` when only its addresses tell."""
    for kind in type(client).__mro__:
        package = kind.__module__.split(".")[0]
        for wanted, part, name in PROVIDERS:
            if package == wanted and part in kind.__name__:
                return name
    return None


def _http_clients(client: Any) -> list[Any]:
    if _base_of(client, ("Client", "AsyncClient"))[1]:
        return [client]
    found = []
    for path in HTTP_CLIENT_PATHS:
        value = client
        for step in path:
            value = getattr(value, step, None)
        if value is not None and _base_of(value, ("Client", "AsyncClient"))[1]:
            found.append(value)
    return found


def _wrap_http_client(layer: AuditLayer, http_client: Any, provider: Optional[str]) -> None:
    if not hasattr(http_client, "_transport") or not isinstance(getattr(http_client, "_mounts", None), dict):
        raise WrapError(f"{type(http_client).__name__} keeps its transport where this version does not look. {HINT}")
    # All are made before any is put in place, so that a refusal leaves the client as it was.
    transport = audited(layer, http_client._transport, provider)
    mounts = {
        pattern: mounted if mounted is None else audited(layer, mounted, provider)
        for pattern, mounted in http_client._mounts.items()
    }
    http_client._transport = transport
    http_client._mounts = mounts


def _base_of(value: Any, names: tuple[str, ...]) -> tuple[Optional[str], Optional[str]]:
    """Family and base class of an httpx object. By `isinstance`: openai re-labels the `__module__` of such classes."""
    for family in ("httpx", "httpx2"):
        module = sys.modules.get(family)
        for name in names if module is not None else ():
            if isinstance(value, getattr(module, name)):
                return family, name
    return None, None


def _is_requests_session(value: Any) -> bool:
    return any(
        kind.__module__.split(".")[0] == "requests" and kind.__name__ == "Session" for kind in type(value).__mro__
    )
