"""Makes model calls with the real provider clients under a real OpenTelemetry instrumentation and exports their spans.

    emit.py --provider http://127.0.0.1:PORT --otlp http://127.0.0.1:PORT/v1/traces [--header NAME=VALUE]
            [--encoding protobuf|json] [--compression gzip|none] [--instrumentation openllmetry|official|openinference]

The provider is tests/fake-provider. Prints one JSON object: how many calls were made, the spans that ended with their
attributes and events (so that a receiver's records can be compared with them), and whether every export succeeded.
Its environment: `scripts/sdk-python-env.sh python3 tests/otel-clients/requirements.txt`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from typing import Any

# Content is off by default in some of these; the audit layer is there to record it.
os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
os.environ.setdefault("TRACELOOP_TRACE_CONTENT", "true")
os.environ.setdefault("TRACELOOP_METRICS_ENABLED", "false")

import anthropic
import openai
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

QUESTION = "Is a limit of 5000 right for customer 9?"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "credit_limit",
            "description": "The limit of a customer",
            "parameters": {"type": "object", "properties": {"customer": {"type": "string"}}},
        },
    }
]
#: Shaped like nothing; a receiver's records must not hold it.
PROVIDER_KEY = "-".join(("provider", "secret", "0123456789"))


class Watching(SpanExporter):
    """Passes spans on to the real exporter and remembers them and its answers."""

    def __init__(self, inner: SpanExporter) -> None:
        self.inner = inner
        self.spans: list[ReadableSpan] = []
        self.succeeded = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        result = self.inner.export(spans)
        self.succeeded = self.succeeded and result is SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        self.inner.shutdown()


def exporter(arguments: argparse.Namespace) -> SpanExporter:
    headers = dict(header.split("=", 1) for header in arguments.header)
    if arguments.encoding == "json":
        from opentelemetry.exporter.otlp.common.http import Compression as JsonCompression
        from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as OverJson

        compression = JsonCompression(arguments.compression)
        return OverJson(endpoint=arguments.otlp, headers=headers, compression=compression)
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=arguments.otlp, headers=headers, compression=Compression(arguments.compression))


def instrument(name: str, provider: TracerProvider) -> None:
    if name == "openllmetry":
        from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(tracer_provider=provider)
        AnthropicInstrumentor().instrument(tracer_provider=provider)
    elif name == "official":
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor as Official

        Official().instrument(tracer_provider=provider)
    else:
        from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference

        OpenInference().instrument(tracer_provider=provider)


def openai_calls(address: str) -> int:
    client = openai.OpenAI(api_key=PROVIDER_KEY, base_url=f"{address}/v1", max_retries=0)
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES, temperature=0.2, max_tokens=64)
    streamed = client.chat.completions.create(
        model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    for _ in streamed:
        pass
    asking = [{"role": "user", "content": f"[[fake:tool]] {QUESTION}"}]
    client.chat.completions.create(model="gpt-4o", messages=asking, tools=TOOLS)
    client.embeddings.create(model="text-embedding-3-small", input=QUESTION)
    try:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "[[fake:429]]"}])
    except openai.RateLimitError:
        pass
    return 5


def anthropic_calls(address: str) -> int:
    client = anthropic.Anthropic(api_key=PROVIDER_KEY, base_url=address, max_retries=0)
    arguments: Any = {"model": "claude-test-model", "max_tokens": 64, "messages": MESSAGES}
    client.messages.create(**arguments)
    for _ in client.messages.create(**arguments, stream=True):
        pass
    return 2


def described(span: ReadableSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "status": span.status.status_code.name,
        "attributes": dict((span.attributes or {}).items()),
        "events": [{"name": event.name, "attributes": dict(event.attributes or {})} for event in span.events],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--provider", required=True)
    parser.add_argument("--otlp", required=True)
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--encoding", choices=["protobuf", "json"], default="protobuf")
    parser.add_argument("--compression", choices=["none", "gzip"], default="none")
    parser.add_argument(
        "--instrumentation", choices=["openllmetry", "official", "openinference"], default="openllmetry"
    )
    arguments = parser.parse_args()
    watching = Watching(exporter(arguments))
    provider = TracerProvider(resource=Resource.create({"service.name": "loans"}))
    provider.add_span_processor(BatchSpanProcessor(watching))
    instrument(arguments.instrumentation, provider)
    calls = openai_calls(arguments.provider)
    if arguments.instrumentation == "openllmetry":
        calls += anthropic_calls(arguments.provider)
    provider.shutdown()
    spans = [described(span) for span in watching.spans]
    print(json.dumps({"calls": calls, "exported": watching.succeeded, "spans": spans}, default=str))


if __name__ == "__main__":
    main()
