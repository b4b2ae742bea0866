"""`AuditLayer`: what an application holds."""

from __future__ import annotations

import atexit
import json
import logging
import os
import queue as std_queue
import sys
import time
import uuid
import weakref
from collections.abc import Mapping
from typing import Any, Callable, Optional

from . import _context, _marks, _tls, _transport, _wrap
from ._capture import Capture, new_event_id
from ._config import Settings, settings_from
from ._event import captured_event, source
from ._intent import Senders, acknowledge, acknowledge_async
from ._queue import Counts, Item, Queue
from ._record import recorded_event
from ._spool import Spool
from ._worker import Worker

log = logging.getLogger("audit_layer")
_alive: weakref.WeakSet[AuditLayer] = weakref.WeakSet()


class AuditLayer:
    """Records model calls: `AuditLayer(url=..., api_key=..., application=...)`; see `Settings` for the rest.

    Thread-safe. Nothing that happens after set-up raises into the application, except that under `fail_closed` a call
    whose intent is not acknowledged raises `AuditUnavailable` instead of reaching the provider.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings: Settings = settings_from(settings)
        held = self.settings
        self._queue = Queue(held.queue_events, held.queue_bytes, held.batch_events, held.instance)
        self._spool = Spool(held.spool_dir, held.spool_bytes) if held.enabled and held.spool_dir else None
        self._start()
        _alive.add(self)

    def _start(self) -> None:
        """A fresh worker, at set-up and in a forked child."""
        self._worker = Worker(self.settings, self._queue, self._spool)
        self._orphans: std_queue.SimpleQueue[Capture] = std_queue.SimpleQueue()
        self._mark: Optional[_marks.Mark] = None
        self._pid = os.getpid()
        self._closed = False
        self._started = False
        self.intent_senders = Senders(self)

    # --- what applications call -------------------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        """Whether anything is recorded: not when switched off, not after `close`."""
        return self.settings.enabled and not self._closed

    def wrap(self, client: Any, provider: Optional[str] = None) -> Any:
        """Makes a provider's client, an httpx client or a requests session record its calls; returns the same object.

        `provider` is an OpenTelemetry GenAI name for clients that talk to something else than their name says.
        Raises `WrapError` for what cannot be wrapped. Wrapping twice is harmless.
        """
        return _wrap.wrap(self, client, provider)

    def transport(self, inner: Any, provider: Optional[str] = None) -> Any:
        """An auditing transport around an existing one, of `httpx` or `httpx2`, synchronous or not."""
        return _wrap.audited(self, inner, provider)

    def context(
        self,
        *,
        user_id: Optional[str] = None,
        session_id: Optional[str] = None,
        decision_type: Optional[str] = None,
        subject: Optional[_context.Subject] = None,
        user_email: Optional[str] = None,
        ip_address: Optional[str] = None,
        environment: Optional[str] = None,
        operation: Optional[str] = None,
        tags: Optional[Mapping[str, str]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        phi: Optional[bool] = None,
        trace: Optional[Mapping[str, str]] = None,
    ) -> _context.ContextManager:
        """Attributes the calls made inside `with` (or `async with`) it; nested contexts add to those around them."""
        fields = {name: value for name, value in locals().items() if name != "self"}
        return _context.ContextManager(_context.checked_fields(**fields))

    carry = staticmethod(_context.carry)

    def record(self, *, provider: str, **fields: Any) -> Optional[str]:
        """Records anything else: the fields of the event model. Returns the event's id, `None` when switched off.

        `request` and `response` are dicts with `body` (text, bytes or a JSON value) and, where known, `method`, `url`,
        `status`, `content_type`. Context fields are filled in from the running context.
        """
        if not self.enabled:
            return None
        event_id = str(fields.pop("event_id", None) or new_event_id())
        attribution = _context.current()
        fields["provider"] = provider
        event = recorded_event(self.settings, event_id, attribution.fields if attribution else {}, fields)
        size = len(event) + 512

        def make(numbered: tuple[str, int, int]) -> Callable[[], bytes]:
            return lambda: _with_source(event, numbered)

        self._put(make, size)
        if attribution is not None:
            attribution.remember(event_id)
        return event_id

    def outcome(
        self,
        event_id: str,
        outcome: str,
        *,
        reviewer: Optional[str] = None,
        override: Optional[bool] = None,
        flag: Optional[bool] = None,
        note: Optional[str] = None,
        outcome_id: Optional[str] = None,
    ) -> Optional[str]:
        """Says what became of a decision. Delivered in the background like events; returns the outcome's own id."""
        if not self.enabled:
            return None
        key = outcome_id or new_event_id()
        path = f"/api/v1/audit/logs/{uuid.UUID(str(event_id))}/outcomes"
        given = {"reviewer": reviewer, "override": override, "flag": flag, "note": note}
        body = json.dumps({"outcome": outcome, **{k: v for k, v in given.items() if v is not None}}).encode()
        self._ensure_started()
        self._queue.put_item(Item(lambda: body, len(body) + 512, path, key))
        return key

    def create_completion(self, client: Any = None, **arguments: Any) -> Any:
        """`client.chat.completions.create(...)` inside a context made of the attribution arguments among these.

        Without a client the official `openai` client is made from its environment variables, once.
        """
        names = ("user_id", "session_id", "decision_type", "subject", "user_email", "ip_address", "tags", "phi")
        attribution = {name: arguments.pop(name) for name in names if name in arguments}
        client = self.wrap(client if client is not None else self._default_client())
        with self.context(**attribution):
            return client.chat.completions.create(**arguments)

    def counts(self) -> Counts:
        """What happened to the events so far."""
        return self._queue.counts()

    def flush(self, timeout: float = 10.0) -> bool:
        """Sends what waits, now. True when nothing is left in memory or, with a spool, on disk."""
        deadline = time.monotonic() + timeout
        self._drain_orphans()
        self._ensure_started()
        self._worker.wake()
        with self._queue.lock:
            while self._queue.held_items or self._queue.spooled > 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._queue.settled.wait(left)
        return True

    def close(self, timeout: Optional[float] = None) -> Counts:
        """Delivers what it can within the time-out and stops; the rest is spooled or counted as dropped."""
        if self._closed or not self.settings.enabled:
            return self.counts()
        self._drain_orphans()
        self._closed = True
        seconds = self.settings.exit_seconds if timeout is None else timeout
        try:
            self._close_gap()
            if self._started or self._queue.items:
                self._worker.finish(time.monotonic() + seconds)
            if self._mark is not None and not self._queue.last_was_dropped:
                self._mark.remove()
        except Exception as error:
            self.fault(error)
        if self._spool is not None:
            self._spool.close()
        return self.counts()

    def __enter__(self) -> AuditLayer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # --- what transports call ---------------------------------------------------------------------------------------

    def begin_http(self, transport: Any, request: Any) -> Optional[Capture]:
        """A capture of a request, or `None`: then the call goes straight through."""
        if not self.enabled:
            return None
        try:
            return _transport.begin(transport, request)
        except Exception as error:
            self.fault(error)
            return None

    def capture(self, provider: Optional[str], method: str, url: str, traceparent: Optional[str]) -> Capture:
        """A capture with the running context's attribution."""
        attribution = _context.current()
        capture = Capture(self, provider, method, url, attribution, traceparent)
        if attribution is not None:
            attribution.remember(capture.event_id)
        return capture

    def authorise(self, capture: Capture) -> None:
        """Under `fail_closed`: returns once the intent is acknowledged, raises `AuditUnavailable` otherwise."""
        if self.settings.fail_closed:
            acknowledge(self, capture)

    async def authorise_async(self, capture: Capture) -> None:
        """The same without blocking the event loop."""
        if self.settings.fail_closed:
            await acknowledge_async(self, capture)

    def observe(self, transport: Any, capture: Capture, response: Any) -> Any:
        """Lets the capture follow an answer."""
        try:
            return _transport.observe(transport, capture, response)
        except Exception as error:
            self.fault(error)
            return response

    def take(self, capture: Capture) -> None:
        """A finished capture becomes an event in the queue."""
        try:
            self._put(
                lambda numbered: lambda: captured_event(capture, source(*numbered)),
                capture.memory_bytes(),
            )
            self._drain_orphans()
        except Exception as error:
            self.fault(error)

    def take_orphan(self, capture: Capture) -> None:
        """A capture whose answer was neither read to its end nor closed; safe inside any other code."""
        self._orphans.put(capture)

    def number(self) -> dict[str, Any]:
        """The `source` of an event that is sent past the queue."""
        self._ensure_started()
        return source(*self._queue.number())

    def count(self, **counts: int) -> None:
        """Counts what happened past the queue."""
        self._queue.count(**counts)

    def fault(self, error: BaseException) -> None:
        """A fault of this SDK: counted and named, without content, and never raised."""
        self._queue.count(faults=1)
        log.warning("a call could not be captured: %s", type(error).__name__)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _put(self, make: Callable[[tuple[str, int, int]], Callable[[], bytes]], size: int) -> None:
        self._ensure_started()
        self._queue.put(make, size)

    def _ensure_started(self) -> None:
        if self._started:
            return
        self._started = True
        if self._spool is not None and self.settings.spool_dir:
            self._tell_of_killed(self.settings.spool_dir)
            with self._queue.lock:
                self._mark = _marks.Mark(self.settings.spool_dir, self._queue.numbering)
                self._queue.on_number = self._mark.note
        self._worker.ensure_running()
        if "multiprocessing" in sys.modules:
            _finish_with_multiprocessing(self)

    def _tell_of_killed(self, directory: str) -> None:
        for numbered in _marks.orphans(directory):
            body = _marks.closing_event(self.settings.application, new_event_id(), numbered, "killed")
            self._queue.put_item(Item(lambda body=body: body, len(body) + 512))  # type: ignore[misc]

    def _close_gap(self) -> None:
        """When the newest numbers were dropped nothing after them shows it, so a closing event does."""
        self._queue.last_was_dropped = self._queue.last_was_dropped and self._started
        if not self._queue.last_was_dropped:
            return
        numbered = source(*self._queue.number())
        body = _marks.closing_event(self.settings.application, new_event_id(), numbered, "dropped")
        self._queue.append_closing(Item(lambda: body, 0))

    def _drain_orphans(self) -> None:
        while not self._orphans.empty():
            try:
                capture = self._orphans.get_nowait()
            except std_queue.Empty:
                return
            self.take(capture)

    def _default_client(self) -> Any:
        if not hasattr(self, "_openai"):
            import openai

            self._openai = openai.OpenAI()
        return self._openai

    def _before_fork(self) -> None:
        self._queue.lock.acquire()

    def _after_fork_in_parent(self) -> None:
        self._queue.lock.release()

    def _after_fork_in_child(self) -> None:
        if self._mark is not None:
            self._mark.forget()
        self._queue.reset()
        self._queue.on_number = lambda numbering: None
        if self._spool is not None:
            self._spool.reset()
        self._start()


def _with_source(event: bytes, numbered: tuple[str, int, int]) -> bytes:
    """Adds `source` to an event's JSON object without parsing it again."""
    text = json.dumps(source(*numbered), separators=(",", ":")).encode()
    return event[:-1] + b',"source":' + text + b"}"


def _finish_with_multiprocessing(layer: AuditLayer) -> None:
    """Children of `multiprocessing` leave without running `atexit`; their own finalizers do run."""
    from multiprocessing import parent_process, util

    if parent_process() is not None:
        reference = weakref.ref(layer)

        def finish() -> None:
            held = reference()
            if held is not None:
                held.close()

        util.Finalize(None, finish, exitpriority=0)


def _all() -> list[AuditLayer]:
    return list(_alive)


def _close_all() -> None:
    for layer in _all():
        layer.close()


#: The layers held over the fork that is going on; `_tls.making` serialises forks.
_held: list[AuditLayer] = []


def _before_fork() -> None:
    _tls.making.acquire()
    _held[:] = _all()
    for layer in _held:
        layer._before_fork()


def _after_fork(action: Callable[[AuditLayer], None]) -> Callable[[], None]:
    def run() -> None:
        for layer in _held:
            action(layer)
        _held.clear()
        _tls.making.release()

    return run


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork(AuditLayer._after_fork_in_parent),
        after_in_child=_after_fork(AuditLayer._after_fork_in_child),
    )
