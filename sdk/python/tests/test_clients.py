"""The official clients against the fake provider: results as without us, one event per exchange."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import cohere
import groq
import openai
import pytest
from conftest import PROVIDER_KEY

from audit_layer import WrapError, configure

MESSAGES: list[Any] = [{"role": "user", "content": "Is a limit of 5000 € right for customer 9?"}]


def openai_client(provider: str, kind: type = openai.OpenAI, **more: Any) -> Any:
    return kind(api_key=PROVIDER_KEY, base_url=f"{provider}/v1", max_retries=0, **more)


def mistral_client(provider: str) -> Any:
    from audit_layer.mistralai import _official

    return _official.Mistral(api_key=PROVIDER_KEY, server_url=provider)


def checked(events: list[dict[str, Any]], provider: str, path: str) -> dict[str, Any]:
    """The only event, after what holds for every one."""
    (event,) = events
    assert event["provider"] == provider
    assert event["request"]["method"] == "POST"
    assert event["request"]["url"].endswith(path)
    assert PROVIDER_KEY not in json.dumps(event)
    assert event["source"]["sdk"] == "audit-layer-python"
    assert event["source"]["sequence"] == 0
    assert event["timing"]["duration_ms"] >= 0
    return event


def test_openai_chat_gives_the_same_answer_and_the_raw_exchange(audit, edge, provider) -> None:
    plain = openai_client(provider).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    client = audit.wrap(openai_client(provider))
    with audit.context(user_id="u-1", session_id="case-17", decision_type="limit", subject="customer-9") as context:
        answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert answer == plain
    event = checked(edge.wait_for(1), "openai", "/v1/chat/completions")
    assert json.loads(event["request"]["body"])["messages"] == MESSAGES
    assert json.loads(event["response"]["body"])["choices"][0]["message"]["content"] == plain.choices[0].message.content
    assert event["response"]["status"] == 200
    assert event["event_id"] == context.last_event_id
    assert (event["user_id"], event["session_id"], event["subject"]) == ("u-1", "case-17", {"id": "customer-9"})
    assert "interrupted" not in event


def test_openai_stream_is_recorded_as_its_bytes(audit, edge, provider) -> None:
    client = audit.wrap(openai_client(provider))
    chunks = list(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
    event = checked(edge.wait_for(1), "openai", "/v1/chat/completions")
    assert event["response"]["content_type"].startswith("text/event-stream")
    body = event["response"]["body"]
    assert body.startswith("data: ") and "data: [DONE]" in body
    assert body.count("data: {") == len(chunks)
    assert 0 <= event["timing"]["first_token_ms"] <= event["timing"]["duration_ms"]
    assert "interrupted" not in event


def test_a_stream_that_the_caller_leaves_is_interrupted(audit, edge, provider) -> None:
    client = audit.wrap(openai_client(provider))
    with client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True) as stream:
        first = next(iter(stream))
    event = checked(edge.wait_for(1), "openai", "/v1/chat/completions")
    assert first.id in event["response"]["body"]
    assert event["interrupted"] is True
    assert "error" not in event


def test_a_stream_that_nobody_closes_is_recorded_too(audit, edge, provider) -> None:
    client = audit.wrap(openai_client(provider))
    next(iter(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)))
    import gc

    gc.collect()
    audit.flush()
    assert checked(edge.wait_for(1), "openai", "/v1/chat/completions")["interrupted"] is True


def test_a_cut_stream_is_interrupted_with_an_error_and_raises_as_before(audit, edge, provider) -> None:
    messages = [{"role": "user", "content": "[[fake:cut]] long text please"}]

    def failure(client: Any) -> str:
        with pytest.raises(Exception) as caught:
            list(client.chat.completions.create(model="gpt-4o", messages=messages, stream=True))
        return type(caught.value).__name__

    plain = failure(openai_client(provider))
    assert failure(audit.wrap(openai_client(provider))) == plain
    event = checked(edge.wait_for(1), "openai", "/v1/chat/completions")
    assert event["interrupted"] is True
    assert event["error"]["type"] == "connection"
    assert event["response"]["body"].startswith("data: ")


def test_errors_of_the_provider_are_answers(audit, edge, provider) -> None:
    client = audit.wrap(openai_client(provider))
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "[[fake:429]]"}])
    event = checked(edge.wait_for(1), "openai", "/v1/chat/completions")
    assert event["response"]["status"] == 429
    assert "error" not in event


def test_a_provider_that_is_not_there(audit, edge) -> None:
    client = audit.wrap(openai_client("http://127.0.0.1:9"))
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    event = checked(edge.wait_for(1), "openai", "/v1/chat/completions")
    assert event["error"]["type"] == "connection"
    assert "response" not in event


def test_azure_keeps_the_version_and_loses_the_key(audit, edge, provider) -> None:
    client = openai.AzureOpenAI(api_key=PROVIDER_KEY, azure_endpoint=provider, api_version="2024-10-21", max_retries=0)
    audit.wrap(client).chat.completions.create(model="my-deployment", messages=MESSAGES)
    event = edge.wait_for(1)[0]
    assert event["provider"] == "azure"
    assert event["request"]["url"].endswith("/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21")
    assert PROVIDER_KEY not in json.dumps(event)


def test_asynchronous_openai(audit, edge, provider) -> None:
    async def run() -> int:
        client = audit.wrap(openai_client(provider, openai.AsyncOpenAI))

        async def one(number: int) -> None:
            async with audit.context(user_id=f"u-{number}", session_id="s"):
                await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
                stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
                async for _ in stream:
                    pass

        await asyncio.gather(*(one(number) for number in range(10)))
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "[[fake:stall]] x"}], stream=True
        )
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_exhaust(stream), 0.3)
        await client.close()
        return 21

    count = asyncio.run(run())
    events = edge.wait_for(count)
    assert sorted(event["source"]["sequence"] for event in events) == list(range(count))
    by_user: dict[Any, int] = {}
    for event in events:
        by_user[event.get("user_id")] = by_user.get(event.get("user_id"), 0) + 1
    assert by_user == {**{f"u-{number}": 2 for number in range(10)}, None: 1}
    broken = [event for event in events if event.get("interrupted")]
    assert [event["error"]["type"] for event in broken] == ["cancelled"]


async def _exhaust(stream: Any) -> None:
    async for _ in stream:
        pass


def test_anthropic_plain_and_streamed(audit, edge, provider) -> None:
    client = audit.wrap(anthropic.Anthropic(api_key=PROVIDER_KEY, base_url=provider, max_retries=0))
    arguments: dict[str, Any] = {"model": "claude-test-model", "max_tokens": 64, "messages": MESSAGES}
    client.messages.create(**arguments)
    with client.messages.stream(**arguments) as stream:
        text = "".join(stream.text_stream)
    plain, streamed = edge.wait_for(2)
    assert plain["provider"] == streamed["provider"] == "anthropic"
    assert json.loads(plain["response"]["body"])["content"][0]["text"] == text
    assert "event: message_stop" in streamed["response"]["body"]
    assert "interrupted" not in streamed
    assert PROVIDER_KEY not in json.dumps([plain, streamed])


def test_groq_cohere_and_mistral(audit, edge, provider) -> None:
    audit.wrap(groq.Groq(api_key=PROVIDER_KEY, base_url=provider, max_retries=0)).chat.completions.create(
        model="llama-3.3-70b-versatile", messages=MESSAGES
    )
    audit.wrap(cohere.ClientV2(api_key=PROVIDER_KEY, base_url=provider)).chat(
        model="command-a-03-2025", messages=MESSAGES
    )
    list(
        audit.wrap(cohere.ClientV2(api_key=PROVIDER_KEY, base_url=provider)).chat_stream(
            model="command-a-03-2025", messages=MESSAGES
        )
    )
    audit.wrap(mistral_client(provider)).chat.complete(model="mistral-small-latest", messages=MESSAGES)
    events = edge.wait_for(4)
    assert [event["provider"] for event in events] == ["groq", "cohere", "cohere", "mistral"]
    assert not any("interrupted" in event for event in events)
    assert all(event["response"]["status"] == 200 for event in events)
    assert PROVIDER_KEY not in json.dumps(events)


def test_drop_in_classes_use_the_configured_layer(edge, provider) -> None:
    layer = configure(url=edge.address, api_key="k", application="tests", linger_seconds=0.01)
    from audit_layer.openai import OpenAI

    client = openai_client(provider, OpenAI)
    client.with_options(timeout=5).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert len(edge.wait_for(1)) == 1
    assert layer.create_completion(client, model="gpt-4o", messages=MESSAGES, user_id="u-3").choices
    assert edge.wait_for(2)[1]["user_id"] == "u-3"
    layer.close()
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert layer.counts().recorded == 2


def test_wrapping_twice_records_once_and_another_layer_is_refused(audit, make_audit, edge, provider) -> None:
    client = openai_client(provider)
    assert audit.wrap(audit.wrap(client)) is client
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    audit.flush()
    assert len(edge.wait_for(1)) == 1
    with pytest.raises(WrapError, match="another AuditLayer"):
        make_audit().wrap(client)


@pytest.mark.parametrize("thing", [object(), "text", openai.OpenAI, {"_client": 1}])
def test_what_cannot_be_wrapped_is_refused_with_a_way_out(audit, thing) -> None:
    with pytest.raises(WrapError, match="AuditTransport"):
        audit.wrap(thing)
