import {
  asList,
  asText,
  contentParts,
  isObject,
  type Json,
  messageTurn,
  type Part,
  pretty,
  type Turn,
  toolCall,
  turnsOf,
} from "./turns";

/** A response that is one JSON document. */
export function readDocument(json: Json): Turn[] | null {
  const failure = errorPart(json);
  if (failure) return [{ role: "error", parts: [failure] }];
  if (Array.isArray(json.choices)) return json.choices.filter(isObject).map(choiceTurn);
  if (Array.isArray(json.output)) return mergeAssistant(turnsOf(json.output));
  if (isObject(json.output)) return turnsOf([json.output.message]);
  if (Array.isArray(json.candidates)) {
    return turnsOf(json.candidates.filter(isObject).map((candidate) => candidate.content)).map((turn) => ({
      ...turn,
      role: turn.role === "model" ? "assistant" : turn.role,
    }));
  }
  const vectors = vectorParts(json);
  if (vectors) return [{ role: "assistant", parts: vectors }];
  if (isObject(json.message)) return turnsOf([json.message]);
  if (json.content !== undefined)
    return [{ role: asText(json.role) || "assistant", parts: contentParts(json.content) }];
  const single = json.completion ?? json.response ?? json.text ?? json.generation;
  if (typeof single === "string") {
    const calls = asList(json.tool_calls).filter(isObject).map(toolCall);
    return [{ role: "assistant", parts: [...contentParts(single), ...calls] }];
  }
  return null;
}

function choiceTurn(choice: Json): Turn {
  const turn = messageTurn(choice.message ?? choice.text);
  return turn ? { ...turn, role: "assistant" } : { role: "assistant", parts: [] };
}

/** The Responses API answers a list of items; neighbours of the assistant belong to one turn. */
function mergeAssistant(turns: Turn[]): Turn[] {
  return turns.reduce<Turn[]>((merged, turn) => {
    const last = merged.at(-1);
    if (last && last.role === turn.role) last.parts.push(...turn.parts);
    else merged.push({ role: turn.role, parts: [...turn.parts] });
    return merged;
  }, []);
}

function errorPart(json: Json): Part | null {
  const { error } = json;
  if (typeof error === "string" && error) return { kind: "error", text: error };
  if (!isObject(error)) return null;
  const name = asText(error.type) || asText(error.code) || asText(error.status);
  const message = asText(error.message) || pretty(error);
  return { kind: "error", text: name ? `${name}: ${message}` : message };
}

function vectorParts(json: Json): Part[] | null {
  const entries = asList(json.data ?? json.embeddings).filter(
    (entry) => Array.isArray(entry) || (isObject(entry) && entry.embedding !== undefined),
  );
  const first = entries[0];
  if (first === undefined) return null;
  const vector = isObject(first) ? first.embedding : first;
  const size = Array.isArray(vector) ? ` of ${vector.length} numbers` : "";
  return [{ kind: "media", label: `${entries.length} embedding${entries.length === 1 ? "" : "s"}${size}` }];
}
