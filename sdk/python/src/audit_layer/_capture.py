"""One exchange with a provider while it happens. Everything here runs on the caller's path, so it does little."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ._body import BodyBuffer, Decoder
from ._context import Attribution

if TYPE_CHECKING:
    from ._layer import AuditLayer


def new_event_id() -> str:
    """A version 7 UUID (RFC 9562): milliseconds, then random bits from the system, which no fork repeats."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def error_type(error: BaseException) -> str:
    """`timeout`, `cancelled` or `connection`: the same words in every SDK."""
    name = type(error).__name__
    if "Timeout" in name:
        return "timeout"
    if "Cancel" in name or isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
        return "cancelled"
    return "connection"


class Capture:
    """Request, answer and times of one call. `finish` hands it to the layer, once."""

    __slots__ = (
        "_started_ns",
        "attribution",
        "content_type",
        "decoder",
        "duration_ms",
        "error",
        "error_message",
        "event_id",
        "first_chunk_ms",
        "intent_id",
        "interrupted",
        "layer",
        "method",
        "provider",
        "request",
        "response",
        "started_at_ns",
        "state",
        "status",
        "traceparent",
        "url",
    )

    OPEN, CLOSED_EARLY, FINISHED = range(3)

    def __init__(
        self,
        layer: AuditLayer,
        provider: Optional[str],
        method: str,
        url: str,
        attribution: Optional[Attribution],
        traceparent: Optional[str],
    ) -> None:
        limit = layer.settings.max_event_bytes
        self.layer = layer
        self.event_id = new_event_id()
        self.provider = provider
        self.method = method
        self.url = url
        self.attribution: Mapping[str, Any] = attribution.fields if attribution else {}
        self.traceparent = traceparent
        self.intent_id: Optional[str] = None
        self.request = BodyBuffer(limit)
        self.response = BodyBuffer(limit)
        self.status: Optional[int] = None
        self.content_type: Optional[str] = None
        self.decoder: Optional[Decoder] = None
        self.error: Optional[str] = None
        self.error_message: Optional[str] = None
        self.interrupted = False
        self.state = Capture.OPEN
        self.started_at_ns = time.time_ns()
        self._started_ns = time.perf_counter_ns()
        self.first_chunk_ms: Optional[float] = None
        self.duration_ms = 0.0

    def answered(self, status: int, content_type: Optional[str], decoder: Optional[Decoder]) -> None:
        """The answer's head is there."""
        self.status = status
        self.content_type = content_type
        self.decoder = decoder

    def chunk(self, data: bytes) -> None:
        """Bytes of the answer's body, as they are handed to the caller."""
        if self.first_chunk_ms is None:
            self.first_chunk_ms = self._elapsed_ms()
        self.response.add(data)

    def failed(self, error: BaseException) -> None:
        """The call or its stream broke with this error. Its text may hold content and is left out."""
        if self.status is not None:
            self.interrupted = True
        self.error = error_type(error)
        self.error_message = type(error).__name__
        self.finish()

    def closed(self) -> None:
        """The caller is done; when the body had not ended, the event's maker decides whether that broke it off."""
        if self.state == Capture.OPEN:
            self.state = Capture.CLOSED_EARLY
            self._hand_over()

    def finish(self) -> None:
        """The body has ended, or the call failed."""
        if self.state == Capture.OPEN:
            self.state = Capture.FINISHED
            self._hand_over()

    def abandoned(self) -> None:
        """From a destructor, which may run inside any code: only a queue that allows it is touched."""
        if self.state == Capture.OPEN:
            self.state = Capture.CLOSED_EARLY
            self.duration_ms = self._elapsed_ms()
            self.layer.take_orphan(self)

    @property
    def closed_early(self) -> bool:
        """The caller closed the answer before its body had ended."""
        return self.state == Capture.CLOSED_EARLY

    def memory_bytes(self) -> int:
        """What it holds while it waits, roughly."""
        kept = min(self.request.total, self.request.limit) + min(self.response.total, self.response.limit)
        return kept + 2_048

    def _hand_over(self) -> None:
        self.duration_ms = self._elapsed_ms()
        self.layer.take(self)

    def _elapsed_ms(self) -> float:
        return (time.perf_counter_ns() - self._started_ns) / 1e6
