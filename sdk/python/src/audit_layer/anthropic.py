"""Drop-in for the official `anthropic` clients: `from audit_layer.anthropic import Anthropic`."""

from __future__ import annotations

from typing import Any, Optional

import anthropic as _official

from ._default import default
from ._layer import AuditLayer

__all__ = ["Anthropic", "AsyncAnthropic"]


class Anthropic(_official.Anthropic):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class AsyncAnthropic(_official.AsyncAnthropic):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)
