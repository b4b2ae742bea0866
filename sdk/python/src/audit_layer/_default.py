"""The layer that the drop-in classes use: made once, from environment variables or by `configure`."""

from __future__ import annotations

import threading
from typing import Any, Optional

from ._layer import AuditLayer

_lock = threading.Lock()
_layer: Optional[AuditLayer] = None


def configure(**settings: Any) -> AuditLayer:
    """Makes the layer of the drop-in classes; the one before, if any, is closed."""
    global _layer
    with _lock:
        before, _layer = _layer, AuditLayer(**settings)
    if before is not None:
        before.close()
    return _layer


def default() -> AuditLayer:
    """The layer of the drop-in classes. `ConfigurationError` names the environment variable that is missing."""
    global _layer
    with _lock:
        if _layer is None:
            _layer = AuditLayer()
        return _layer
