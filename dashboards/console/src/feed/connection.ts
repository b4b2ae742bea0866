import type { Problem } from "../api/problem";
import { problemFrom } from "../api/problem";
import type { LogSummary } from "../api/types";

/** What the server says on the feed. */
export type FeedMessage =
  | { type: "ready"; cursor: string }
  | { type: "record"; cursor: string; item: LogSummary }
  | { type: "missed"; count: number; cursor: string }
  | { type: "ping"; cursor?: string }
  | { type: "error"; problem: Problem };

/** What a feed may be narrowed to; the server refuses other keys. */
export interface FeedFilters {
  tenant?: string;
  application?: string;
  environment?: string;
  decision_type?: string;
  provider?: string;
  model?: string;
  session_id?: string;
  has_pii?: boolean;
  errors_only?: boolean;
}

export type FeedStatus =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "waiting"; retryMs: number; attempt: number }
  | { state: "refused"; problem: Problem }
  | { state: "closed" };

/** The part of a WebSocket that the connection uses. */
export interface FeedSocket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
}

/** Everything with an effect comes from outside, so that a test can drive it step by step. */
export interface FeedEnvironment {
  open(): FeedSocket;
  /** Runs `task` later and returns how to cancel it. */
  later(task: () => void, delayMs: number): () => void;
  /** 0 <= x < 1. */
  random(): number;
  token(): string | null;
}

export interface FeedEvents {
  onStatus(status: FeedStatus): void;
  onRecord(item: LogSummary): void;
  onMissed(count: number): void;
  onUnauthorized(): void;
}

export const firstRetryMs = 500;
export const longestRetryMs = 30_000;
/** The server pings more often than this; a longer silence means the connection is dead. */
export const silenceLimitMs = 60_000;

/** The wait before attempt n (from 0): doubling, capped, of which the upper half is random. */
export function retryDelayMs(attempt: number, random: number): number {
  const ceiling = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(attempt, 16));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/**
 * The live feed over a WebSocket: reconnects with back-off and resumes at the last cursor, so a broken
 * connection loses nothing that the server still has.
 */
export class FeedConnection {
  readonly #environment: FeedEnvironment;
  readonly #events: FeedEvents;
  readonly #filters: FeedFilters;
  #socket: FeedSocket | null = null;
  #cursor: string | undefined;
  #attempt = 0;
  #cancelRetry: (() => void) | null = null;
  #cancelSilence: (() => void) | null = null;
  #ended = false;

  constructor(environment: FeedEnvironment, events: FeedEvents, filters: FeedFilters = {}, cursor?: string) {
    this.#environment = environment;
    this.#events = events;
    this.#filters = filters;
    this.#cursor = cursor;
  }

  /** Where the next connection would resume. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  start(): void {
    if (this.#socket || this.#ended) return;
    this.#events.onStatus({ state: "connecting" });
    const socket = this.#environment.open();
    this.#socket = socket;
    socket.onopen = () => this.#greet(socket);
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = () => this.#lost(socket);
    this.#watchSilence();
  }

  /** Connects now instead of waiting for the retry. */
  retryNow(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.start();
  }

  stop(): void {
    this.#finish();
    this.#events.onStatus({ state: "closed" });
  }

  #greet(socket: FeedSocket): void {
    const token = this.#environment.token();
    if (!token) {
      this.#finish();
      this.#events.onUnauthorized();
      return;
    }
    const hello = { token, filters: this.#filters, ...(this.#cursor ? { cursor: this.#cursor } : {}) };
    socket.send(JSON.stringify(hello));
  }

  #receive(socket: FeedSocket, data: unknown): void {
    if (socket !== this.#socket) return;
    const message = readMessage(data);
    if (!message) return;
    this.#watchSilence();
    switch (message.type) {
      case "ready":
        this.#attempt = 0;
        this.#cursor = message.cursor;
        this.#events.onStatus({ state: "live" });
        break;
      case "record":
        this.#cursor = message.cursor;
        this.#events.onRecord(message.item);
        break;
      case "missed":
        this.#cursor = message.cursor;
        this.#events.onMissed(message.count);
        break;
      case "error":
        this.#refused(message.problem);
        break;
      case "ping":
        if (message.cursor) this.#cursor = message.cursor;
        break;
    }
  }

  /** A refusal the client caused is final; trouble on the server's side is waited out. */
  #refused(problem: Problem): void {
    if (problem.status === 401) {
      this.#finish();
      this.#events.onUnauthorized();
      return;
    }
    const final = problem.status >= 400 && problem.status < 500 && problem.status !== 429;
    if (!final) {
      this.#socket?.close();
      return;
    }
    this.#finish();
    this.#events.onStatus({ state: "refused", problem });
  }

  #lost(socket: FeedSocket): void {
    if (socket !== this.#socket) return;
    this.#release();
    if (this.#ended) return;
    const retryMs = retryDelayMs(this.#attempt, this.#environment.random());
    this.#attempt += 1;
    this.#events.onStatus({ state: "waiting", retryMs, attempt: this.#attempt });
    this.#cancelRetry = this.#environment.later(() => {
      this.#cancelRetry = null;
      this.start();
    }, retryMs);
  }

  #watchSilence(): void {
    this.#cancelSilence?.();
    const socket = this.#socket;
    this.#cancelSilence = this.#environment.later(() => {
      if (!socket || socket !== this.#socket) return;
      // A half-open connection may never report its end, so the end is declared here.
      socket.close();
      this.#lost(socket);
    }, silenceLimitMs);
  }

  #finish(): void {
    this.#ended = true;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    const socket = this.#socket;
    this.#release();
    socket?.close();
  }

  #release(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = null;
    if (!this.#socket) return;
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket = null;
  }
}

/** A message, or null for one this version does not know. */
function readMessage(data: unknown): FeedMessage | null {
  if (typeof data !== "string") return null;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  const message = value as Record<string, unknown>;
  switch (message.type) {
    case "ready":
    case "record":
    case "missed":
    case "ping":
      return message as unknown as FeedMessage;
    case "error": {
      const problem = message.problem as { status?: unknown } | undefined;
      const status = typeof problem?.status === "number" ? problem.status : 500;
      return { type: "error", problem: problemFrom(status, problem) };
    }
    default:
      return null;
  }
}
