import { useCallback, useEffect, useState } from "react";
import { useLocation } from "react-router";

/**
 * What a view needs to look the same when the reader comes back to it: kept in memory by entry of the
 * browser's history, so that "back" from a record leads to the same place of the same list.
 */
interface Memory {
  asOfMs?: number;
  scrollPx?: number;
}

const mostEntries = 100;
const memories = new Map<string, Memory>();

function remember(key: string, changes: Memory): void {
  const memory = { ...memories.get(key), ...changes };
  memories.delete(key);
  memories.set(key, memory);
  const oldest = memories.keys().next().value;
  if (memories.size > mostEntries && oldest !== undefined) memories.delete(oldest);
}

/** The time a list was opened or refreshed; a span back from now counts from there. */
export function useAsOf(): [number, () => void] {
  const { key } = useLocation();
  const [asOfMs, setAsOfMs] = useState(() => memories.get(key)?.asOfMs ?? Date.now());
  useEffect(() => remember(key, { asOfMs }), [key, asOfMs]);
  // Two refreshes within a millisecond must still be two.
  const refresh = useCallback(() => setAsOfMs((before) => Math.max(Date.now(), before + 1)), []);
  return [asOfMs, refresh];
}

/** Where a list was scrolled to when this entry of the history was left, and how to note it. */
export function useScrollMemory(): [() => number, (scrollPx: number) => void] {
  const { key } = useLocation();
  const recall = useCallback(() => memories.get(key)?.scrollPx ?? 0, [key]);
  const note = useCallback((scrollPx: number) => remember(key, { scrollPx }), [key]);
  return [recall, note];
}
