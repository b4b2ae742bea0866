"""`fail_closed`: no call without an acknowledged intent (DESIGN: "no intent, no call")."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ._capture import Capture, new_event_id
from ._errors import AuditUnavailable
from ._event import intent_event
from ._queue import EVENTS_PATH
from ._sender import Line, Sender, pause

if TYPE_CHECKING:
    from ._layer import AuditLayer


def acknowledge(layer: AuditLayer, capture: Capture) -> None:
    """Sends the intent until the edge acknowledges it, refuses it or the time is up. Raises `AuditUnavailable`."""
    settings = layer.settings
    intent_id = new_event_id()
    try:
        line = Line(intent_event(capture, layer.number(), intent_id), 0, EVENTS_PATH)
    except Exception as error:
        layer.count(dropped=1)
        raise AuditUnavailable(f"the intent could not be made: {type(error).__name__}") from None
    deadline = time.monotonic() + settings.intent_seconds
    sender = layer.intent_senders.take()
    failures = 0
    try:
        while True:
            sent = sender.send([line])
            if sent.delivered:
                layer.count(delivered=1)
                capture.intent_id = intent_id
                return
            failures += 1
            wait = pause(settings, failures, sent.retry_after)
            if sent.refused or time.monotonic() + wait > deadline:
                layer.count(**({"refused": 1} if sent.refused else {"dropped": 1}))
                raise AuditUnavailable(f"the intent was not acknowledged ({sent.problem}), so the call was not made")
            layer.count(retries=1)
            time.sleep(wait)
    finally:
        layer.intent_senders.give_back(sender)


async def acknowledge_async(layer: AuditLayer, capture: Capture) -> None:
    """The same on a worker thread, for asyncio and trio alike."""
    import anyio.to_thread

    await anyio.to_thread.run_sync(acknowledge, layer, capture)


class Senders:
    """Connections for intents: as many as calls run at once, kept for the next call."""

    def __init__(self, layer: AuditLayer) -> None:
        self._settings = layer.settings
        self._free: list[Sender] = []

    def take(self) -> Sender:
        """A connection nobody else uses."""
        try:
            return self._free.pop()
        except IndexError:
            return Sender(self._settings, timeout=self._settings.intent_seconds)

    def give_back(self, sender: Sender) -> None:
        """For the next call."""
        self._free.append(sender)
