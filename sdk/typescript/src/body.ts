/** Bodies: kept up to a limit while they pass, cut so that the event fits. */

import { createHash, type Hash } from "node:crypto";

/** The first `limit` bytes of a body, its whole length, and its SHA-256 once it is longer than the limit. */
export class BodyBuffer {
  private parts: Uint8Array[] = [];
  private keptBytes = 0;
  private hash: Hash | undefined;
  total = 0;

  constructor(readonly limit: number) {}

  /** Takes the next bytes. They are copied when `mine` is not said, because their owner may reuse them. */
  add(chunk: Uint8Array, mine = false): void {
    const room = this.limit - this.keptBytes;
    if (this.hash) {
      this.hash.update(chunk);
    } else if (chunk.length > room) {
      this.hash = createHash("sha256");
      for (const part of this.parts) this.hash.update(part);
      this.hash.update(chunk);
    }
    this.total += chunk.length;
    if (room <= 0) return;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    this.parts.push(mine ? kept : kept.slice());
    this.keptBytes += kept.length;
  }

  /** The bytes that were kept. */
  kept(): Buffer {
    return Buffer.concat(this.parts);
  }

  /** Bytes held. */
  get held(): number {
    return this.keptBytes;
  }

  /** Whether nothing was left out. */
  get whole(): boolean {
    return this.hash === undefined;
  }

  /** Digest of the whole body. */
  sha256(): string {
    return (this.hash?.copy() ?? createHash("sha256").update(this.kept())).digest("hex");
  }
}

/** A body as the event holds it. */
export interface EncodedBody {
  key: "body" | "body_base64";
  value: string;
}

/** Text when it is UTF-8, base64 otherwise. */
export function textOrBase64(data: Uint8Array, wasCut: boolean): EncodedBody {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return { key: "body", value: decoder.decode(data) };
  } catch {
    // Our own cut may go through a character; that does not make the body binary.
    for (let dropped = 1; wasCut && dropped < 4 && dropped < data.length; dropped++) {
      try {
        return { key: "body", value: decoder.decode(data.subarray(0, data.length - dropped)) };
      } catch {
        // One byte less, then.
      }
    }
    return { key: "body_base64", value: Buffer.from(data).toString("base64") };
  }
}

/** Bytes of a string inside JSON, without its quotes. */
export function jsonLength(value: string): number {
  return Buffer.byteLength(JSON.stringify(value)) - 2;
}

/** The longest prefix whose JSON form has at most `budget` bytes; base64 is cut at whole groups of four. */
function cutTo(body: EncodedBody, budget: number): EncodedBody {
  if (jsonLength(body.value) <= budget) return body;
  let low = 0;
  let high = Math.min(body.value.length, Math.max(budget, 0));
  while (low < high) {
    const middle = Math.floor((low + high + 1) / 2);
    if (jsonLength(prefix(body.value, middle)) <= budget) low = middle;
    else high = middle - 1;
  }
  if (body.key === "body_base64") low -= low % 4;
  return { key: body.key, value: prefix(body.value, low) };
}

/** Never ends inside a surrogate pair. */
function prefix(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

export type Bodies = { request?: EncodedBody; response?: EncodedBody };

/**
 * Cuts the bodies so that both together take at most `budget` bytes of JSON. The smaller one stays whole when it fits
 * half the budget; otherwise each gets half.
 */
export function fit(bodies: Bodies, budget: number): Bodies {
  const { request, response } = bodies;
  const requestLength = request ? jsonLength(request.value) : 0;
  const responseLength = response ? jsonLength(response.value) : 0;
  if (requestLength + responseLength <= budget) return bodies;
  if (!request) return response ? { response: cutTo(response, budget) } : bodies;
  if (!response) return { request: cutTo(request, budget) };
  const half = Math.floor(budget / 2);
  if (requestLength <= half) return { request, response: cutTo(response, budget - requestLength) };
  if (responseLength <= half) return { request: cutTo(request, budget - responseLength), response };
  return { request: cutTo(request, half), response: cutTo(response, half) };
}
