/** The bounded queue between callers and delivery, the sequence numbers and the counters. */

import { randomUUID } from "node:crypto";

export const EVENTS_PATH = "/api/v1/audit/logs";

/** What happened to the events of this process. */
export interface Counts {
  recorded: number;
  /** Acknowledged by the edge. */
  delivered: number;
  /** Lost: queue or spool full, or the exit's deadline passed. Each leaves a gap in the sequence. */
  dropped: number;
  /** Waiting on disk. */
  spooled: number;
  /** Refused by the edge for good. */
  refused: number;
  /** Waiting in memory. */
  pending: number;
  retries: number;
  /** Calls that could not be captured because of a fault in this SDK. */
  faults: number;
  /** Events of earlier processes, found in the spool and delivered by this one; not part of `recorded`. */
  recovered: number;
}

/** One JSON document for one path of the edge. */
export interface Line {
  body: string;
  size: number;
  path: string;
  key: string | undefined;
}

/** Something to deliver: made into bytes only when its batch is. */
export interface Item {
  make: () => string | Promise<string>;
  size: number;
  path: string;
  key: string | undefined;
}

/** Who numbers: an instance, and an epoch for each time it began to count from 0 (microseconds since 1970). */
export interface Numbered {
  instance: string;
  epoch: number;
  sequence: number;
}

/** First in, first out; full means dropped, never waiting. */
export class Queue {
  readonly items: Item[] = [];
  readonly counts: Counts = {
    recorded: 0,
    delivered: 0,
    dropped: 0,
    spooled: 0,
    refused: 0,
    pending: 0,
    retries: 0,
    faults: 0,
    recovered: 0,
  };
  readonly instance: string;
  readonly epoch = Math.round((performance.timeOrigin + performance.now()) * 1000);
  heldBytes = 0;
  lastWasDropped = false;
  closing = false;
  /** Called with the next number after each one that was given out. */
  onNumber: (next: number) => void = () => {};
  /** Called when something arrived. */
  onArrival: () => void = () => {};
  private next = 0;

  constructor(
    private readonly mostItems: number,
    private readonly mostBytes: number,
    instance: string | undefined,
  ) {
    this.instance = instance ?? randomUUID().replaceAll("-", "");
  }

  /** The next number; it is used whatever becomes of its event. */
  number(): Numbered {
    const sequence = this.next++;
    this.onNumber(this.next);
    return { instance: this.instance, epoch: this.epoch, sequence };
  }

  /** Takes an item, or drops it when there is no room. */
  put(item: Item): boolean {
    const { counts } = this;
    counts.recorded += 1;
    const full = counts.pending >= this.mostItems || this.heldBytes + item.size > this.mostBytes;
    this.lastWasDropped = full || this.closing;
    if (this.lastWasDropped) {
      counts.dropped += 1;
      return false;
    }
    this.append(item);
    return true;
  }

  /** Takes an item past the limits. */
  append(item: Item): void {
    this.counts.pending += 1;
    this.heldBytes += item.size;
    this.items.push(item);
    this.onArrival();
  }

  /** The oldest items that can go in one request; they count as held until they are settled. */
  take(mostItems: number, mostBytes: number): Item[] {
    let size = 0;
    let count = 0;
    for (const item of this.items) {
      const first = this.items[0] as Item;
      const together = item.path === first.path && (item.path === EVENTS_PATH || count === 0);
      if (count >= mostItems || !together || (count > 0 && size + item.size > mostBytes)) break;
      size += item.size;
      count += 1;
    }
    return this.items.splice(0, count);
  }

  /** Lines have left memory; `where` says where they went. */
  settle(lines: { size: number }[], where: "delivered" | "dropped" | "spooled" | "refused"): void {
    this.counts.pending -= lines.length;
    for (const line of lines) this.heldBytes -= line.size;
    this.counts[where] += lines.length;
  }
}
