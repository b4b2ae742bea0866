"""Bodies: kept up to a limit while they pass, decoded later, cut so that the event fits."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any, Callable, Optional

# Small enough that one step of decompression cannot produce much more than its input's thousandfold.
DECODE_STEP = 16 * 1024


class BodyBuffer:
    """The first `limit` bytes of a body, its whole length, and its SHA-256 once it is longer than the limit."""

    __slots__ = ("_hash", "_kept_bytes", "limit", "parts", "total")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.parts: list[bytes] = []
        self.total = 0
        self._kept_bytes = 0
        self._hash: Any = None

    def add(self, chunk: bytes) -> None:
        """Takes the next bytes; amortised O(len), memory bounded by the limit."""
        room = self.limit - self._kept_bytes
        if self._hash is not None:
            self._hash.update(chunk)
        elif len(chunk) > room:
            self._hash = hashlib.sha256(b"".join(self.parts))
            self._hash.update(chunk)
        self.total += len(chunk)
        if room > 0:
            kept = chunk if len(chunk) <= room else chunk[:room]
            self.parts.append(kept)
            self._kept_bytes += len(kept)

    def clear(self) -> None:
        """Forgets everything, for a body that is sent again from its beginning."""
        self.__init__(self.limit)  # type: ignore[misc]

    def kept(self) -> bytes:
        """The bytes that were kept."""
        return b"".join(self.parts)

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self._hash is None

    def sha256(self) -> Optional[str]:
        """Digest of the whole body; `None` while it is within the limit."""
        return None if self._hash is None else str(self._hash.hexdigest())


Decoder = Callable[[Iterator[bytes]], Iterator[bytes]]


def decoded(buffer: BodyBuffer, decoder: Optional[Decoder]) -> tuple[BodyBuffer, bool]:
    """The body without its content encoding, and whether decoding went through; what came before a fault is kept.

    A body whose encoded form was already cut has no digest of its decoded form: it is left as far as it decodes.
    """
    if decoder is None:
        return buffer, True
    raw = buffer.kept()
    steps = (raw[at : at + DECODE_STEP] for at in range(0, len(raw), DECODE_STEP))
    result = BodyBuffer(buffer.limit)
    try:
        for chunk in decoder(steps):
            result.add(chunk)
            if result.total > 64 * buffer.limit:
                return result, False
    except Exception:
        # What does not decode at all is kept as it came.
        return (result, False) if result.total else (buffer, True)
    return result, buffer.whole


def text_or_base64(data: bytes, was_cut: bool) -> tuple[str, str]:
    """The event's key for these bytes and the value under it: text when it is UTF-8, base64 otherwise."""
    try:
        return "body", data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Our own cut may go through a character; that does not make the body binary.
        if was_cut and len(data) - error.start < 4:
            return text_or_base64(data[: error.start], False)
        return "body_base64", base64.b64encode(data).decode("ascii")


def json_length(value: str) -> int:
    """Bytes of a string inside JSON, without its quotes."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8")) - 2


def cut_to(value: str, key: str, budget: int) -> str:
    """The longest prefix whose JSON form has at most `budget` bytes; base64 is cut at whole groups of four."""
    if json_length(value) <= budget:
        return value
    low, high = 0, min(len(value), max(budget, 0))
    while low < high:
        middle = (low + high + 1) // 2
        if json_length(value[:middle]) <= budget:
            low = middle
        else:
            high = middle - 1
    return value[: low - low % 4] if key == "body_base64" else value[:low]


def fit(bodies: dict[str, tuple[str, str]], budget: int) -> dict[str, tuple[str, str]]:
    """Cuts `{side: (key, value)}` so that both together take at most `budget` bytes of JSON.

    The smaller one stays whole when it fits half the budget; otherwise each gets half.
    """
    lengths = {side: json_length(value) for side, (_, value) in bodies.items()}
    if sum(lengths.values()) <= budget:
        return bodies
    half = budget // 2
    small = min(lengths, key=lambda side: lengths[side])
    shares = dict.fromkeys(bodies, half)
    if len(bodies) == 1:
        shares[small] = budget
    elif lengths[small] <= half:
        shares = dict.fromkeys(bodies, budget - lengths[small])
        shares[small] = lengths[small]
    return {side: (key, cut_to(value, key, shares[side])) for side, (key, value) in bodies.items()}
