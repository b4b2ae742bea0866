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
    case "records": {
      const counted = { ...buffer, received: buffer.received + action.items.length };
      return addLines(
        counted,
        action.items.map((item, index) => ({ kind: "record", id: buffer.nextId + index, item })),
      );
    }
    case "missed": {
      const counted = { ...buffer, missed: buffer.missed + action.count };
      return addLines(counted, [{ kind: "missed", id: buffer.nextId, count: action.count }]);
    }
    case "pause":
      return { ...buffer, paused: true };
    case "resume":
      return resume(buffer);
    case "clear":
      return { ...emptyBuffer, nextId: buffer.nextId, paused: buffer.paused };
  }
}

/** Adds lines, given oldest first. */
function addLines(buffer: FeedBuffer, lines: readonly FeedLine[]): FeedBuffer {
  const nextId = buffer.nextId + lines.length;
  const newestFirst = [...lines].reverse();
  if (!buffer.paused) {
    return { ...buffer, nextId, shown: [...newestFirst, ...buffer.shown].slice(0, shownLimit) };
  }
  const all = [...newestFirst, ...buffer.pending];
  const dropped = all.slice(pendingLimit);
  // A note that is dropped was counted as missed already; it is counted again with the overflow.
  const notes = dropped.reduce((sum, line) => sum + (line.kind === "missed" ? line.count : 0), 0);
  const records = dropped.filter((line) => line.kind === "record").length;
  return {
    ...buffer,
    nextId,
    pending: all.slice(0, pendingLimit),
    missed: buffer.missed - notes,
    overflow: buffer.overflow + notes + records,
  };
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
