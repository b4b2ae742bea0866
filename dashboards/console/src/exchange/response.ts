import { readDocument } from "./document";
import { readStream } from "./stream";
import { asJson, isObject, type Turn } from "./turns";

/** Reads a response's body as turns: one per choice. Null when the body has no known shape. */
export function readResponse(body: unknown): Turn[] | null {
  const json = asJson(body);
  const turns = isObject(json) ? readDocument(json) : typeof body === "string" ? readStream(body) : null;
  const filled = turns?.filter((turn) => turn.parts.length > 0) ?? [];
  return filled.length > 0 ? filled : null;
}
