"""Makes the same calls with the official clients and prints what the application saw of each.

`clients.py BASE`: OpenAI's client calls BASE/openai/v1, Anthropic's BASE/anthropic. With AUDIT_KEY set, its header is added.
"""

import json
import os
import sys

import anthropic
import openai

base = sys.argv[1]
key = os.environ.get("AUDIT_KEY")
headers = {"x-audit-key": key, "x-audit-session": "clients"} if key else {}
paths = ("openai/v1", "anthropic") if key else ("v1", "")
retries = {"max_retries": 0, "api_key": "none", "default_headers": headers}
gpt = openai.OpenAI(base_url=f"{base}/{paths[0]}", **retries)
claude = anthropic.Anthropic(base_url=f"{base}/{paths[1]}", **retries)
TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
CLAUDE_TOOL = {"name": "get_weather", "input_schema": TOOL["parameters"]}


def said(text):
    return [{"role": "user", "content": text}]


def chat(text, **options):
    return lambda: gpt.chat.completions.create(model="gpt-4o", messages=said(text), **options).model_dump()


def chat_stream(text):
    def call():
        parts = []
        try:
            for chunk in gpt.chat.completions.create(model="gpt-4o", messages=said(text), stream=True):
                parts.append(chunk.model_dump())
        except Exception as error:
            return {"parts": parts, "error": type(error).__name__}
        return {"parts": parts}

    return call


def message(text, **options):
    return lambda: claude.messages.create(model="claude-x", max_tokens=100, messages=said(text), **options).model_dump()


def message_stream(text):
    def call():
        with claude.messages.stream(model="claude-x", max_tokens=100, messages=said(text)) as stream:
            return {"text": list(stream.text_stream), "final": stream.get_final_message().model_dump()}

    return call


CALLS = {
    "chat": chat("hello"),
    "chat stream": chat_stream("hello"),
    "chat tool": chat("weather? [[fake:tool]]", tools=[{"type": "function", "function": TOOL}]),
    "chat 429": chat("hello [[fake:429]]"),
    "chat 500": chat("hello [[fake:500]]"),
    "chat cut": chat("hello [[fake:cut]]"),
    "chat bad json": chat_stream("hello [[fake:bad-json]]"),
    "responses": lambda: gpt.responses.create(model="gpt-4o", input="hello").model_dump(),
    "embeddings": lambda: gpt.embeddings.create(model="e", input=["a", "b"]).model_dump(),
    "message": message("hello"),
    "message stream": message_stream("hello"),
    "message tool": message("weather? [[fake:tool]]", tools=[CLAUDE_TOOL]),
    "message 429": message("hello [[fake:429]]"),
    "message 500": message("hello [[fake:500]]"),
}

seen = {}
for name, call in CALLS.items():
    try:
        seen[name] = call()
    except Exception as error:  # what the application would have to handle
        seen[name] = {"error": type(error).__name__, "status": getattr(error, "status_code", None)}
print(json.dumps(seen, sort_keys=True))
