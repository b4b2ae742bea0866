import { readDocument } from "./document";
import { asJson, asList, asText, isObject, type Json, type Part, pretty, type Turn } from "./turns";

/** The JSON documents in server-sent events or newline-delimited JSON, in order. */
export function streamEvents(body: string): Json[] {
  const events: Json[] = [];
  for (const line of body.split(/\r?\n/)) {
    const text = line.startsWith("data:") ? line.slice(5).trim() : line.trim();
    if (!text.startsWith("{")) continue;
    const json = asJson(text);
    if (isObject(json)) events.push(json);
  }
  return events;
}

/** What a stream's chunks add up to. */
class Assembly {
  readonly #choices = new Map<string, Map<string, Part>>();

  /** Adds to the part `key` of choice `choice`, making it first when it is new. */
  add(choice: string, key: string, fresh: Part, change: (part: Part) => void): void {
    const parts = this.#choices.get(choice) ?? new Map<string, Part>();
    this.#choices.set(choice, parts);
    const part = parts.get(key) ?? fresh;
    parts.set(key, part);
    change(part);
  }

  text(choice: string, key: string, text: string): void {
    if (!text) return;
    this.add(choice, key, { kind: "text", text: "" }, (part) => {
      if (part.kind === "text") part.text += text;
    });
  }

  reasoning(choice: string, key: string, text: string): void {
    if (!text) return;
    this.add(choice, key, { kind: "reasoning", text: "" }, (part) => {
      if (part.kind === "reasoning") part.text += text;
    });
  }

  tool(choice: string, key: string, name: string, id: string, input: string): void {
    this.add(choice, key, { kind: "tool_call", name: "", id: "", input: "" }, (part) => {
      if (part.kind !== "tool_call") return;
      part.name ||= name;
      part.id ||= id;
      part.input += input;
    });
  }

  turns(): Turn[] {
    return [...this.#choices.values()].map((parts) => ({
      role: "assistant",
      parts: [...parts.values()].map((part) =>
        part.kind === "tool_call" ? { ...part, name: part.name || "tool", input: pretty(part.input) } : part,
      ),
    }));
  }
}

/** Puts a recorded stream together; null when none of its events is of a known kind. */
export function readStream(body: string): Turn[] | null {
  const events = streamEvents(body);
  if (events.length === 0) return null;

  // The Responses API repeats everything in its last event.
  const completed = events.findLast((event) => asText(event.type) === "response.completed");
  if (completed && isObject(completed.response)) {
    const turns = readDocument(completed.response);
    if (turns) return turns;
  }

  const assembly = new Assembly();
  const failures: Turn[] = [];
  for (const event of events) {
    if (event.error) failures.push(...(readDocument({ error: event.error }) ?? []));
    else addEvent(assembly, event);
  }
  const turns = [...assembly.turns(), ...failures];
  return turns.length > 0 ? turns : null;
}

function addEvent(assembly: Assembly, event: Json): void {
  const type = asText(event.type);
  if (Array.isArray(event.choices)) addChatChunk(assembly, event.choices);
  else if (type.startsWith("content_block_")) addAnthropic(assembly, event, type);
  else if (type.startsWith("response.")) addResponses(assembly, event, type);
  else if (Array.isArray(event.candidates)) addDocument(assembly, event);
  else if (isObject(event.message) || typeof event.response === "string") addDocument(assembly, event);
}

function addChatChunk(assembly: Assembly, choices: unknown[]): void {
  for (const choice of choices.filter(isObject)) {
    const index = String(choice.index ?? 0);
    const delta = isObject(choice.delta) ? choice.delta : {};
    assembly.reasoning(index, "reasoning", asText(delta.reasoning_content) || asText(delta.reasoning));
    assembly.text(index, "text", asText(delta.content) || asText(choice.text));
    for (const call of asList(delta.tool_calls).filter(isObject)) {
      const fn = isObject(call.function) ? call.function : {};
      assembly.tool(index, `tool ${call.index ?? 0}`, asText(fn.name), asText(call.id), asText(fn.arguments));
    }
  }
}

function addAnthropic(assembly: Assembly, event: Json, type: string): void {
  const key = String(event.index ?? 0);
  if (type === "content_block_start" && isObject(event.content_block)) {
    const block = event.content_block;
    if (asText(block.type).endsWith("tool_use"))
      assembly.tool("0", key, asText(block.name), asText(block.id), "");
    assembly.text("0", key, asText(block.text));
    return;
  }
  if (!isObject(event.delta)) return;
  const { delta } = event;
  if (typeof delta.partial_json === "string") assembly.tool("0", key, "", "", delta.partial_json);
  assembly.text("0", key, asText(delta.text));
  assembly.reasoning("0", key, asText(delta.thinking));
}

function addResponses(assembly: Assembly, event: Json, type: string): void {
  const key = asText(event.item_id) || String(event.output_index ?? 0);
  if (type === "response.output_text.delta") assembly.text("0", key, asText(event.delta));
  if (type === "response.reasoning_summary_text.delta") assembly.reasoning("0", key, asText(event.delta));
  if (type === "response.function_call_arguments.delta") assembly.tool("0", key, "", "", asText(event.delta));
  if (type === "response.output_item.added" && isObject(event.item) && event.item.type === "function_call") {
    assembly.tool("0", asText(event.item.id), asText(event.item.name), asText(event.item.call_id), "");
  }
}

/** Gemini and Ollama stream whole documents that each hold the next piece. */
function addDocument(assembly: Assembly, event: Json): void {
  for (const [choice, turn] of (readDocument(event) ?? []).entries()) {
    for (const part of turn.parts) {
      if (part.kind === "text") assembly.text(String(choice), "text", part.text);
      else assembly.add(String(choice), `${part.kind} ${pretty(part)}`, part, () => {});
    }
  }
}
