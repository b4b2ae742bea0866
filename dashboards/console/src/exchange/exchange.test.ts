import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readRequest } from "./request";
import { readResponse } from "./response";

describe("requests", () => {
  it("reads chat messages, settings and tools", () => {
    const body = JSON.stringify({
      model: "gpt-4o",
      temperature: 0.2,
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "Hi" },
            { type: "image_url", image_url: {} },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", function: { name: "lookup", arguments: '{"a":1}' } }],
        },
        { role: "tool", tool_call_id: "c1", content: "42" },
      ],
      tools: [{ type: "function", function: { name: "lookup" } }],
    });
    const request = readRequest(body);
    expect(request?.turns).toEqual([
      { role: "system", parts: [{ kind: "text", text: "Be brief." }] },
      {
        role: "user",
        parts: [
          { kind: "text", text: "Hi" },
          { kind: "media", label: "image url" },
        ],
      },
      {
        role: "assistant",
        parts: [{ kind: "tool_call", name: "lookup", id: "c1", input: '{\n  "a": 1\n}' }],
      },
      { role: "tool", parts: [{ kind: "tool_result", id: "c1", text: "42" }] },
    ]);
    expect(request?.settings).toEqual([
      { name: "model", value: "gpt-4o" },
      { name: "temperature", value: "0.2" },
    ]);
    expect(request?.tools).toEqual(["lookup"]);
  });

  it("puts Anthropic's system text first", () => {
    const request = readRequest({ system: "Rules", messages: [{ role: "user", content: "Q" }] });
    expect(request?.turns.map((turn) => turn.role)).toEqual(["system", "user"]);
  });

  it("reads the input of the Responses API, text or items", () => {
    expect(readRequest({ input: "Q" })?.turns).toHaveLength(1);
    const items = [
      { role: "user", content: "Q" },
      { type: "function_call_output", call_id: "c", output: "ok" },
    ];
    expect(readRequest({ input: items })?.turns[1]?.parts).toEqual([
      { kind: "tool_result", id: "c", text: "ok" },
    ]);
  });

  it("says null for what is not a conversation", () => {
    expect(readRequest("plain text")).toBeNull();
    expect(readRequest(null)).toBeNull();
    expect(readRequest("{}")).toBeNull();
  });
});

describe("responses", () => {
  it("gives one turn per choice", () => {
    const choices = [
      { message: { role: "assistant", content: "A" } },
      { message: { role: "assistant", content: "B" } },
    ];
    expect(readResponse({ choices })).toHaveLength(2);
  });

  it("shows a provider's error as an error", () => {
    const turns = readResponse('{"error":{"type":"rate_limit_error","message":"slow down"}}');
    expect(turns).toEqual([
      { role: "error", parts: [{ kind: "error", text: "rate_limit_error: slow down" }] },
    ]);
  });

  it("joins the deltas of a chat stream, tool calls included", () => {
    const chunks = [
      { choices: [{ index: 0, delta: { role: "assistant", content: "Hel" } }] },
      { choices: [{ index: 0, delta: { content: "lo" } }] },
      {
        choices: [
          {
            index: 0,
            delta: { tool_calls: [{ index: 0, id: "c", function: { name: "f", arguments: '{"x"' } }] },
          },
        ],
      },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] } }] },
    ];
    const body = `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`;
    expect(readResponse(body)).toEqual([
      {
        role: "assistant",
        parts: [
          { kind: "text", text: "Hello" },
          { kind: "tool_call", name: "f", id: "c", input: '{\n  "x": 1\n}' },
        ],
      },
    ]);
  });

  it("joins an Anthropic stream and keeps an error that ended it", () => {
    const body = [
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
      'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half an ans"}}',
      'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
    ].join("\n\n");
    expect(readResponse(body)?.map((turn) => turn.parts[0])).toEqual([
      { kind: "text", text: "Half an ans" },
      { kind: "error", text: "overloaded_error: Overloaded" },
    ]);
  });
});

interface Recording {
  id: string;
  request: { url: string; body?: string };
  response: { status: number; content_type?: string; body?: string };
}

const recordings = fileURLToPath(new URL("../../../../../shared/recordings/", import.meta.url));

describe.skipIf(!existsSync(recordings))("recorded exchanges of real providers", () => {
  for (const file of existsSync(recordings) ? readdirSync(recordings) : []) {
    it(`${file}: text answers of chat calls are shown as a conversation`, () => {
      const lines = readFileSync(recordings + file, "utf8")
        .split("\n")
        .filter(Boolean);
      const unread = lines
        .map((line) => JSON.parse(line) as Recording)
        .filter((entry) => /chat|messages|responses|converse|generateContent/i.test(entry.request.url))
        .filter((entry) => !entry.request.url.includes("/threads/"))
        .filter((entry) => entry.response.status === 200 && entry.response.body && entry.request.body)
        .filter((entry) => /json|event-stream/.test(entry.response.content_type ?? ""))
        .filter((entry) => !readRequest(entry.request.body) || !readResponse(entry.response.body));
      expect(unread.map((entry) => `${entry.id} ${entry.request.url}`)).toEqual([]);
    });
  }
});
