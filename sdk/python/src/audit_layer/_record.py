"""`audit.record(...)`: an event from what the application says, checked as far as a clear error helps."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ._body import fit, text_or_base64
from ._clean import without_credentials
from ._config import Settings
from ._context import checked_fields, merged
from ._errors import ConfigurationError
from ._event import ENVELOPE_STEP, cut_tags, digest, rfc3339

ATTRIBUTION = [
    "environment",
    "decision_type",
    "session_id",
    "user_id",
    "user_email",
    "ip_address",
    "subject",
    "operation",
    "tags",
    "metadata",
    "phi",
    "trace",
]
OWN = ("occurred_at", "provider", "timing", "error", "interrupted")
SIDES = {"request": {"method", "url", "body", "body_base64"}}
SIDES["response"] = {"status", "content_type", "body", "body_base64"}


def recorded_event(settings: Settings, event_id: str, outer: Mapping[str, Any], given: dict[str, Any]) -> bytes:
    """The event's JSON without `source`. `ConfigurationError` names the field that the edge would refuse."""
    unknown = set(given) - set(ATTRIBUTION) - set(OWN) - set(SIDES)
    if unknown:
        raise ConfigurationError(f"unknown field {sorted(unknown)[0]!r}; the event model has none of that name")
    if given.get("request") is None and given.get("response") is None:
        raise ConfigurationError("request and response are both missing; give one of them")
    event: dict[str, Any] = {
        "event_id": event_id,
        "occurred_at": given.get("occurred_at") or rfc3339(time.time_ns()),
        "application": settings.application,
    }
    if settings.environment:
        event["environment"] = settings.environment
    event.update(merged(outer, checked_fields(**{name: given.get(name) for name in ATTRIBUTION})))
    event.update({name: given[name] for name in OWN if given.get(name) is not None and name != "occurred_at"})
    bodies = {}
    for side, known in SIDES.items():
        half = given.get(side)
        if half is None:
            continue
        strange = set(half) - known
        if strange:
            raise ConfigurationError(f"{side} has an unknown field {sorted(strange)[0]!r}; it has {sorted(known)}")
        event[side] = {name: value for name, value in half.items() if name != "body" and value is not None}
        if "url" in event[side]:
            event[side]["url"] = without_credentials(str(event[side]["url"]))
        if half.get("body") is not None:
            bodies[side] = _body(half["body"])
    _place(event, bodies, settings.max_event_bytes)
    try:
        return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"a field is no JSON value: {error}") from None


def _body(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return text_or_base64(bytes(value), False)
    if isinstance(value, str):
        return "body", value
    try:
        return "body", json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"a body is neither text, bytes nor a JSON value: {error}") from None


def _place(event: dict[str, Any], bodies: dict[str, Any], most: int) -> None:
    used = len(json.dumps(event, ensure_ascii=False, default=str).encode("utf-8"))
    budget = max(most - -(-(used + 512) // ENVELOPE_STEP) * ENVELOPE_STEP, 0)
    for side, (key, value) in (fit(bodies, budget) if bodies else bodies).items():
        event[side][key] = value
        whole = bodies[side][1]
        if value != whole:
            data = whole.encode("utf-8")
            event.setdefault("tags", {}).update(cut_tags(side, len(data), digest(data)))
