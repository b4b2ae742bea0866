import type { LogSummary } from "../api/types";

/** One line of the feed: a record, or a note that some were not sent. */
export type FeedLine =
  | { kind: "record"; id: number; item: LogSummary }
  | { kind: "missed"; id: number; count: number };

export interface FeedBuffer {
  /** Newest first, at most `shownLimit`. */
  shown: readonly FeedLine[];
  /** What arrived while paused, newest first, at most `pendingLimit`. */
  pending: readonly FeedLine[];
  /** Arrived while paused and beyond the limit: named as missed when the pause ends. */
  overflow: number;
  paused: boolean;
  received: number;
  missed: number;
  nextId: number;
}

export const shownLimit = 500;
export const pendingLimit = 1000;

export const emptyBuffer: FeedBuffer = {
  shown: [],
  pending: [],
  overflow: 0,
  paused: false,
  received: 0,
  missed: 0,
  nextId: 0,
};

export type FeedAction =
  | { type: "records"; items: readonly LogSummary[] }
  | { type: "missed"; count: number }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "clear" };

/** What the feed shows after an action; pure, so that pausing and missing can be tested. */
export function reduceFeed(buffer: FeedBuffer, action: FeedAction): FeedBuffer {
  switch (action.type) {
    case "records":
      return action.items.reduce(
        (state, item) =>
          addLine({ ...state, received: state.received + 1 }, { kind: "record", id: state.nextId, item }),
        buffer,
      );
    case "missed": {
      const counted = { ...buffer, missed: buffer.missed + action.count };
      return addLine(counted, { kind: "missed", id: buffer.nextId, count: action.count });
    }
    case "pause":
      return { ...buffer, paused: true };
    case "resume":
      return resume(buffer);
    case "clear":
      return { ...emptyBuffer, nextId: buffer.nextId, paused: buffer.paused };
  }
}

function addLine(buffer: FeedBuffer, line: FeedLine): FeedBuffer {
  const nextId = buffer.nextId + 1;
  if (!buffer.paused) {
    return { ...buffer, nextId, shown: [line, ...buffer.shown].slice(0, shownLimit) };
  }
  if (buffer.pending.length < pendingLimit) {
    return { ...buffer, nextId, pending: [line, ...buffer.pending] };
  }
  const oldest = buffer.pending[buffer.pending.length - 1];
  const dropped = oldest?.kind === "missed" ? oldest.count : 1;
  // A note that is dropped was counted already; it is counted again with the overflow.
  const missed = oldest?.kind === "missed" ? buffer.missed - oldest.count : buffer.missed;
  const pending = [line, ...buffer.pending.slice(0, -1)];
  return { ...buffer, nextId, pending, missed, overflow: buffer.overflow + dropped };
}

function resume(buffer: FeedBuffer): FeedBuffer {
  const gap: FeedLine[] =
    buffer.overflow > 0 ? [{ kind: "missed", id: buffer.nextId, count: buffer.overflow }] : [];
  return {
    ...buffer,
    paused: false,
    nextId: buffer.nextId + gap.length,
    missed: buffer.missed + buffer.overflow,
    shown: [...buffer.pending, ...gap, ...buffer.shown].slice(0, shownLimit),
    pending: [],
    overflow: 0,
  };
}
