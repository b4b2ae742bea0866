"""The transports for `httpx2`, which newer provider clients ride on. Imported only when such a client is met."""

from __future__ import annotations

import httpx2

from ._transport import AsyncCapture, SyncCapture, _RequestTee, _ResponseTee


class _SyncRequestStream(_RequestTee, httpx2.SyncByteStream):  # type: ignore[misc]
    pass


class _SyncResponseStream(_ResponseTee, httpx2.SyncByteStream):  # type: ignore[misc]
    pass


class _AsyncRequestStream(_RequestTee, httpx2.AsyncByteStream):  # type: ignore[misc]
    pass


class _AsyncResponseStream(_ResponseTee, httpx2.AsyncByteStream):  # type: ignore[misc]
    pass


class AuditTransport(SyncCapture, httpx2.BaseTransport):  # type: ignore[misc]
    """`httpx2.Client(transport=AuditTransport(audit))`."""

    family = httpx2
    request_stream = _SyncRequestStream
    response_stream = _SyncResponseStream


class AsyncAuditTransport(AsyncCapture, httpx2.AsyncBaseTransport):  # type: ignore[misc]
    """`httpx2.AsyncClient(transport=AsyncAuditTransport(audit))`."""

    family = httpx2
    request_stream = _AsyncRequestStream
    response_stream = _AsyncResponseStream
