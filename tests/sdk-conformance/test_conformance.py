"""One script of calls, three SDKs: the same events field by field, and the application sees what it sees without us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recording_edge import RecordingEdge

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CALLS: list[dict[str, Any]] = json.loads((HERE / "calls.json").read_text("utf-8"))
BIN = Path(os.environ["AAL_BIN_DIR"])
SDKS = {
    "python": [sys.executable, str(HERE / "runner.py")],
    "typescript": ["node", str(HERE / "runner.mjs")],
    "rust": [str(BIN / "examples" / "conformance")],
}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    command = [str(BIN / "aal-fake-provider"), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    yield json.loads(process.stdout.readline())["address"]
    process.stdin.close()
    process.wait(10)


@pytest.fixture(scope="module")
def runs(provider: str) -> dict[str, dict[str, Any]]:
    """What each SDK's application saw with and without it, and what the edge was given."""
    return {sdk: {"plain": _run(sdk, provider, ["--plain"]), "with": _run(sdk, provider, [])} for sdk in SDKS}


def _run(sdk: str, provider: str, more: list[str]) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "sdk" / "python" / "src")}
    with RecordingEdge() as edge:
        command = [*SDKS[sdk], str(HERE / "calls.json"), provider, edge.address, *more]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert finished.returncode == 0, finished.stderr
        output = json.loads(finished.stdout)
        assert edge.conflicts == []
        return {"results": output["results"], "counts": output["counts"], "events": edge.ordered()}


def normalised(event: dict[str, Any], call: dict[str, Any], provider: str) -> dict[str, Any]:
    """Without what must differ: ids, times, who sent it, the words of an error, and how far a broken stream came."""
    event = json.loads(json.dumps(event).replace(provider, "{provider}"))
    del event["event_id"], event["occurred_at"]
    if "timing" in event:
        event["timing"] = sorted(event["timing"])
    event["source"] = event["source"]["sequence"]
    if "error" in event:
        event["error"] = event["error"]["type"]
    if call.get("racy_length"):
        event["response"]["body"] = event["response"]["body"][:5]
    return event


@pytest.mark.parametrize("sdk", list(SDKS))
def test_the_application_sees_what_it_sees_without_us(runs: dict[str, Any], sdk: str) -> None:
    plain, audited = runs[sdk]["plain"], runs[sdk]["with"]
    assert plain["events"] == []
    for without, seen, call in zip(plain["results"], audited["results"], CALLS):
        if call.get("racy_length"):
            for result in (without["result"], seen["result"]):
                result.pop("bytes", None)
                result.pop("sha256", None)
        if "record" not in call:
            assert seen == without


@pytest.mark.parametrize("sdk", list(SDKS))
def test_every_call_is_one_event_in_order_and_holds_no_credential(runs: dict[str, Any], sdk: str) -> None:
    events = runs[sdk]["with"]["events"]
    assert [event["source"]["sequence"] for event in events] == list(range(len(CALLS)))
    assert "not-to-be-seen" not in json.dumps(events)
    assert {event["source"]["sdk"] for event in events} == {f"audit-layer-{sdk}"}


@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if sdk != "python"])
@pytest.mark.parametrize("number", range(len(CALLS)), ids=[call["name"] for call in CALLS])
def test_the_events_are_equal_field_by_field(runs: dict[str, Any], provider: str, sdk: str, number: int) -> None:
    call = CALLS[number]
    theirs = normalised(runs[sdk]["with"]["events"][number], call, provider)
    ours = normalised(runs["python"]["with"]["events"][number], call, provider)
    assert theirs == ours


def test_the_events_are_what_the_calls_were(runs: dict[str, Any]) -> None:
    """Against the script itself, so that three equal mistakes do not pass."""
    by_name = {call["name"]: event for call, event in zip(CALLS, runs["python"]["with"]["events"])}
    saw = {item["name"]: item["result"] for item in runs["python"]["with"]["results"]}
    for call in CALLS:
        if "record" not in call:
            assert by_name[call["name"]]["request"]["body"] == call["body"]
    interrupted = {name for name, event in by_name.items() if event.get("interrupted")}
    assert interrupted == {"cut", "stalled and left", "left"}
    assert {name for name, event in by_name.items() if "error" in event} == {"cut", "nobody there"}
    assert "body_base64" in by_name["bedrock frames"]["response"]
    big = by_name["ten megabytes"]
    assert int(big["tags"]["aal.response.bytes"]) == saw["ten megabytes"]["bytes"] > 10_000_000
    assert big["tags"]["aal.response.sha256"] == saw["ten megabytes"]["sha256"]
    assert by_name["chat"]["subject"] == {"id": "customer-9"}
    assert by_name["credentials in the address"]["request"]["url"].endswith("/chat/completions?api-version=1")
    assert by_name["recorded by hand"]["request"]["url"] == "https://model.example/v1?a=1"
