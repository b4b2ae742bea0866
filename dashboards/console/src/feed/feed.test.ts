import { beforeEach, describe, expect, it } from "vitest";
import type { LogSummary } from "../api/types";
import { emptyBuffer, pendingLimit, reduceFeed, shownLimit } from "./buffer";
import {
  FeedConnection,
  type FeedSocket,
  type FeedStatus,
  longestRetryMs,
  retryDelayMs,
  silenceLimitMs,
} from "./connection";

const record = (eventId: string) => ({ event_id: eventId }) as LogSummary;

class FakeSocket implements FeedSocket {
  readonly sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** A world in which time passes only when the test says so. */
class World {
  readonly sockets: FakeSocket[] = [];
  readonly statuses: FeedStatus[] = [];
  readonly records: string[] = [];
  readonly missed: number[] = [];
  readonly timers = new Map<number, { task: () => void; delayMs: number }>();
  unauthorized = 0;
  token: string | null = "t";
  #nextTimer = 0;

  connection(filters = {}, cursor?: string) {
    return new FeedConnection(
      {
        open: () => {
          const socket = new FakeSocket();
          this.sockets.push(socket);
          return socket;
        },
        later: (task, delayMs) => {
          const id = this.#nextTimer++;
          this.timers.set(id, { task, delayMs });
          return () => this.timers.delete(id);
        },
        random: () => 0,
        token: () => this.token,
      },
      {
        onStatus: (status) => this.statuses.push(status),
        onRecord: (item) => this.records.push(item.event_id),
        onMissed: (count) => this.missed.push(count),
        onUnauthorized: () => {
          this.unauthorized += 1;
        },
      },
      filters,
      cursor,
    );
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  fire(delayMs: number) {
    const due = [...this.timers].find(([, timer]) => timer.delayMs === delayMs);
    if (!due)
      throw new Error(
        `no timer of ${delayMs} ms; there are ${[...this.timers.values()].map((t) => t.delayMs)}`,
      );
    this.timers.delete(due[0]);
    due[1].task();
  }
}

describe("feed connection", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  it("greets with the token and the filters, then is live", () => {
    world.connection({ application: "loan-desk" }).start();
    world.socket.onopen?.();
    expect(JSON.parse(world.socket.sent[0] ?? "")).toEqual({
      token: "t",
      filters: { application: "loan-desk" },
    });
    world.socket.say({ type: "ready", cursor: "c0" });
    expect(world.statuses).toEqual([{ state: "connecting" }, { state: "live" }]);
  });

  it("resumes at the last cursor after the connection broke", () => {
    const connection = world.connection();
    connection.start();
    world.socket.onopen?.();
    world.socket.say({ type: "ready", cursor: "c0" });
    world.socket.say({ type: "record", cursor: "c1", item: record("a") });
    world.socket.say({ type: "missed", cursor: "c5", count: 8 });
    world.socket.say({ type: "ping", cursor: "c9" });
    world.socket.onclose?.();
    expect(world.statuses.at(-1)).toEqual({ state: "waiting", retryMs: 250, attempt: 1 });
    world.fire(250);
    world.socket.onopen?.();
    expect(JSON.parse(world.socket.sent[0] ?? "")).toMatchObject({ cursor: "c9" });
    expect(world.records).toEqual(["a"]);
    expect(world.missed).toEqual([8]);
  });

  it("waits longer each time, to a limit, and forgets it once live", () => {
    world.connection().start();
    for (const delay of [250, 500, 1000]) {
      world.socket.onclose?.();
      world.fire(delay);
    }
    world.socket.onopen?.();
    world.socket.say({ type: "ready", cursor: "c" });
    world.socket.onclose?.();
    expect(world.statuses.at(-1)).toMatchObject({ retryMs: 250 });
    expect(retryDelayMs(50, 0.999999)).toBe(longestRetryMs);
    expect(retryDelayMs(0, 0)).toBe(250);
  });

  it("takes a long silence for a dead connection, a ping for a sign of life", () => {
    world.connection().start();
    world.socket.onopen?.();
    world.socket.say({ type: "ready", cursor: "c" });
    world.socket.say({ type: "ping" });
    expect([...world.timers.values()].filter((timer) => timer.delayMs === silenceLimitMs)).toHaveLength(1);
    const silent = world.socket;
    world.fire(silenceLimitMs);
    expect(silent.closed).toBe(true);
    expect(world.statuses.at(-1)).toMatchObject({ state: "waiting" });
  });

  it("ends on 401 and reports it once", () => {
    world.connection().start();
    world.socket.onopen?.();
    world.socket.say({ type: "error", problem: { status: 401, title: "expired" } });
    expect(world.unauthorized).toBe(1);
    expect(world.socket.closed).toBe(true);
    expect(world.timers.size).toBe(0);
  });

  it("does not greet without a token", () => {
    world.connection().start();
    world.token = null;
    world.socket.onopen?.();
    expect(world.socket.sent).toEqual([]);
    expect(world.unauthorized).toBe(1);
  });

  it("stops on a refusal, waits out a server fault", () => {
    world.connection().start();
    world.socket.say({ type: "error", problem: { status: 400, title: "bad filter" } });
    expect(world.statuses.at(-1)).toMatchObject({ state: "refused", problem: { title: "bad filter" } });

    const other = new World();
    other.connection().start();
    other.socket.say({ type: "error", problem: { status: 503 } });
    expect(other.socket.closed).toBe(true);
    other.socket.onclose?.();
    expect(other.statuses.at(-1)).toMatchObject({ state: "waiting" });
  });

  it("reconnects at once when asked, and only once", () => {
    const connection = world.connection();
    connection.start();
    world.socket.onclose?.();
    connection.retryNow();
    connection.retryNow();
    expect(world.sockets).toHaveLength(2);
    expect([...world.timers.values()].map((timer) => timer.delayMs)).toEqual([silenceLimitMs]);
  });

  it("leaves nothing behind when stopped", () => {
    const connection = world.connection();
    connection.start();
    connection.stop();
    connection.start();
    expect(world.timers.size).toBe(0);
    expect(world.sockets).toHaveLength(1);
    expect(world.statuses.at(-1)).toEqual({ state: "closed" });
  });

  it("passes over what it cannot read", () => {
    world.connection().start();
    world.socket.onmessage?.({ data: "not json" });
    world.socket.say({ type: "new-in-a-later-version" });
    world.socket.say(null);
    expect(world.statuses).toEqual([{ state: "connecting" }]);
  });
});

describe("feed buffer", () => {
  const records = (count: number) => Array.from({ length: count }, (_, index) => record(`e${index}`));

  it("keeps the newest first and a bounded number", () => {
    const buffer = reduceFeed(emptyBuffer, { type: "records", items: records(shownLimit + 5) });
    expect(buffer.shown).toHaveLength(shownLimit);
    expect(buffer.shown[0]).toMatchObject({ item: { event_id: `e${shownLimit + 4}` } });
    expect(buffer.received).toBe(shownLimit + 5);
  });

  it("holds back while paused and shows it afterwards in order", () => {
    let buffer = reduceFeed(emptyBuffer, { type: "records", items: [record("a")] });
    buffer = reduceFeed(buffer, { type: "pause" });
    buffer = reduceFeed(buffer, { type: "records", items: [record("b"), record("c")] });
    expect(buffer.shown).toHaveLength(1);
    buffer = reduceFeed(buffer, { type: "resume" });
    expect(buffer.shown.map((line) => line.kind === "record" && line.item.event_id)).toEqual(["c", "b", "a"]);
  });

  it("names what a long pause could not hold, counting nothing twice", () => {
    let buffer = reduceFeed(emptyBuffer, { type: "pause" });
    buffer = reduceFeed(buffer, { type: "missed", count: 5 });
    buffer = reduceFeed(buffer, { type: "records", items: records(pendingLimit + 2) });
    buffer = reduceFeed(buffer, { type: "resume" });
    expect(buffer.missed).toBe(5 + 2);
    expect(new Set(buffer.shown.map((line) => line.id)).size).toBe(buffer.shown.length);
  });

  it("forgets on clear but keeps numbering", () => {
    const full = reduceFeed(emptyBuffer, { type: "records", items: records(3) });
    expect(reduceFeed(full, { type: "clear" })).toEqual({ ...emptyBuffer, nextId: 3 });
  });
});
