"""The delivering thread: takes from the queue, sends, spools, backs off."""

from __future__ import annotations

import logging
import threading
import time
from typing import Optional

from ._config import Settings
from ._queue import EVENTS_PATH, Item, Queue
from ._sender import Line, Sender, Sent, pause
from ._spool import Spool

log = logging.getLogger("audit_layer")
# One line about the edge's state a minute is enough for a log; counters tell the rest.
QUIET_SECONDS = 60.0
# How often an idle process looks for what an earlier one has left in the spool.
SPOOL_LOOK_SECONDS = 30.0
# Failed attempts after which a closing process gives up, so that an absent edge does not hold up its exit.
LAST_ATTEMPTS = 3


class Worker:
    """Delivers what a queue holds. One thread; `finish` may be called from any other."""

    def __init__(self, settings: Settings, queue: Queue, spool: Optional[Spool]) -> None:
        self._settings = settings
        self._queue = queue
        self._spool = spool
        self._sender: Optional[Sender] = None
        self._backlog: list[Line] = []
        self._backlog_lock = threading.Lock()
        self._batch_events = settings.batch_events
        self._failures = 0
        self._next_attempt = 0.0
        self._quiet_until = 0.0
        self._last_attempts = LAST_ATTEMPTS
        self._abandoned = False
        self._thread: Optional[threading.Thread] = None

    def ensure_running(self) -> None:
        """Starts the thread unless it runs. At interpreter shutdown no thread can start: `finish` then delivers."""
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._run, name="audit-layer", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            self._thread = None

    def wake(self) -> None:
        """Sends what there is at once, whatever the linger and the back-off say; what comes later waits again."""
        with self._queue.lock:
            self._queue.hurry = True
            self._queue.hurry_until = self._queue.admitted
            self._queue.arrived.notify_all()

    def finish(self, deadline: float) -> None:
        """Delivers what it can until the deadline (monotonic), spools or drops the rest; takes nothing more."""
        with self._queue.lock:
            self._queue.closing = True
        self.wake()
        thread = self._thread
        if thread is None or not thread.is_alive():
            self._drain(deadline)
        elif thread is not threading.current_thread():
            thread.join(max(deadline - time.monotonic(), 0.0))
        self._abandon()

    def _run(self) -> None:
        while True:
            try:
                if self._step():
                    return
            except Exception as error:
                # A fault of ours must not end deliveries; the pause keeps it from spinning.
                self._queue.count(faults=1)
                self._complain("fault while delivering: %s", type(error).__name__)
                time.sleep(1.0)

    def _step(self) -> bool:
        """One round. True when closing and no further attempt is worth it."""
        queue = self._queue
        # With a spool the queue is emptied onto disk while the edge is away; without one it waits.
        not_before = 0.0 if self._spool is not None and self._failures else self._next_attempt
        idle = SPOOL_LOOK_SECONDS if self._spool is not None else None
        if self._spool is not None and self._failures:
            idle = max(self._next_attempt - time.monotonic(), 0.0)
        queue.wait_for_batch(not_before, self._settings.linger_seconds, idle, bool(self._backlog))
        self._take()
        if not (queue.closing or queue.hurry or time.monotonic() >= self._next_attempt):
            return False
        return self._finished(self._attempt())

    def _finished(self, progressed: bool) -> bool:
        queue = self._queue
        spool_empty = self._spool is None or self._spool.empty()
        with queue.lock:
            sent_what_waited = spool_empty and not self._backlog and queue.hurried_are_gone()
            nothing_left = sent_what_waited and not queue.items
            if sent_what_waited or not progressed:
                queue.hurry = False
                queue.settled.notify_all()
            if not queue.closing or (progressed and not nothing_left):
                return False
        if nothing_left:
            return True
        self._last_attempts -= 1
        time.sleep(min(max(self._next_attempt - time.monotonic(), 0.0), 0.25))
        return self._last_attempts <= 0

    def _take(self) -> None:
        """Queue to backlog (one batch) or, while the edge is away and there is a spool, to the spool."""
        while True:
            if self._backlog:
                if self._spool is None or self._failures == 0:
                    return
                self._spool_backlog()
            items = self._queue.take(self._batch_events, self._settings.batch_bytes)
            if not items:
                return
            with self._backlog_lock:
                self._backlog = self._made(items)

    def _made(self, items: list[Item]) -> list[Line]:
        lines = []
        for item in items:
            try:
                lines.append(Line(item.make(), item.size, item.path, item.key))
            except Exception as error:
                self._queue.settle(1, item.size, dropped=1, faults=1)
                self._complain("an event could not be made: %s", type(error).__name__)
        return lines

    def _attempt(self) -> bool:
        """Sends the oldest there is. True when something was settled or there was nothing to send."""
        if self._spool is not None and not self._spool.empty():
            self._spool_backlog()
            return self._attempt_spooled(self._spool)
        lines = self._backlog[: self._batch_events]
        if not lines:
            return True
        sent = self._send(lines)
        with self._backlog_lock:
            if self._abandoned:
                return False
            self._backlog = sent.again + self._backlog[len(lines) :]
        done = sent.delivered + sent.refused
        size = sum(line.size for line in done)
        self._queue.settle(len(done), size, delivered=len(sent.delivered), refused=len(sent.refused))
        return self._judge(sent)

    def _attempt_spooled(self, spool: Spool) -> bool:
        segment = spool.oldest()
        if segment is None:
            return True
        path, lines, own = segment
        progressed = not lines
        delivered = refused = 0
        while lines:
            batch = _one_request(lines, self._batch_events)
            sent = self._send(batch)
            lines = sent.again + lines[len(batch) :]
            delivered += len(sent.delivered)
            refused += len(sent.refused)
            progressed = self._judge(sent)
            if not progressed:
                break
        spool.replace(path, lines)
        if own:
            self._queue.count(delivered=delivered, refused=refused, spooled=-delivered - refused)
        else:
            self._queue.count(recovered=delivered)
        return progressed

    def _send(self, lines: list[Line]) -> Sent:
        if self._sender is None:
            self._sender = Sender(self._settings)
        if self._failures:
            self._queue.count(retries=1)
        return self._sender.send(lines)

    def _judge(self, sent: Sent) -> bool:
        """Sets batch size and back-off by what came back. True when something was settled or can be tried smaller."""
        if sent.refused:
            self._complain("the edge refused %d events: %s", len(sent.refused), sent.problem)
        if sent.too_large:
            self._batch_events = max(self._batch_events // 2, 1)
            return True
        if not sent.again:
            self._failures = 0
            self._next_attempt = 0.0
            self._batch_events = min(self._batch_events * 2, self._settings.batch_events)
            return True
        self._failures += 1
        self._next_attempt = time.monotonic() + pause(self._settings, self._failures, sent.retry_after)
        self._complain("events wait: %s", sent.problem)
        return bool(sent.delivered or sent.refused)

    def _spool_backlog(self) -> None:
        spool = self._spool
        if spool is None:
            return
        with self._backlog_lock:
            lines, self._backlog = self._backlog, []
        if not lines:
            return
        try:
            left = spool.append(lines)
        except OSError as error:
            self._complain("the spool cannot be written: %s", error.strerror)
            left = lines
        size = sum(line.size for line in lines)
        self._queue.settle(len(lines), size, spooled=len(lines) - len(left), dropped=len(left))

    def _drain(self, deadline: float) -> None:
        while time.monotonic() < deadline and not self._step():
            pass

    def _abandon(self) -> None:
        """No attempt is left: what remains goes to the spool or is counted as dropped."""
        with self._backlog_lock:
            self._abandoned = True
        while True:
            with self._backlog_lock:
                lines, self._backlog = self._backlog, []
            if not lines:
                items = self._queue.take(self._settings.batch_events, self._settings.batch_bytes)
                if not items:
                    break
                lines = self._made(items) if self._spool is not None else [Line(b"", item.size) for item in items]
            if self._spool is not None:
                with self._backlog_lock:
                    self._backlog = lines
                self._spool_backlog()
            else:
                self._queue.settle(len(lines), sum(line.size for line in lines), dropped=len(lines))
        dropped = self._queue.counts().dropped
        if dropped:
            log.warning("%d events were dropped", dropped)

    def _complain(self, message: str, *values: object) -> None:
        """Says so once in a while; never says what an event holds."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.warning(message, *values)


def _one_request(lines: list[Line], most: int) -> list[Line]:
    """The first lines that can go together: events; an outcome goes alone."""
    if lines[0].path != EVENTS_PATH:
        return lines[:1]
    together = next((at for at, line in enumerate(lines) if line.path != EVENTS_PATH), len(lines))
    return lines[: min(together, most)]
