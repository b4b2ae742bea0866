import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import type { LogSummary } from "../api/types";
import { credentials } from "../session/credentials";
import { emptyBuffer, type FeedBuffer, reduceFeed } from "./buffer";
import { FeedConnection, type FeedFilters, type FeedSocket, type FeedStatus } from "./connection";

/** Arrivals are shown in bursts of this length: a thousand a second must not mean a thousand renderings. */
const burstMs = 200;

function openSocket(): FeedSocket {
  const scheme = window.location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${window.location.host}/ws/feed`) as FeedSocket;
}

function later(task: () => void, delayMs: number): () => void {
  const timer = setTimeout(task, delayMs);
  return () => clearTimeout(timer);
}

/** The feed as it was when its view was left: reading one record must not cost the reader the list. */
interface Memory {
  reader: string | undefined;
  filtersJson: string;
  cursor: string | undefined;
  buffer: FeedBuffer;
}

let memory: Memory | null = null;

function recall(filtersJson: string): Memory | null {
  const reader = credentials.current()?.user.id;
  return memory?.filtersJson === filtersJson && memory.reader === reader ? memory : null;
}

export interface Feed {
  status: FeedStatus;
  buffer: FeedBuffer;
  pause: () => void;
  resume: () => void;
  clear: () => void;
  retryNow: () => void;
}

/** The live feed with these filters; other filters mean a new feed. */
export function useFeed(filtersJson: string): Feed {
  const [status, setStatus] = useState<FeedStatus>({ state: "connecting" });
  const [buffer, dispatch] = useReducer(
    reduceFeed,
    filtersJson,
    (json) => recall(json)?.buffer ?? emptyBuffer,
  );
  const connection = useRef<FeedConnection | null>(null);
  const latest = useRef(buffer);
  latest.current = buffer;

  useEffect(() => {
    let burst: LogSummary[] = [];
    let cancelFlush: (() => void) | null = null;
    const flush = () => {
      cancelFlush = null;
      if (burst.length > 0) dispatch({ type: "records", items: burst });
      burst = [];
    };

    const earlier = recall(filtersJson);
    const reader = credentials.current()?.user.id;
    const feed = new FeedConnection(
      { open: openSocket, later, random: Math.random, token: () => credentials.current()?.token ?? null },
      {
        onStatus: setStatus,
        onRecord: (item) => {
          burst.push(item);
          cancelFlush ??= later(flush, burstMs);
        },
        onMissed: (count) => {
          flush();
          dispatch({ type: "missed", count });
        },
        onUnauthorized: () => credentials.expire(),
      },
      JSON.parse(filtersJson) as FeedFilters,
      earlier?.cursor,
    );
    connection.current = feed;
    if (!earlier) dispatch({ type: "clear" });
    feed.start();
    return () => {
      cancelFlush?.();
      feed.stop();
      connection.current = null;
      // The cursor is behind everything that arrived, so what was not drawn yet goes along.
      const complete = reduceFeed(latest.current, { type: "records", items: burst });
      memory = { reader, filtersJson, cursor: feed.cursor, buffer: complete };
    };
  }, [filtersJson]);

  return {
    status,
    buffer,
    pause: useCallback(() => dispatch({ type: "pause" }), []),
    resume: useCallback(() => dispatch({ type: "resume" }), []),
    clear: useCallback(() => dispatch({ type: "clear" }), []),
    retryNow: useCallback(() => connection.current?.retryNow(), []),
  };
}
