"""Every setting, its default and its limits. Environment variables fill in what is not given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ._errors import ConfigurationError

FAIL_OPEN, FAIL_CLOSED = "fail_open", "fail_closed"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """How an `AuditLayer` behaves."""

    #: Address of the edge without path, e.g. `http://127.0.0.1:8081`. `AUDIT_LAYER_URL`
    url: str = ""
    #: The application's API key. `AUDIT_LAYER_API_KEY`
    api_key: str = ""
    #: The application the key belongs to. `AUDIT_LAYER_APPLICATION`
    application: str = ""
    #: `production`, `staging`, ... `AUDIT_LAYER_ENVIRONMENT`
    environment: Optional[str] = None
    #: `False`, or `AUDIT_LAYER_DISABLED=1`: nothing is recorded and every call goes straight through.
    enabled: bool = True
    #: `fail_open`: calls go on when auditing is impossible. `fail_closed`: no call without an acknowledged intent.
    policy: str = FAIL_OPEN
    #: Name of this process for sequence numbers; random when absent.
    instance: Optional[str] = None
    #: Events that may wait in memory, and their bytes.
    queue_events: int = 10_000
    queue_bytes: int = 64 * MIB
    #: An event is sent no later than this after it was recorded, and in batches of at most so many.
    linger_seconds: float = 1.0
    batch_events: int = 500
    batch_bytes: int = 8 * MIB
    #: Longest event; must not exceed the edge's `limits.event_bytes`. Longer bodies are cut and say so.
    max_event_bytes: int = 4 * MIB
    #: One HTTP request to the edge.
    timeout_seconds: float = 10.0
    #: How long `fail_closed` waits for the intent's acknowledgement.
    intent_seconds: float = 5.0
    #: Back-off between attempts: full jitter below a ceiling that doubles from the first to the longest.
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 30.0
    #: How long the interpreter's exit may wait for deliveries.
    exit_seconds: float = 5.0
    #: Directory for events that cannot be delivered now; survives the process. One per host. `AUDIT_LAYER_SPOOL_DIR`
    spool_dir: Optional[str] = None
    spool_bytes: int = 256 * MIB

    @property
    def fail_closed(self) -> bool:
        """Whether calls need an acknowledged intent."""
        return self.policy == FAIL_CLOSED


_ENVIRONMENT = {
    "url": "AUDIT_LAYER_URL",
    "api_key": "AUDIT_LAYER_API_KEY",
    "application": "AUDIT_LAYER_APPLICATION",
    "environment": "AUDIT_LAYER_ENVIRONMENT",
    "spool_dir": "AUDIT_LAYER_SPOOL_DIR",
    "policy": "AUDIT_LAYER_POLICY",
}
_AT_LEAST_ONE = ("queue_events", "queue_bytes", "batch_events", "batch_bytes", "max_event_bytes", "spool_bytes")
_NOT_NEGATIVE = ("linger_seconds", "exit_seconds", "first_pause_seconds", "longest_pause_seconds")
_POSITIVE = ("timeout_seconds", "intent_seconds")


def settings_from(given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Checked settings. A `ConfigurationError` names the key and the fix; a disabled layer needs none."""
    unknown = set(given) - set(Settings.__dataclass_fields__)
    if unknown:
        raise ConfigurationError(f"unknown setting {sorted(unknown)[0]!r}; see audit_layer.Settings")
    values = {name: value for name, value in given.items() if value is not None}
    for name, variable in _ENVIRONMENT.items():
        if name not in values and environ.get(variable):
            values[name] = environ[variable]
    if environ.get("AUDIT_LAYER_DISABLED", "").strip().lower() in ("1", "true", "yes", "on"):
        values["enabled"] = False
    settings = Settings(**values)
    if settings.enabled:
        _check(settings)
    return settings


def _check(settings: Settings) -> None:
    for name in ("url", "api_key", "application"):
        if not getattr(settings, name):
            raise ConfigurationError(f"{name} is missing; give AuditLayer({name}=...) or set {_ENVIRONMENT[name]}")
    if not settings.url.startswith(("http://", "https://")):
        raise ConfigurationError(f"url does not begin with http:// or https://; {_ENVIRONMENT['url']}=http://host:port")
    if not settings.api_key.isascii() or not settings.api_key.isprintable():
        raise ConfigurationError("api_key holds characters that no header may hold")
    if settings.policy not in (FAIL_OPEN, FAIL_CLOSED):
        raise ConfigurationError(f"policy is {settings.policy!r}; it is fail_open or fail_closed")
    for name in _AT_LEAST_ONE:
        if getattr(settings, name) < 1:
            raise ConfigurationError(f"{name} is less than 1")
    for name in _NOT_NEGATIVE:
        if getattr(settings, name) < 0:
            raise ConfigurationError(f"{name} is negative")
    for name in _POSITIVE:
        if getattr(settings, name) <= 0:
            raise ConfigurationError(f"{name} is not above 0")
