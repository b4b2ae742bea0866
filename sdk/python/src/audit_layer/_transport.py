"""Captures what goes through an httpx transport. Streams are passed on chunk by chunk and copied on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Optional

import httpx

from ._capture import Capture

if TYPE_CHECKING:
    from ._body import Decoder
    from ._layer import AuditLayer


class _RequestTee:
    """A request body that is produced while it is sent; copied as it is read."""

    def __init__(self, inner: Any, capture: Capture) -> None:
        self._inner, self._capture = inner, capture

    def __iter__(self) -> Iterator[bytes]:
        self._capture.request.clear()
        for chunk in self._inner:
            self._capture.request.add(chunk)
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._capture.request.clear()
        async for chunk in self._inner:
            self._capture.request.add(chunk)
            yield chunk

    def close(self) -> None:
        if hasattr(self._inner, "close"):
            self._inner.close()

    async def aclose(self) -> None:
        if hasattr(self._inner, "aclose"):
            await self._inner.aclose()


class _ResponseTee:
    """A response body; what the caller reads is copied, and how it ended is noted."""

    def __init__(self, inner: Any, capture: Capture) -> None:
        self._inner, self._capture = inner, capture

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                self._capture.chunk(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._capture.failed(error)
            raise
        self._capture.finish()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                self._capture.chunk(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._capture.failed(error)
            raise
        self._capture.finish()

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._capture.closed()

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._capture.closed()

    def __del__(self) -> None:
        self._capture.abandoned()


class SyncCapture:
    """The synchronous half, for any family of httpx."""

    #: `httpx` or `httpx2`; whose classes the transport's are.
    family: Any = httpx
    request_stream: Any
    response_stream: Any

    def __init__(self, audit: AuditLayer, inner: Any = None, provider: Optional[str] = None) -> None:
        self._audit = audit
        self._inner = inner if inner is not None else self.family.HTTPTransport()
        self._provider = provider

    @property
    def audit_layer(self) -> AuditLayer:
        """The layer that records what passes here."""
        return self._audit

    def __enter__(self) -> Any:
        self._inner.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._inner.__exit__(*exc_info)

    def close(self) -> None:
        self._inner.close()

    def handle_request(self, request: Any) -> Any:
        capture = self._audit.begin_http(self, request)
        if capture is None:
            return self._inner.handle_request(request)
        self._audit.authorise(capture)
        try:
            response = self._inner.handle_request(request)
        except BaseException as error:
            capture.failed(error)
            raise
        return self._audit.observe(self, capture, response)


class AsyncCapture:
    """The asynchronous half."""

    family: Any = httpx
    request_stream: Any
    response_stream: Any

    def __init__(self, audit: AuditLayer, inner: Any = None, provider: Optional[str] = None) -> None:
        self._audit = audit
        self._inner = inner if inner is not None else self.family.AsyncHTTPTransport()
        self._provider = provider

    @property
    def audit_layer(self) -> AuditLayer:
        """The layer that records what passes here."""
        return self._audit

    async def __aenter__(self) -> Any:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self._inner.__aexit__(*exc_info)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def handle_async_request(self, request: Any) -> Any:
        capture = self._audit.begin_http(self, request)
        if capture is None:
            return await self._inner.handle_async_request(request)
        await self._audit.authorise_async(capture)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            capture.failed(error)
            raise
        return self._audit.observe(self, capture, response)


class _SyncRequestStream(_RequestTee, httpx.SyncByteStream):
    pass


class _SyncResponseStream(_ResponseTee, httpx.SyncByteStream):
    pass


class _AsyncRequestStream(_RequestTee, httpx.AsyncByteStream):
    pass


class _AsyncResponseStream(_ResponseTee, httpx.AsyncByteStream):
    pass


class AuditTransport(SyncCapture, httpx.BaseTransport):
    """`httpx.Client(transport=AuditTransport(audit))`: records everything that the client does."""

    request_stream = _SyncRequestStream
    response_stream = _SyncResponseStream


class AsyncAuditTransport(AsyncCapture, httpx.AsyncBaseTransport):
    """`httpx.AsyncClient(transport=AsyncAuditTransport(audit))`: the same for asynchronous clients."""

    request_stream = _AsyncRequestStream
    response_stream = _AsyncResponseStream


def begin(transport: Any, request: Any) -> Capture:
    """A capture of a request of either family; a body that is made while it is sent is copied on the way."""
    layer = transport.audit_layer
    capture: Capture = layer.capture(
        transport._provider, request.method, str(request.url), request.headers.get("traceparent")
    )
    try:
        capture.request.add(request.content)
    except Exception:
        request.stream = transport.request_stream(request.stream, capture)
    return capture


def observe(transport: Any, capture: Capture, response: Any) -> Any:
    """Puts the copying stream into an answer; one that is already read is recorded at once."""
    encoding = response.headers.get("content-encoding")
    content_type = response.headers.get("content-type")
    if response.is_stream_consumed or response.is_closed:
        capture.answered(response.status_code, content_type, None)
        if response.content:
            capture.chunk(response.content)
        capture.finish()
        return response
    decoder = decoder_for(transport.family, encoding) if encoding else None
    capture.answered(response.status_code, content_type, decoder)
    response.stream = transport.response_stream(response.stream, capture)
    return response


def decoder_for(family: Any, encoding: str) -> Optional[Decoder]:
    """Undoes a content encoding with the decoders that the family itself has."""
    if encoding.strip().lower() in ("", "identity"):
        return None

    def decode(chunks: Iterator[bytes]) -> Iterator[bytes]:
        response = family.Response(200, headers={"content-encoding": encoding}, content=chunks)
        return iter(response.iter_bytes())

    return decode
