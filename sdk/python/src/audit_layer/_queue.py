"""The bounded queue between callers and the delivering thread, the sequence numbers and the counters."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Optional

EVENTS_PATH = "/api/v1/audit/logs"


@dataclass(frozen=True)
class Counts:
    """What happened to the events of this process. `recorded` is the sum of the other five, `retries` apart."""

    recorded: int = 0
    #: Acknowledged by the edge.
    delivered: int = 0
    #: Lost: the queue or the spool was full, or the exit's deadline passed. Each leaves a gap in the sequence.
    dropped: int = 0
    #: Waiting on disk.
    spooled: int = 0
    #: Refused by the edge for good.
    refused: int = 0
    #: Waiting in memory.
    pending: int = 0
    retries: int = 0
    #: Calls that could not be captured because of a fault in this SDK.
    faults: int = 0
    #: Events of earlier processes, found in the spool and delivered by this one; not part of `recorded`.
    recovered: int = 0


class Item:
    """Something to deliver: made into bytes only on the delivering thread."""

    __slots__ = ("key", "make", "path", "size")

    def __init__(
        self, make: Callable[[], bytes], size: int, path: str = EVENTS_PATH, key: Optional[str] = None
    ) -> None:
        self.make = make
        self.size = size
        self.path = path
        self.key = key


class Numbering:
    """Who numbers: an instance, and an epoch for each time it began to count from 0 (microseconds since 1970)."""

    def __init__(self, instance: Optional[str]) -> None:
        self.instance = instance or uuid.uuid4().hex
        self.epoch = time.time_ns() // 1_000
        self.next = 0

    def take(self) -> tuple[str, int, int]:
        """The next number. Callers hold the queue's lock."""
        number = self.next
        self.next += 1
        return self.instance, self.epoch, number


class Queue:
    """First in, first out; full means dropped, never waiting."""

    def __init__(self, most_items: int, most_bytes: int, batch_events: int, instance: Optional[str]) -> None:
        self._most_items, self._most_bytes, self._instance = most_items, most_bytes, instance
        self.batch_events = batch_events
        self.on_number: Callable[[Numbering], None] = lambda numbering: None
        self.reset()

    def reset(self) -> None:
        """A fresh start, also in a forked child: its parent delivers what its parent recorded."""
        self.lock = threading.Lock()
        self.arrived = threading.Condition(self.lock)
        self.settled = threading.Condition(self.lock)
        self.items: deque[Item] = deque()
        self.numbering = Numbering(self._instance)
        self.held_items = self.held_bytes = 0
        self.recorded = self.delivered = self.dropped = self.spooled = self.refused = self.retries = self.faults = 0
        self.recovered = 0
        self.last_was_dropped = False
        self._oldest_at = 0.0
        self.closing = False
        self.hurry = False
        # How many items were ever taken, and how many of them somebody is in a hurry for.
        self.admitted = self.hurry_until = 0

    def put(self, make: Callable[[tuple[str, int, int]], Callable[[], bytes]], size: int) -> bool:
        """Numbers an event and takes it, or drops it when there is no room. The number is used either way."""
        with self.lock:
            numbered = self._number()
            return self._admit(Item(make(numbered), size))

    def put_item(self, item: Item) -> bool:
        """Takes something that has no number (an outcome)."""
        with self.lock:
            return self._admit(item)

    def append_closing(self, item: Item) -> None:
        """Takes one last item past the limits; its number is already taken."""
        with self.lock:
            self._append(item)
            self.arrived.notify()

    def number(self) -> tuple[str, int, int]:
        """A number for an event that is sent by its caller (an intent)."""
        with self.lock:
            self.recorded += 1
            return self._number()

    def _number(self) -> tuple[str, int, int]:
        numbered = self.numbering.take()
        self.on_number(self.numbering)
        return numbered

    def _admit(self, item: Item) -> bool:
        self.recorded += 1
        if self.held_items >= self._most_items or self.held_bytes + item.size > self._most_bytes or self.closing:
            self.dropped += 1
            self.last_was_dropped = True
            return False
        self.last_was_dropped = False
        self._append(item)
        waiting = len(self.items)
        if waiting == 1:
            self._oldest_at = time.monotonic()
        if waiting == 1 or waiting == self.batch_events:
            self.arrived.notify()
        return True

    def _append(self, item: Item) -> None:
        self.admitted += 1
        self.held_items += 1
        self.held_bytes += item.size
        self.items.append(item)

    def hurried_are_gone(self) -> bool:
        """Whether all items of the last hurry have left the queue. Callers hold the queue's lock."""
        return self.admitted - len(self.items) >= self.hurry_until

    def wait_for_batch(self, not_before: float, linger: float, idle: Optional[float], backlog: bool) -> None:
        """Until a batch is due (times are monotonic), somebody is in a hurry, or `idle` seconds have passed."""
        with self.lock:
            began = time.monotonic()
            while not (self.hurry or self.closing):
                now = time.monotonic()
                due = None if idle is None else began + idle
                if self.items:
                    full = len(self.items) >= self.batch_events or self.held_bytes >= self._most_bytes // 2
                    due = max(not_before, 0.0 if full else self._oldest_at + linger)
                elif backlog:
                    due = not_before
                if due is not None and now >= due:
                    return
                self.arrived.wait(None if due is None else due - now)

    def take(self, most_items: int, most_bytes: int) -> list[Item]:
        """The oldest items of one path; they count as held until they are settled."""
        with self.lock:
            taken: list[Item] = []
            size = 0
            while self.items and len(taken) < most_items:
                item = self.items[0]
                if taken and (item.path != taken[0].path or item.path != EVENTS_PATH or size + item.size > most_bytes):
                    break
                taken.append(self.items.popleft())
                size += item.size
            self._oldest_at = time.monotonic()
            return taken

    def settle(self, items: int, size: int, **counts: int) -> None:
        """Items have left memory; `counts` says where they went."""
        with self.lock:
            self.held_items -= items
            self.held_bytes -= size
            self._count(counts)
            self.settled.notify_all()

    def count(self, **counts: int) -> None:
        """Changes counters only."""
        with self.lock:
            self._count(counts)
            self.settled.notify_all()

    def _count(self, counts: Any) -> None:
        for name, amount in counts.items():
            setattr(self, name, getattr(self, name) + amount)

    def counts(self) -> Counts:
        """A consistent reading."""
        with self.lock:
            return Counts(
                recorded=self.recorded,
                delivered=self.delivered,
                dropped=self.dropped,
                spooled=self.spooled,
                refused=self.refused,
                pending=self.held_items,
                retries=self.retries,
                faults=self.faults,
                recovered=self.recovered,
            )
