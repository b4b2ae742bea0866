import {
  asJson,
  asList,
  asText,
  contentParts,
  isObject,
  type Json,
  pretty,
  type Turn,
  turnsOf,
} from "./turns";

export interface ReadRequest {
  turns: Turn[];
  /** Everything that is not conversation: model, temperature, limits. */
  settings: { name: string; value: string }[];
  /** Names of the tools the model was offered. */
  tools: string[];
}

const conversationKeys = new Set([
  "messages",
  "system",
  "input",
  "instructions",
  "prompt",
  "contents",
  "systemInstruction",
  "system_instruction",
  "message",
  "chat_history",
  "preamble",
  "texts",
  "tools",
  "functions",
  "toolConfig",
]);

/** Reads a request's body as a conversation; null when it is not JSON of a known shape. */
export function readRequest(body: unknown): ReadRequest | null {
  const json = asJson(body);
  if (!isObject(json)) return null;
  const turns = [...systemTurns(json), ...conversation(json)].filter((turn) => turn.parts.length > 0);
  if (turns.length === 0) return null;
  return { turns, settings: settingsOf(json), tools: toolNames(json) };
}

function systemTurns(json: Json): Turn[] {
  const gemini = json.systemInstruction ?? json.system_instruction;
  const content =
    json.system ?? json.instructions ?? json.preamble ?? (isObject(gemini) ? gemini.parts : gemini);
  const parts = contentParts(content);
  return parts.length > 0 ? [{ role: "system", parts }] : [];
}

function conversation(json: Json): Turn[] {
  if (Array.isArray(json.messages)) return turnsOf(json.messages);
  if (Array.isArray(json.contents)) return turnsOf(json.contents);
  if (typeof json.message === "string") {
    const history = asList(json.chat_history).filter(isObject);
    const earlier = history.map((entry) => ({
      role: asText(entry.role).toLowerCase() || "user",
      parts: contentParts(entry.message ?? entry.content),
    }));
    return [...earlier, { role: "user", parts: contentParts(json.message) }];
  }
  const single = json.input ?? json.prompt ?? json.texts ?? json.inputText ?? json.inputs;
  if (typeof single === "string") return [{ role: "user", parts: contentParts(single) }];
  return turnsOf(single);
}

function settingsOf(json: Json): { name: string; value: string }[] {
  return Object.entries(json)
    .filter(([name, value]) => !conversationKeys.has(name) && value !== null)
    .map(([name, value]) => ({ name, value: typeof value === "object" ? pretty(value) : String(value) }));
}

function toolNames(json: Json): string[] {
  const holder = isObject(json.toolConfig) ? json.toolConfig.tools : (json.tools ?? json.functions);
  return asList(holder)
    .filter(isObject)
    .flatMap((tool) => {
      const declared = asList(tool.functionDeclarations).filter(isObject);
      if (declared.length > 0) return declared.map((entry) => asText(entry.name));
      const spec = isObject(tool.function) ? tool.function : isObject(tool.toolSpec) ? tool.toolSpec : tool;
      return [asText(spec.name) || asText(spec.type)];
    })
    .filter(Boolean);
}
