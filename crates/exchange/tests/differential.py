#!/usr/bin/env python3
"""Reads recorded exchanges a second time, without any code of the product, and compares.

    differential.py NORMALISE RECORDING.jsonl...

NORMALISE is a program that answers like `audit normalise` (`cargo build -p aal-exchange --example normalise`). Compared:
model, finish reasons, text, tool calls (name and arguments) and token totals, as the provider's raw answer states them.
Exit status 0 equal, 1 a difference, 2 nothing could be compared.
"""

import base64
import json
import subprocess
import sys


def events(text):
    """Data of server-sent events or JSON lines, as far as they are whole JSON."""
    out = []
    for line in text.splitlines():
        line = line.removeprefix("data:").strip()
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            out.append(value)
    return out


def numbers(usage):
    """Input and output totals by the words each provider uses; Anthropic and Bedrock count cached tokens apart."""
    get = lambda *keys: next((usage[key] for key in keys if isinstance(usage.get(key), (int, float))), None)
    cached = ("cache_read_input_tokens", "cache_creation_input_tokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    entered = get("prompt_tokens", "input_tokens", "inputTokens", "promptTokenCount", "prompt_eval_count")
    if entered is not None:
        entered += sum(usage.get(key) or 0 for key in cached) + (usage.get("toolUsePromptTokenCount") or 0)
    left = get("completion_tokens", "output_tokens", "outputTokens", "candidatesTokenCount", "eval_count")
    if usage.get("thoughtsTokenCount"):
        left = (left or 0) + usage["thoughtsTokenCount"]
    return entered, left


def find_usage(value):
    if not isinstance(value, dict):
        return {}
    cohere = (value.get("meta") or value.get("usage") or {})
    if isinstance(cohere, dict) and "billed_units" in cohere:
        return cohere["billed_units"]
    for key in ("usage", "usageMetadata"):
        if isinstance(value.get(key), dict):
            return value[key]
    if "prompt_eval_count" in value:
        return value
    if "inputTextTokenCount" in value:
        return {"input_tokens": value["inputTextTokenCount"],
                "output_tokens": sum(item.get("tokenCount", 0) for item in value.get("results", []))}
    if "prompt_token_count" in value:
        return {"input_tokens": value["prompt_token_count"], "output_tokens": value["generation_token_count"]}
    return {}


def plain(body):
    """What one unstreamed answer says."""
    seen = {"text": [], "finish": [], "tools": []}
    seen["model"] = body.get("model") or body.get("modelVersion")
    seen["usage"] = numbers(find_usage(body))
    for choice in body.get("choices") or []:
        seen["finish"].append(choice.get("finish_reason"))
        message = choice.get("message") or choice.get("delta") or {}
        seen["text"] += [choice.get("text"), message.get("content"), message.get("refusal")]
        seen["tools"] += [(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or []]
    if isinstance(body.get("content"), list) and body.get("role") == "assistant" and "object" not in body:
        seen["finish"].append(body.get("stop_reason"))
        for block in body["content"]:
            seen["text"].append(block.get("text"))
            if block["type"].endswith("tool_use"):
                seen["tools"].append((block["name"], block["input"]))
    if body.get("object") == "response":
        seen["finish"].append((body.get("incomplete_details") or {}).get("reason") or body.get("status"))
        for item in body.get("output") or []:
            seen["text"] += [part.get("text") or part.get("refusal") for part in item.get("content") or [] if item["type"] == "message"]
            if item["type"] == "function_call":
                seen["tools"].append((item["name"], item["arguments"]))
    for candidate in body.get("candidates") or []:
        seen["finish"].append(candidate.get("finishReason"))
        for part in candidate.get("content", {}).get("parts", []):
            seen["text"].append(part.get("text") if not part.get("thought") else None)
            if "functionCall" in part:
                seen["tools"].append((part["functionCall"]["name"], part["functionCall"]["args"]))
    return seen


def streamed(found):
    """What the pieces of a stream add up to; the forms that recordings hold."""
    final = [item["response"] for item in found if item.get("type") in ("response.completed", "response.incomplete", "response.failed")]
    if final:
        return plain(final[-1])
    if not any("choices" in item for item in found) and not any(item.get("type") == "message_start" for item in found):
        return None
    texts, finish, tools, usage, model = {}, {}, {}, {}, None
    for item in found:
        message = item.get("message") if isinstance(item.get("message"), dict) else {}
        model = item.get("model") or message.get("model") or model
        for part in (find_usage(item), message.get("usage"), (item.get("x_groq") or {}).get("usage")):
            usage.update({key: value for key, value in (part or {}).items() if value is not None})
        for choice in item.get("choices") or []:
            index, delta = choice.get("index", 0), choice.get("delta") or {}
            texts[index] = texts.get(index, "") + (choice.get("text") or "") + (delta.get("content") or "")
            finish[index] = choice.get("finish_reason") or finish.get(index)
            for call in delta.get("tool_calls") or []:
                slot = tools.setdefault((index, call.get("index", len(tools))), ["", ""])
                slot[0] = call.get("function", {}).get("name") or slot[0]
                slot[1] += call.get("function", {}).get("arguments") or ""
        index, delta = item.get("index", 0), item.get("delta") if isinstance(item.get("delta"), dict) else {}
        if item.get("type") == "content_block_start" and item["content_block"]["type"].endswith("tool_use"):
            tools[index] = [item["content_block"]["name"], ""]
        if item.get("type") == "content_block_delta":
            texts[index] = texts.get(index, "") + delta.get("text", "")
            if "partial_json" in delta:
                tools[index][1] += delta["partial_json"]
        if item.get("type") == "message_delta":
            finish[0] = delta.get("stop_reason") or finish.get(0)
    return {"text": list(texts.values()), "finish": list(finish.values()), "tools": [tuple(call) for call in tools.values()],
            "usage": numbers(usage), "model": model}


def expected(recording):
    response = recording["response"]
    body = response.get("body")
    if not 200 <= response["status"] < 300 or body is None and "body_base64" not in response:
        return None
    if "body_base64" in response:
        try:
            body = base64.b64decode(response["body_base64"]).decode()
        except UnicodeDecodeError:
            return None
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return streamed(events(body))
    return plain(body) if isinstance(body, dict) else None


def arguments(value):
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def main():
    program, *files = sys.argv[1:]
    lines = [line for name in files for line in open(name, encoding="utf-8") if line.strip()]
    answers = subprocess.run([program], input="".join(lines), capture_output=True, text=True, check=True).stdout.splitlines()
    compared, wrong = 0, 0
    for line, answer in zip(lines, map(json.loads, answers), strict=True):
        recording = json.loads(line)
        want = expected(recording)
        if want is None:
            continue
        checks = []
        flat = lambda text: text if isinstance(text, str) else "\n".join(part.get("text", "") for part in text if isinstance(part, dict))
        text = "\n".join(flat(part) for part in want["text"] if part)
        counted = answer["usage"] or {}
        entered, left = want["usage"]
        if text:
            checks.append(("text", text, answer["output_text"]))
        if want["model"]:
            checks.append(("model", want["model"], answer["model"]))
        if any(want["finish"]):
            checks.append(("finish", [reason for reason in want["finish"] if reason], answer["finish_reasons"]))
        if want["tools"]:
            checks.append(("tools", [(name, arguments(given)) for name, given in want["tools"]],
                           [(call["name"], arguments(call["arguments"])) for call in answer["tool_calls"]]))
        if entered is not None and answer["usage_state"] != "not_applicable":
            checks.append(("input", int(entered), counted.get("input_tokens", 0)))
        if left is not None and answer["usage_state"] != "not_applicable":
            checks.append(("output", int(left), counted.get("output_tokens", 0)))
        compared += len(checks)
        for what, wanted, got in checks:
            if wanted != got:
                wrong += 1
                print(f"{recording.get('id')} {recording['request']['url']}: {what} is {got!r}, expected {wanted!r}"[:600])
    print(f"{len(lines)} exchanges, {compared} comparisons, {wrong} differences")
    sys.exit(2 if compared == 0 else min(wrong, 1))


if __name__ == "__main__":
    main()
