"""Drop-in for the official `openai` clients: `from audit_layer.openai import OpenAI`."""

from __future__ import annotations

from typing import Any, Optional

import openai as _official

from ._default import default
from ._layer import AuditLayer

__all__ = ["AsyncAzureOpenAI", "AsyncOpenAI", "AzureOpenAI", "OpenAI"]


class OpenAI(_official.OpenAI):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class AsyncOpenAI(_official.AsyncOpenAI):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class AzureOpenAI(_official.AzureOpenAI):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)


class AsyncAzureOpenAI(_official.AsyncAzureOpenAI):  # type: ignore[misc]
    """The official client; `audit` is the layer that records it, by default the one from the environment."""

    def __init__(self, *args: Any, audit: Optional[AuditLayer] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        (audit or default()).wrap(self)
