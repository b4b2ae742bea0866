"""Makes the event's JSON from what was captured. Runs on the delivering thread, never on the caller's path."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Optional

from ._body import decoded, fit, text_or_base64
from ._capture import Capture
from ._clean import host_of, without_credentials
from ._version import NAME, VERSION

# The envelope is rounded up to this, so that the cut does not depend on how long ids and names are.
ENVELOPE_STEP = 64 * 1024
STREAM_TYPES = ("text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream")
# A caller that stops reading here has read everything: providers send nothing after these lines.
END_OF_STREAM = re.compile(
    rb"^(?:data: ?\[DONE\]|event: ?(?:message_stop|message-end|stream-end|response\.(?:completed|incomplete|failed))"
    rb'|\{.*"event_type": ?"stream-end".*\}|\{.*"done": ?true.*\})\r?$',
    re.MULTILINE,
)
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def rfc3339(nanoseconds: int) -> str:
    """UTC with microseconds."""
    moment = datetime.fromtimestamp(nanoseconds // 1_000_000_000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 1_000 % 1_000_000:06d}Z"


def source(instance: str, epoch: int, sequence: int) -> dict[str, Any]:
    """Which instance of this SDK sends, and the event's number there."""
    return {"sdk": NAME, "version": VERSION, "instance": instance, "epoch": epoch, "sequence": sequence}


def trace_of(traceparent: Optional[str]) -> Optional[dict[str, str]]:
    """The W3C trace context that the application sent along, if it did."""
    found = _TRACEPARENT.match(traceparent or "")
    return {"trace_id": found.group(1), "span_id": found.group(2)} if found else None


def captured_event(capture: Capture, numbered: Mapping[str, Any]) -> bytes:
    """One line of JSON, at most `max_event_bytes` long; bodies are cut to fit, with their length and digest in tags."""
    settings = capture.layer.settings
    event = envelope(capture, numbered)
    bodies: dict[str, tuple[str, str]] = {}
    tags: dict[str, str] = dict(event.get("tags", {}))
    interrupted = capture.interrupted
    if capture.request.total:
        bodies["request"] = text_or_base64(capture.request.kept(), not capture.request.whole)
    response, went_through = decoded(capture.response, capture.decoder)
    if response.total:
        bodies["response"] = text_or_base64(response.kept(), not (went_through and response.whole))
    if capture.closed_early:
        interrupted = interrupted or not END_OF_STREAM.search(response.kept())
    if interrupted:
        event["interrupted"] = True
    used = len(json.dumps(event, ensure_ascii=False).encode("utf-8"))
    budget = max(settings.max_event_bytes - -(-(used + 512) // ENVELOPE_STEP) * ENVELOPE_STEP, 0)
    fitted = fit(bodies, budget) if bodies else bodies
    buffers = {"request": capture.request, "response": response}
    for side, (key, value) in fitted.items():
        event[side][key] = value
        buffer = buffers[side]
        if value != bodies[side][1] or not buffer.whole:
            tags.update(cut_tags(side, buffer.total, buffer.sha256() or digest(buffer.kept())))
    if tags:
        event["tags"] = tags
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def cut_tags(side: str, total: int, digest: str) -> dict[str, str]:
    return {f"aal.{side}.bytes": str(total), f"aal.{side}.sha256": digest}


def envelope(capture: Capture, numbered: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the bodies."""
    settings = capture.layer.settings
    url = without_credentials(capture.url)
    started_at = rfc3339(capture.started_at_ns)
    event: dict[str, Any] = {
        "event_id": capture.event_id,
        "occurred_at": started_at,
        "application": settings.application,
        "provider": capture.provider or host_of(url) or "unknown",
        "request": {"method": capture.method, "url": url},
    }
    if settings.environment:
        event["environment"] = settings.environment
    event.update(capture.attribution)
    if capture.status is not None:
        event["response"] = {"status": capture.status}
        if capture.content_type:
            event["response"]["content_type"] = capture.content_type[:512]
    event["timing"] = _timing(capture, started_at)
    if capture.error:
        event["error"] = {"type": capture.error, "message": capture.error_message}
    trace = trace_of(capture.traceparent)
    if trace and "trace" not in event:
        event["trace"] = trace
    if capture.intent_id:
        event["tags"] = {**event.get("tags", {}), "aal.intent": capture.intent_id}
    event["source"] = dict(numbered)
    return event


def _timing(capture: Capture, started_at: str) -> dict[str, Any]:
    timing: dict[str, Any] = {"started_at": started_at, "duration_ms": round(capture.duration_ms, 3)}
    content_type = (capture.content_type or "").split(";")[0].strip().lower()
    if content_type in STREAM_TYPES and capture.first_chunk_ms is not None:
        timing["first_token_ms"] = round(capture.first_chunk_ms, 3)
    return timing


def intent_event(capture: Capture, numbered: Mapping[str, Any], intent_id: str) -> bytes:
    """`fail_closed`: what is about to be asked, recorded before it is asked. Its tag says what it is."""
    settings = capture.layer.settings
    event = envelope(capture, numbered)
    event["event_id"] = intent_id
    del event["timing"]
    tags = {key: value for key, value in event.get("tags", {}).items() if key != "aal.intent"}
    tags["aal.capture"] = "intent"
    if capture.request.total:
        key, value = text_or_base64(capture.request.kept(), not capture.request.whole)
        budget = settings.max_event_bytes - 2 * ENVELOPE_STEP
        fitted = fit({"request": (key, value)}, budget)["request"][1]
        event["request"][key] = fitted
        if fitted != value or not capture.request.whole:
            whole = capture.request.sha256() or digest(capture.request.kept())
            tags.update(cut_tags("request", capture.request.total, whole))
    event["tags"] = tags
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
