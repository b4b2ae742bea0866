/** One exchange with a provider as a conversation, whatever the provider calls its fields. */

export type Part =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "tool_call"; name: string; id: string; input: string }
  | { kind: "tool_result"; id: string; text: string }
  | { kind: "media"; label: string }
  | { kind: "error"; text: string }
  | { kind: "other"; label: string; json: string };

export interface Turn {
  role: string;
  parts: Part[];
}

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A body as JSON: the API may send it as text or already parsed. Null when it is not JSON. */
export function asJson(body: unknown): unknown {
  if (typeof body !== "string") return body ?? null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** JSON for reading; text stays as it is. */
export function pretty(value: unknown): string {
  if (typeof value === "string") {
    const parsed = asJson(value);
    return parsed === null || typeof parsed !== "object" ? value : JSON.stringify(parsed, null, 2);
  }
  return value === undefined || value === null ? "" : JSON.stringify(value, null, 2);
}

const textTypes = new Set(["text", "input_text", "output_text", "refusal"]);
const reasoningTypes = new Set([
  "thinking",
  "reasoning",
  "redacted_thinking",
  "summary_text",
  "reasoning_text",
]);
const mediaTypes = /image|audio|video|file|document/;

/** The parts of a message's `content`: a text, a list of typed blocks, or one block. */
export function contentParts(content: unknown): Part[] {
  if (content === null || content === undefined || content === "") return [];
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (Array.isArray(content)) return content.flatMap(blockParts);
  return blockParts(content);
}

function blockParts(block: unknown): Part[] {
  if (typeof block === "string") return [{ kind: "text", text: block }];
  if (!isObject(block)) return [];
  const type = asText(block.type);

  if (textTypes.has(type) || (type === "" && typeof block.text === "string")) {
    return [{ kind: "text", text: asText(block.text) || asText(block.refusal) }];
  }
  if (reasoningTypes.has(type)) return [{ kind: "reasoning", text: reasoningText(block) }];
  if (type === "tool_use" || type === "server_tool_use" || type === "function_call") return [toolCall(block)];
  if (type === "tool_result" || type === "function_call_output") {
    const id = asText(block.tool_use_id) || asText(block.call_id);
    return [{ kind: "tool_result", id, text: flatText(block.content ?? block.output) }];
  }
  if (isObject(block.toolUse)) return [toolCall(block.toolUse)];
  if (isObject(block.toolResult)) {
    const id = asText(block.toolResult.toolUseId);
    return [{ kind: "tool_result", id, text: flatText(block.toolResult.content) }];
  }
  if (isObject(block.functionCall)) return [toolCall(block.functionCall)];
  if (isObject(block.functionResponse)) {
    const { name, response } = block.functionResponse;
    return [{ kind: "tool_result", id: asText(name), text: flatText(response) }];
  }
  const media = mediaTypes.test(type) ? type : Object.keys(block).find((key) => mediaTypes.test(key));
  if (media) return [{ kind: "media", label: mediaLabel(media, block) }];
  return [{ kind: "other", label: type || "content", json: pretty(block) }];
}

function reasoningText(block: Json): string {
  const direct = asText(block.thinking) || asText(block.text);
  if (direct) return direct;
  const summary = asList(block.summary).concat(asList(block.content));
  return (
    summary.map((entry) => (isObject(entry) ? asText(entry.text) : "")).join("\n") ||
    "(withheld by the provider)"
  );
}

function mediaLabel(type: string, block: Json): string {
  const holder = isObject(block.source)
    ? block.source
    : isObject(block.inlineData)
      ? block.inlineData
      : block;
  const mime = asText(holder.media_type) || asText(holder.mimeType);
  const name = asText(block.filename) || asText(block.file_id);
  return [type.replaceAll("_", " "), mime, name].filter(Boolean).join(" · ");
}

/** A call of a tool in any provider's spelling. */
export function toolCall(source: Json): Part {
  const fn = isObject(source.function) ? source.function : source;
  const input = fn.arguments ?? fn.input ?? fn.args ?? fn.parameters ?? "";
  return {
    kind: "tool_call",
    name: asText(fn.name) || "tool",
    id: asText(source.call_id) || asText(source.id) || asText(source.toolUseId),
    input: pretty(input),
  };
}

/** The text in a tool's result, which may be a text, blocks, or any JSON. */
function flatText(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content) && content.every((block) => isObject(block) && typeof block.text === "string")) {
    return content.map((block) => asText((block as Json).text)).join("\n");
  }
  return pretty(content);
}

/** A chat message of OpenAI, Anthropic, Mistral, Cohere, Ollama or Bedrock. */
export function messageTurn(message: unknown): Turn | null {
  if (typeof message === "string") return { role: "user", parts: [{ kind: "text", text: message }] };
  if (!isObject(message)) return null;
  const type = asText(message.type);
  if (type === "function_call") return { role: "assistant", parts: [toolCall(message)] };
  if (type === "function_call_output") return { role: "tool", parts: blockParts(message) };
  if (type === "reasoning") return { role: "assistant", parts: blockParts(message) };

  const role = asText(message.role) || (type === "message" ? "assistant" : type) || "user";
  if (role === "tool" || role === "function") {
    const id = asText(message.tool_call_id) || asText(message.name);
    return { role: "tool", parts: [{ kind: "tool_result", id, text: flatText(message.content) }] };
  }
  const reasoning =
    asText(message.reasoning_content) || asText(message.reasoning) || asText(message.thinking);
  const parts: Part[] = [
    ...(reasoning ? [{ kind: "reasoning", text: reasoning } as const] : []),
    ...contentParts(message.content ?? message.parts),
    ...(asText(message.refusal) ? [{ kind: "text", text: asText(message.refusal) } as const] : []),
    ...asList(message.tool_calls).filter(isObject).map(toolCall),
    ...(isObject(message.function_call) ? [toolCall(message.function_call)] : []),
  ];
  return { role, parts };
}

export function turnsOf(messages: unknown): Turn[] {
  return asList(messages)
    .map(messageTurn)
    .filter((turn): turn is Turn => turn !== null);
}
