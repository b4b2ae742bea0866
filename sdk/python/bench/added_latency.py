"""What the SDK adds to a call and to the CPU, beside the same calls without it. Prints one Markdown table.

    AAL_BIN_DIR=... python bench/added_latency.py [SECONDS]

Two measurements, each with and without the SDK in turn:
- a call through an httpx client whose transport answers at once (4 KB in 20 chunks): nothing but the SDK differs;
- CPU time of the whole process, delivery included, at 100 calls a second against the fake provider, while the
  edge stand-in of tests/sdk-conformance takes the batches in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk" / "python" / "src"))

import httpx  # noqa: E402

from audit_layer import AuditLayer  # noqa: E402

CALLS = 5_000
RATE = 100
CHAT = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Is 5000 right? " * 60}]}).encode()
CHUNKS = [b"data: " + b"x" * 192 + b"\n\n"] * 20


class Stream(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        return iter(CHUNKS)


class AtOnce(httpx.BaseTransport):
    """Answers without a network."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream())


def program(*command: str) -> tuple[subprocess.Popen[bytes], str]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    return process, json.loads(process.stdout.readline())["address"]


def layer(edge: str) -> AuditLayer:
    return AuditLayer(url=edge, api_key="aal_bench", application="bench")


def one(client: httpx.Client, url: str) -> float:
    began = time.perf_counter()
    with client.stream("POST", url, content=CHAT) as response:
        for _ in response.iter_raw():
            pass
    return (time.perf_counter() - began) * 1e3


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def latency(edge: str) -> list[str]:
    plain = httpx.Client(transport=AtOnce())
    with layer(edge) as audit:
        audited = httpx.Client(transport=audit.transport(AtOnce()))
        for client in (plain, audited):
            for _ in range(200):
                one(client, "http://model.example/v1/chat/completions")
        without, with_ = [], []
        for number in range(CALLS):
            # In turn, and each first half of the time, so that both meet the same machine.
            for times, client in ((without, plain), (with_, audited))[:: 1 if number % 2 else -1]:
                times.append(one(client, "http://model.example/v1/chat/completions"))
            time.sleep(0.001)
    rows = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        low, high = percentile(without, share), percentile(with_, share)
        rows.append(
            f"| added to a call, {name} (n = {CALLS}) | {high - low:.3f} | ms | the call without: {low:.3f} ms |"
        )
    return rows


def cpu(provider: str, edge: str, seconds: float, audited: bool) -> float:
    """CPU seconds a second at the fixed rate."""
    client = httpx.Client()
    audit = layer(edge) if audited else None
    if audit:
        audit.wrap(client)
    url = f"{provider}/v1/chat/completions"
    one(client, url)
    began, cpu_began = time.perf_counter(), time.process_time()
    for number in range(int(RATE * seconds)):
        pause = began + number / RATE - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        one(client, url)
    elapsed = time.perf_counter() - began
    used = time.process_time() - cpu_began
    if audit:
        audit.flush()
        counts = audit.close()
        assert counts.delivered == counts.recorded, counts
    return used / elapsed


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    fake = str(Path(os.environ["AAL_BIN_DIR"]) / "aal-fake-provider")
    edge_process, edge = program(sys.executable, str(ROOT / "tests" / "sdk-conformance" / "recording_edge.py"))
    fake_process, provider = program(fake, "--listen", "127.0.0.1:0", "--keep", "0")
    rows: list[Any] = ["| figure | value | unit | limit in the same run |", "|---|---:|---|---|", *latency(edge)]
    pairs = [(cpu(provider, edge, seconds, False), cpu(provider, edge, seconds, True)) for _ in range(3)]
    without = statistics.median(pair[0] for pair in pairs)
    added = statistics.median(pair[1] - pair[0] for pair in pairs)
    rows.append(
        f"| CPU added at {RATE} calls/s, delivery included | {added * 100:.2f} | % of a core "
        f"| the calls without: {without * 100:.2f} % |"
    )
    print("\n".join(rows))
    for process in (edge_process, fake_process):
        assert process.stdin
        process.stdin.close()
        process.wait(10)


if __name__ == "__main__":
    main()
