/** One exchange with a provider while it happens. */

import { randomBytes } from "node:crypto";
import { BodyBuffer } from "./body.js";
import type { Context, Fields } from "./context.js";

/** A version 7 UUID (RFC 9562). */
export function newEventId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** `timeout`, `cancelled` or `connection`: the same words in every SDK; and the error's name or code, never its text. */
export function errorOf(error: unknown): { type: string; message: string } {
  const { name = "Error", cause } = (error ?? {}) as { name?: string; cause?: { code?: unknown } };
  const code = typeof cause?.code === "string" ? cause.code : name;
  if (name === "TimeoutError" || /TIMEOUT|ETIMEDOUT/.test(code)) return { type: "timeout", message: code };
  if (name === "AbortError") return { type: "cancelled", message: code };
  return { type: "connection", message: code };
}

/** Whom a finished capture goes to. */
export interface Taker {
  take(capture: Capture): void;
}

/** Request, answer and times of one call; handed over once. */
export class Capture {
  readonly eventId = newEventId();
  readonly startedAtMs = Date.now();
  readonly attribution: Fields;
  readonly request: BodyBuffer;
  readonly response: BodyBuffer;
  /** Set while the request's bytes are still being gathered. */
  requestReady: Promise<void> | undefined;
  status: number | undefined;
  contentType: string | undefined;
  intentId: string | undefined;
  error: { type: string; message: string } | undefined;
  interrupted = false;
  closedEarly = false;
  firstChunkMs: number | undefined;
  durationMs = 0;
  private readonly started = performance.now();
  private over = false;

  constructor(
    private readonly taker: Taker,
    readonly provider: string | undefined,
    readonly method: string,
    readonly url: string,
    context: Context | undefined,
    readonly traceparent: string | undefined,
    limit: number,
  ) {
    this.attribution = context?.fields ?? {};
    this.request = new BodyBuffer(limit);
    this.response = new BodyBuffer(limit);
  }

  /** Bytes of the answer's body, as they are handed to the caller. */
  chunk(data: Uint8Array): void {
    this.firstChunkMs ??= performance.now() - this.started;
    this.response.add(data);
  }

  /** The call or its stream broke. */
  failed(error: unknown): void {
    if (this.over) return;
    this.interrupted = this.status !== undefined;
    this.error = errorOf(error);
    this.finish();
  }

  /** The caller is done before the body had ended; the event's maker decides whether that broke it off. */
  closed(): void {
    if (this.over) return;
    this.closedEarly = true;
    this.finish();
  }

  /** The body has ended. */
  finish(): void {
    if (this.over) return;
    this.over = true;
    this.durationMs = performance.now() - this.started;
    this.taker.take(this);
  }

  /** What it holds while it waits, roughly. */
  get memoryBytes(): number {
    return this.request.held + this.response.held + 2_048;
  }
}
