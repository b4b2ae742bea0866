"""Drop-in for the official `groq` clients: `from audit_layer.groq import Groq`."""

from __future__ import annotations

from typing import Any, Optional

import groq as _official

from ._default import default
from ._layer import AuditLayer

__all__ = ["AsyncGroq", "Groq"]


class Groq(_official.Groq):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class AsyncGroq(_official.AsyncGroq):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)
