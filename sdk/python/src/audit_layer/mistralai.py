"""Drop-in for the official `mistralai` clients: `from audit_layer.mistralai import Mistral`."""

from __future__ import annotations

from typing import Any, Optional

try:
    from mistralai import client as _official  # version 2 and later

    _official.Mistral  # noqa: B018
except (ImportError, AttributeError):
    import mistralai as _official

from ._default import default
from ._layer import AuditLayer

__all__ = ["Mistral"]


class Mistral(_official.Mistral):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)
