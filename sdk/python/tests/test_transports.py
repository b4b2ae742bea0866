"""Transports of httpx and requests, bodies of every kind, and `fail_closed`."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
import requests
from conftest import PROVIDER_KEY

from audit_layer import AsyncAuditTransport, AuditTransport, AuditUnavailable

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
GZIP = {"x-fake-encoding": "gzip"}


def test_an_httpx_client_with_the_transport(audit, edge, provider) -> None:
    with httpx.Client(transport=AuditTransport(audit, provider="openai")) as client:
        answer = client.post(
            f"{provider}/v1/chat/completions?api-key={PROVIDER_KEY}&v=1",
            json=CHAT,
            headers={
                "authorization": f"Bearer {PROVIDER_KEY}",
                "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
            },
        )
    (event,) = edge.wait_for(1)
    assert event["response"]["body"] == answer.text
    assert event["request"]["url"].endswith("/chat/completions?v=1")
    assert event["trace"] == {"trace_id": "a" * 32, "span_id": "b" * 16}
    assert PROVIDER_KEY not in json.dumps(event)


def test_without_a_provider_the_host_stands_for_it(audit, edge, provider) -> None:
    audit.wrap(httpx.Client()).post(f"{provider}/v1/embeddings", json={"model": "m", "input": "x"})
    assert edge.wait_for(1)[0]["provider"] == "127.0.0.1"


def test_compressed_answers_are_recorded_as_text(audit, edge, provider) -> None:
    plain = httpx.post(f"{provider}/v1/chat/completions", json=CHAT).text
    plain_requests = requests.post(f"{provider}/v1/chat/completions", json=CHAT).text
    with audit.wrap(httpx.Client()) as client:
        assert client.post(f"{provider}/v1/chat/completions", json=CHAT, headers=GZIP).text == plain
    session = audit.wrap(requests.Session())
    answer = session.post(f"{provider}/v1/chat/completions", json=CHAT, headers=GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == plain_requests
    raw = session.post(f"{provider}/v1/chat/completions", json=CHAT, headers=GZIP, stream=True)
    assert gzip.decompress(raw.raw.read(decode_content=False)).decode() == plain_requests
    assert [event["response"]["body"] for event in edge.wait_for(3)] == [plain, plain_requests, plain_requests]


def test_requests_streams(audit, edge, provider) -> None:
    session = audit.wrap(requests.Session(), provider="openai")
    answer = session.post(f"{provider}/v1/chat/completions", json={**CHAT, "stream": True}, stream=True)
    lines = list(answer.iter_lines())
    assert lines
    with session.post(f"{provider}/v1/chat/completions", json={**CHAT, "stream": True}, stream=True) as left:
        next(left.iter_content(16))
    whole, part = edge.wait_for(2)
    assert "data: [DONE]" in whole["response"]["body"] and "interrupted" not in whole
    assert part["interrupted"] is True and part["provider"] == "openai"
    with pytest.raises(requests.ConnectionError):
        session.post("http://127.0.0.1:9/")
    assert edge.wait_for(3)[2]["error"]["type"] == "connection"


def test_bodies_that_are_made_while_they_are_sent(audit, edge, provider) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"model": "m", '
        yield b'"input": "x"}'

    with audit.wrap(httpx.Client()) as client:
        client.post(f"{provider}/v1/embeddings", content=pieces(), headers={"content-type": "application/json"})
        client.post(f"{provider}/v1/audio/transcriptions", data={"model": "whisper-1"}, files={"file": b"\xff\xfe"})
    audit.wrap(requests.Session()).post(f"{provider}/v1/embeddings", data=pieces())
    streamed, multipart, by_requests = edge.wait_for(3)
    assert streamed["request"]["body"] == by_requests["request"]["body"] == '{"model": "m", "input": "x"}'
    assert "body" not in multipart["request"] and multipart["request"]["body_base64"]


def test_an_asynchronous_httpx_client(audit, edge, provider) -> None:
    async def run() -> None:
        async with (
            httpx.AsyncClient(transport=AsyncAuditTransport(audit)) as client,
            client.stream("POST", f"{provider}/v1/chat/completions", json={**CHAT, "stream": True}) as answer,
        ):
            async for _ in answer.aiter_lines():
                break

    asyncio.run(run())
    assert edge.wait_for(1)[0]["interrupted"] is True


def test_a_transport_that_has_read_its_answer_already(audit, edge) -> None:
    mock = httpx.MockTransport(lambda request: httpx.Response(200, json={"ok": True}))
    with httpx.Client(transport=audit.transport(mock)) as client:
        assert client.get("http://model.example/v1").json() == {"ok": True}
    (event,) = edge.wait_for(1)
    assert json.loads(event["response"]["body"]) == {"ok": True}
    assert event["provider"] == "model.example"


def test_a_fault_of_ours_does_not_reach_the_application(audit, edge, provider, monkeypatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("ours")

    client = audit.wrap(httpx.Client())
    monkeypatch.setattr("audit_layer._transport.begin", broken)
    assert client.post(f"{provider}/v1/chat/completions", json=CHAT).status_code == 200
    monkeypatch.undo()
    monkeypatch.setattr("audit_layer._transport.observe", broken)
    assert client.post(f"{provider}/v1/chat/completions", json=CHAT).status_code == 200
    monkeypatch.undo()
    monkeypatch.setattr("audit_layer._layer.captured_event", broken)
    assert client.post(f"{provider}/v1/chat/completions", json=CHAT).status_code == 200
    audit.flush(2.0)
    assert audit.counts().faults == 3


def test_fail_closed_records_the_intent_before_the_call(make_audit, edge, provider) -> None:
    audit = make_audit(policy="fail_closed")
    client = audit.wrap(openai.OpenAI(api_key=PROVIDER_KEY, base_url=f"{provider}/v1", max_retries=0))
    client.chat.completions.create(**CHAT)
    intent, completion = edge.wait_for(2)
    assert intent["tags"] == {"aal.capture": "intent"}
    assert "response" not in intent and json.loads(intent["request"]["body"]) == CHAT
    assert completion["tags"] == {"aal.intent": intent["event_id"]}
    assert [event["source"]["sequence"] for event in (intent, completion)] == [0, 1]


@pytest.mark.parametrize("mode", ["stall", "busy", "refuse"])
def test_fail_closed_without_an_acknowledgement_makes_no_call(make_audit, edge, provider, mode) -> None:
    edge.mode = mode
    httpx.delete(f"{provider}/_fake/requests")
    audit = make_audit(policy="fail_closed", intent_seconds=0.3)
    with audit.wrap(httpx.Client()) as client, pytest.raises(AuditUnavailable):
        client.post(f"{provider}/v1/chat/completions", json=CHAT)
    with pytest.raises(AuditUnavailable):
        audit.wrap(requests.Session()).post(f"{provider}/v1/chat/completions", json=CHAT)

    async def run() -> None:
        async with audit.wrap(httpx.AsyncClient()) as client:
            await client.post(f"{provider}/v1/chat/completions", json=CHAT)

    with pytest.raises(AuditUnavailable):
        asyncio.run(run())
    assert [seen for seen in httpx.get(f"{provider}/_fake/requests").json() if seen["method"] == "POST"] == []


def test_fail_closed_cuts_a_long_request_in_the_intent_too(make_audit, edge, provider) -> None:
    audit = make_audit(policy="fail_closed", max_event_bytes=200_000)
    body = json.dumps({**CHAT, "padding": "x" * 300_000})
    with audit.wrap(httpx.Client()) as client:
        client.post(f"{provider}/v1/chat/completions", content=body)
    for event in edge.wait_for(2):
        assert body.startswith(event["request"]["body"])
        assert event["tags"]["aal.request.bytes"] == str(len(body))
