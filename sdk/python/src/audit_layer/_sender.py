"""HTTP to the edge: what each answer means for each event."""

from __future__ import annotations

# httpx and the socket module import these when they first need them. On the delivering thread that would hold an
# import lock, and a child forked at that moment could never import them.
import encodings.idna  # noqa: F401
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import httpcore  # noqa: F401
import httpx

from . import _tls
from ._config import Settings
from ._queue import EVENTS_PATH
from ._version import NAME, VERSION

TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
# The whole request was turned away for a reason that an operator can mend; the events are not at fault.
MENDABLE = TRANSIENT | frozenset((401, 403, 404))


@dataclass(frozen=True)
class Line:
    """One JSON document for one path of the edge. `size` is what it held in the queue."""

    body: bytes
    size: int
    path: str = EVENTS_PATH
    key: Optional[str] = None


@dataclass
class Sent:
    """What became of a batch: the rest is to be tried again."""

    delivered: list[Line] = field(default_factory=list)
    refused: list[Line] = field(default_factory=list)
    again: list[Line] = field(default_factory=list)
    #: The batch was larger than the edge takes.
    too_large: bool = False
    retry_after: float = 0.0
    problem: str = ""


class Sender:
    """A connection to one edge. Not thread-safe: the delivering thread has one, each intent another."""

    def __init__(self, settings: Settings, timeout: Optional[float] = None) -> None:
        self._settings = settings
        self._http = httpx.Client(
            base_url=settings.url.rstrip("/"),
            headers={"authorization": f"Bearer {settings.api_key}", "user-agent": f"{NAME}/{VERSION}"},
            timeout=timeout if timeout is not None else settings.timeout_seconds,
            # A proxy from the environment must not see what is being audited.
            trust_env=False,
            # Its own choice would also import packages on the delivering thread.
            verify=_tls.context(),
        )

    def send(self, lines: Sequence[Line]) -> Sent:
        """One request. Never raises: what went wrong is in the result."""
        try:
            return self._send(lines)
        except Exception as error:
            return Sent(again=list(lines), problem=type(error).__name__)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _send(self, lines: Sequence[Line]) -> Sent:
        first = lines[0]
        if first.path != EVENTS_PATH:
            return self._send_single(first)
        body = b"\n".join(line.body for line in lines) + b"\n"
        response = self._http.post(EVENTS_PATH, content=body, headers={"content-type": "application/x-ndjson"})
        if response.status_code == 207:
            return _by_item(lines, response.content)
        return _as_a_whole(lines, response)

    def _send_single(self, line: Line) -> Sent:
        headers = {"content-type": "application/json"}
        if line.key:
            headers["idempotency-key"] = line.key
        response = self._http.post(line.path, content=line.body, headers=headers)
        if response.status_code == 201:
            return Sent(delivered=[line])
        return _as_a_whole([line], response)


def _as_a_whole(lines: Sequence[Line], response: httpx.Response) -> Sent:
    problem = f"status {response.status_code}"
    if response.status_code in MENDABLE or response.status_code < 400:
        return Sent(again=list(lines), retry_after=_retry_after(response), problem=problem)
    if response.status_code == 413 and len(lines) > 1:
        return Sent(again=list(lines), too_large=True, problem=problem)
    if len(lines) > 1:
        # One bad line must not take the others with it: each is asked about by itself.
        return Sent(again=list(lines), too_large=True, problem=problem)
    return Sent(refused=list(lines), problem=problem)


def _by_item(lines: Sequence[Line], content: bytes) -> Sent:
    items: list[Any] = json.loads(content)["items"]
    if len(items) != len(lines):
        return Sent(again=list(lines), problem="the edge answered another number of events")
    sent = Sent()
    for line, item in zip(lines, items):
        status = item.get("status")
        if status == 201:
            sent.delivered.append(line)
        elif status in TRANSIENT:
            sent.again.append(line)
            sent.problem = f"item status {status}"
        else:
            sent.refused.append(line)
            sent.problem = f"item status {status}"
    return sent


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(float(response.headers.get("retry-after", "0")), 0.0)
    except ValueError:
        return 0.0


def pause(settings: Settings, failures: int, asked: float) -> float:
    """Seconds until the next attempt: full jitter below a doubling ceiling; `Retry-After` when it is longer."""
    longest = settings.longest_pause_seconds
    ceiling = min(longest, settings.first_pause_seconds * 2.0 ** min(failures - 1, 20))
    return min(max(random.random() * ceiling, asked), longest)
