"""Drop-in for the official `cohere` clients: `from audit_layer.cohere import Client`."""

from __future__ import annotations

from typing import Any, Optional

import cohere as _official

from ._default import default
from ._layer import AuditLayer

__all__ = ["AsyncClient", "AsyncClientV2", "Client", "ClientV2"]


class Client(_official.Client):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class ClientV2(_official.ClientV2):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class AsyncClient(_official.AsyncClient):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class AsyncClientV2(_official.AsyncClientV2):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)
