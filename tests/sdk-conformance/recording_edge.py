"""A stand-in for the edge that keeps the events it is given and misbehaves on request. Standard library only.

As a program it prints `{"address": "http://127.0.0.1:PORT"}` and serves until its standard input closes:
`GET /_edge/events` gives what was recorded, `PUT /_edge/mode` with `{"mode": ...}` sets how it behaves:

    ok        201 and 207, as the edge
    refuse    400 for everything
    busy      503 with Retry-After: 0
    stall     never answers
    hang-up   takes the event, then drops the connection without an answer
    flaky     every second event of a batch gets 503
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional


class RecordingEdge:
    """Serves on a free port of the loopback interface until it is closed."""

    def __init__(self, mode: str = "ok", port: int = 0) -> None:
        self.mode = mode
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.events: dict[str, dict[str, Any]] = {}
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.conflicts: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.requests = 0
        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self) -> RecordingEdge:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def wait_for(self, count: int, seconds: float = 20.0) -> list[dict[str, Any]]:
        """The events in the order of their numbers, once there are so many."""
        with self.lock:
            if not self.changed.wait_for(lambda: len(self.events) >= count, seconds):
                raise AssertionError(f"{len(self.events)} of {count} events after {seconds} s")
            return self.ordered()

    def wait_for_requests(self, count: int, seconds: float = 20.0) -> None:
        with self.lock:
            assert self.changed.wait_for(lambda: self.requests >= count, seconds), f"{self.requests} requests"

    def ordered(self) -> list[dict[str, Any]]:
        """The events by instance and number."""

        def place(event: dict[str, Any]) -> Any:
            source = event.get("source") or {}
            return source.get("epoch", 0), source.get("instance", ""), source.get("sequence", 0)

        return sorted(self.events.values(), key=place)

    def store(self, event: dict[str, Any]) -> None:
        event_id = event["event_id"]
        if event_id in self.events and self.events[event_id] != event:
            self.conflicts.append(event_id)
        self.events[event_id] = event


def _handler(edge: RecordingEdge) -> type:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            with edge.lock:
                answer = {"events": edge.ordered(), "outcomes": edge.outcomes, "conflicts": edge.conflicts}
            self.answer(200, answer)

        def do_PUT(self) -> None:
            edge.mode = json.loads(self.body())["mode"]
            self.answer(200, {})

        def do_DELETE(self) -> None:
            with edge.lock:
                edge.events.clear()
                edge.outcomes.clear()
            self.answer(200, {})

        def do_POST(self) -> None:
            body = self.body()
            with edge.lock:
                edge.requests += 1
                edge.headers.append(dict(self.headers.items()))
                edge.changed.notify_all()
            mode = edge.mode
            if mode == "stall":
                edge.released.wait()
                self.close_connection = True
                return
            if mode == "busy":
                return self.answer(503, {"title": "busy"}, {"retry-after": "0"})
            if mode == "refuse":
                return self.answer(400, {"title": "refused"})
            answer = self.take(body, flaky=mode == "flaky")
            if mode == "hang-up":
                edge.mode = "ok"
                self.close_connection = True
                return
            self.answer(*answer)

        def take(self, body: bytes, flaky: bool) -> Any:
            with edge.lock:
                if self.path.endswith("/outcomes"):
                    edge.outcomes[self.headers["idempotency-key"]] = {"path": self.path, **json.loads(body)}
                    edge.changed.notify_all()
                    return 201, {"event_id": self.headers["idempotency-key"], "receipt": "r"}
                if self.path.endswith("/log"):
                    edge.store(json.loads(body))
                    edge.changed.notify_all()
                    return 201, {"event_id": json.loads(body)["event_id"], "receipt": "r"}
                items = []
                for number, line in enumerate(line for line in body.split(b"\n") if line.strip()):
                    if flaky and number % 2:
                        items.append({"status": 503, "problem": {"title": "busy"}})
                        continue
                    event = json.loads(line)
                    if (event.get("tags") or {}).get("edge") == "refuse":
                        items.append({"status": 400, "problem": {"title": "refused"}})
                        continue
                    edge.store(event)
                    items.append({"status": 201, "event_id": event["event_id"], "receipt": "r"})
                edge.changed.notify_all()
                return 207, {"items": items}

        def body(self) -> bytes:
            if "chunked" in self.headers.get("transfer-encoding", ""):
                return self.chunked()
            return self.rfile.read(int(self.headers.get("content-length") or 0))

        def chunked(self) -> bytes:
            data = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                data += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return data

        def answer(self, status: int, value: Any, headers: Optional[dict[str, str]] = None) -> None:
            data = json.dumps(value).encode()
            try:
                self.send_response(status)
                for name, text in (headers or {}).items():
                    self.send_header(name, text)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True

    return Handler


def main() -> None:
    with RecordingEdge(sys.argv[1] if len(sys.argv) > 1 else "ok") as edge:
        print(json.dumps({"address": edge.address}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
