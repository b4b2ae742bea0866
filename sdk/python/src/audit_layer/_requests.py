"""Captures what goes through `requests`, by its adapters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Optional

import httpx
import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from ._capture import Capture
from ._errors import WrapError
from ._transport import decoder_for

if TYPE_CHECKING:
    from ._layer import AuditLayer


class AuditAdapter(BaseAdapter):
    """`session.mount("https://", AuditAdapter(audit))`: records everything that goes through it."""

    def __init__(self, audit: AuditLayer, inner: Any = None, provider: Optional[str] = None) -> None:
        super().__init__()
        self.audit_layer = audit
        self._inner = inner if inner is not None else HTTPAdapter()
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)

    def close(self) -> None:
        self._inner.close()

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        capture = self._begin(request)
        if capture is None:
            return self._inner.send(request, *args, **kwargs)
        self.audit_layer.authorise(capture)
        try:
            response = self._inner.send(request, *args, **kwargs)
        except BaseException as error:
            capture.failed(error)
            raise
        try:
            _observe(capture, response)
        except Exception as error:
            self.audit_layer.fault(error)
        return response

    def _begin(self, request: Any) -> Optional[Capture]:
        layer = self.audit_layer
        if not layer.enabled:
            return None
        try:
            traceparent = request.headers.get("traceparent")
            if isinstance(traceparent, bytes):
                traceparent = traceparent.decode("latin-1")
            capture = layer.capture(self._provider, request.method or "GET", request.url or "", traceparent)
            body = request.body
            if isinstance(body, str):
                capture.request.add(body.encode("utf-8"))
            elif isinstance(body, (bytes, bytearray)):
                capture.request.add(bytes(body))
            elif body is not None:
                request.body = _BodyTee(body, capture)
            return capture
        except Exception as error:
            layer.fault(error)
            return None


class _BodyTee:
    """A request body that is a file or a generator; copied as it is sent."""

    def __init__(self, inner: Any, capture: Capture) -> None:
        self._inner, self._capture = inner, capture
        if hasattr(inner, "read"):
            self.read = self._read

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._note(chunk)
            yield chunk

    def _read(self, *args: Any) -> Any:
        chunk = self._inner.read(*args)
        self._note(chunk)
        return chunk

    def _note(self, chunk: Any) -> None:
        self._capture.request.add(chunk.encode("utf-8") if isinstance(chunk, str) else bytes(chunk))


class _RawTee:
    """urllib3's response; what is read from it is copied, decoded or not as the reader asks."""

    def __init__(self, inner: Any, capture: Capture) -> None:
        self._inner, self._capture = inner, capture

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_inner"], name)

    def __iter__(self) -> Iterator[bytes]:
        return self.stream(decode_content=True)

    def stream(self, amt: Optional[int] = 65536, decode_content: Optional[bool] = None) -> Iterator[bytes]:
        self._decoded(decode_content)
        try:
            for chunk in self._inner.stream(amt, decode_content=decode_content):
                self._capture.chunk(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._capture.failed(error)
            raise
        self._capture.finish()

    def read(self, amt: Optional[int] = None, decode_content: Optional[bool] = None, **kwargs: Any) -> Any:
        self._decoded(decode_content)
        try:
            data = self._inner.read(amt, decode_content=decode_content, **kwargs)
        except BaseException as error:
            self._capture.failed(error)
            raise
        if data:
            self._capture.chunk(data)
        if amt is None or (amt and not data):
            self._capture.finish()
        return data

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._capture.closed()

    def release_conn(self) -> None:
        try:
            self._inner.release_conn()
        finally:
            self._capture.closed()

    def __del__(self) -> None:
        self._capture.abandoned()

    def _decoded(self, asked: Optional[bool]) -> None:
        if asked or (asked is None and getattr(self._inner, "decode_content", True)):
            self._capture.decoder = None


def _observe(capture: Capture, response: Any) -> None:
    encoding = response.headers.get("content-encoding")
    decoder = decoder_for(httpx, encoding) if encoding else None
    capture.answered(response.status_code, response.headers.get("content-type"), decoder)
    response.raw = _RawTee(response.raw, capture)


def wrap_session(layer: AuditLayer, session: requests.Session, provider: Optional[str]) -> requests.Session:
    """Puts the auditing adapter around each adapter of a session."""
    for prefix, adapter in list(session.adapters.items()):
        if isinstance(adapter, AuditAdapter):
            if adapter.audit_layer is not layer:
                raise WrapError("this session is already recorded by another AuditLayer; wrap it once")
            continue
        session.adapters[prefix] = AuditAdapter(layer, adapter, provider)
    return session
