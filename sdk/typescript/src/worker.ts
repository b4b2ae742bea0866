/** Delivery: takes from the queue, sends, spools, backs off. Its timers do not keep the process alive. */

import type { Settings } from "./config.js";
import { EVENTS_PATH, type Line, type Queue } from "./queue.js";
import { pause, Sender, type Sent } from "./sender.js";
import type { Spool } from "./spool.js";

const QUIET_MS = 60_000;
// How often an idle process looks for what an earlier one has left in the spool.
const SPOOL_LOOK_MS = 30_000;
// Failed attempts after which a closing process gives up, so that an absent edge does not hold up its exit.
const LAST_ATTEMPTS = 3;

/** Delivers what a queue holds. */
export class Worker {
  private readonly sender: Sender;
  private backlog: Line[] = [];
  private batchEvents: number;
  private failures = 0;
  private nextAttempt = 0;
  private quietUntil = 0;
  private timer: NodeJS.Timeout | undefined;
  private due = Number.POSITIVE_INFINITY;
  private running: Promise<void> | undefined;
  private abandoned = false;

  constructor(
    private readonly settings: Settings,
    private readonly queue: Queue,
    private readonly spool: Spool | undefined,
  ) {
    this.sender = new Sender(settings);
    this.batchEvents = settings.batchEvents;
    queue.onArrival = () => this.arrived();
    if (spool) this.schedule(0);
  }

  /** One request past the queue, for an intent. */
  sendNow(line: Line, timeoutMs: number): Promise<Sent> {
    return this.sender.send([line], timeoutMs);
  }

  /** Whether nothing waits in memory or, with a spool, on disk. */
  get idle(): boolean {
    return this.queue.counts.pending === 0 && (this.spool?.empty ?? true);
  }

  /** Delivers without lingering until nothing is left or the time is up. True when nothing is left. */
  async flush(milliseconds: number): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    let hurry = true;
    while (!this.idle) {
      const left = deadline - Date.now();
      if (left <= 0) return false;
      const before = this.failures;
      await within(this.step(hurry), left);
      // The first attempt ignores the back-off, those after it keep to it.
      hurry = this.failures === 0 || (before === 0 && this.failures === 0);
      if (this.failures) await within(this.untilNextAttempt(), Math.max(deadline - Date.now(), 0));
    }
    return true;
  }

  /** Delivers what it can until the deadline, spools or drops the rest. */
  async finish(milliseconds: number): Promise<void> {
    this.queue.closing = true;
    const deadline = Date.now() + milliseconds;
    let attempts = LAST_ATTEMPTS;
    while (!this.idle && attempts > 0 && Date.now() < deadline) {
      await within(this.step(true), deadline - Date.now());
      if (this.failures) {
        attempts -= 1;
        await within(this.untilNextAttempt(), Math.min(250, Math.max(deadline - Date.now(), 0)));
      }
    }
    this.abandon();
  }

  /** No attempt is left: what remains goes to the spool or is counted as dropped. Synchronous, for the exit. */
  abandon(): void {
    if (this.abandoned) return;
    this.abandoned = true;
    clearTimeout(this.timer);
    const lines = [...this.backlog, ...this.queue.items.splice(0).map((item) => this.madeNow(item))];
    this.backlog = [];
    const left = this.spool ? this.spooled(lines) : lines;
    this.queue.settle(left, "dropped");
    const { dropped } = this.queue.counts;
    if (dropped > 0) this.settings.warn(`${dropped} events were dropped`);
  }

  private madeNow(item: {
    make: () => string | Promise<string>;
    size: number;
    path: string;
    key: string | undefined;
  }): Line {
    let body: string | Promise<string> = "";
    try {
      body = item.make();
    } catch {
      this.queue.counts.faults += 1;
    }
    return { body: typeof body === "string" ? body : "", size: item.size, path: item.path, key: item.key };
  }

  private arrived(): void {
    const full = this.queue.items.length >= this.batchEvents;
    this.schedule(full ? 0 : this.settings.lingerMs);
  }

  private schedule(milliseconds: number): void {
    // With a spool the queue is emptied onto disk while the edge is away; without one it waits.
    const earliest = this.spool ? 0 : this.nextAttempt;
    const due = Math.max(Date.now() + milliseconds, earliest);
    if (this.abandoned || (this.timer && this.due <= due)) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        void this.step(false);
      },
      Math.max(due - Date.now(), 0),
    );
    this.timer.unref();
  }

  /** One round; rounds never overlap. */
  private step(hurry: boolean): Promise<void> {
    this.running ??= this.round(hurry)
      .catch((error: Error) => {
        // A fault of ours must not end deliveries.
        this.queue.counts.faults += 1;
        this.complain(`fault while delivering: ${error?.name}`);
      })
      .finally(() => {
        this.running = undefined;
        this.scheduleNext();
      });
    return this.running;
  }

  private scheduleNext(): void {
    if (this.queue.items.length > 0) this.arrived();
    else if (this.backlog.length > 0 || (this.spool && !this.spool.empty)) {
      this.schedule(Math.max(this.nextAttempt - Date.now(), 0));
    } else if (this.spool) this.schedule(SPOOL_LOOK_MS);
  }

  private async round(hurry: boolean): Promise<void> {
    await this.take();
    if (hurry || this.queue.closing || Date.now() >= this.nextAttempt) await this.attempt();
  }

  /** Queue to backlog (one batch) or, while the edge is away and there is a spool, to the spool. */
  private async take(): Promise<void> {
    for (;;) {
      if (this.backlog.length > 0) {
        if (!this.spool || this.failures === 0) return;
        this.spoolBacklog();
      }
      const items = this.queue.take(this.batchEvents, this.settings.batchBytes);
      if (items.length === 0) return;
      const lines: Line[] = [];
      for (const item of items) {
        try {
          lines.push({ body: await item.make(), size: item.size, path: item.path, key: item.key });
        } catch (error) {
          this.queue.settle([item], "dropped");
          this.queue.counts.faults += 1;
          this.complain(`an event could not be made: ${(error as Error)?.name}`);
        }
      }
      this.backlog.push(...lines);
    }
  }

  private async attempt(): Promise<void> {
    if (this.spool && !this.spool.empty) {
      this.spoolBacklog();
      return this.attemptSpooled(this.spool);
    }
    const lines = this.backlog.slice(0, this.batchEvents);
    if (lines.length === 0) return;
    const sent = await this.send(lines);
    if (this.abandoned) return;
    this.backlog = [...sent.again, ...this.backlog.slice(lines.length)];
    this.queue.settle(sent.delivered, "delivered");
    this.queue.settle(sent.refused, "refused");
    this.judge(sent);
  }

  private async attemptSpooled(spool: Spool): Promise<void> {
    const segment = spool.oldest();
    if (!segment) return;
    let { lines } = segment;
    let delivered = 0;
    let refused = 0;
    while (lines.length > 0) {
      const batch = oneRequest(lines, this.batchEvents);
      const sent = await this.send(batch);
      lines = [...sent.again, ...lines.slice(batch.length)];
      delivered += sent.delivered.length;
      refused += sent.refused.length;
      this.judge(sent);
      if (this.failures) break;
    }
    spool.replace(segment.name, lines);
    const { counts } = this.queue;
    if (segment.own) {
      counts.delivered += delivered;
      counts.refused += refused;
      counts.spooled -= delivered + refused;
    } else counts.recovered += delivered;
  }

  private send(lines: Line[]): Promise<Sent> {
    if (this.failures) this.queue.counts.retries += 1;
    return this.sender.send(lines, this.settings.timeoutMs);
  }

  /** Sets batch size and back-off by what came back. */
  private judge(sent: Sent): void {
    if (sent.refused.length > 0)
      this.complain(`the edge refused ${sent.refused.length} events: ${sent.problem}`);
    if (sent.tooLarge) {
      this.batchEvents = Math.max(Math.floor(this.batchEvents / 2), 1);
    } else if (sent.again.length === 0) {
      this.failures = 0;
      this.nextAttempt = 0;
      this.batchEvents = Math.min(this.batchEvents * 2, this.settings.batchEvents);
    } else {
      this.failures += 1;
      this.nextAttempt = Date.now() + pause(this.settings, this.failures, sent.retryAfterMs);
      this.complain(`events wait: ${sent.problem}`);
    }
  }

  private spoolBacklog(): void {
    const lines = this.backlog;
    this.backlog = [];
    if (lines.length > 0) this.queue.settle(this.spooled(lines), "dropped");
  }

  /** Writes lines to the spool and settles them; returns those that found no room. */
  private spooled(lines: Line[]): Line[] {
    const made = lines.filter((line) => line.body !== "");
    const unmade = lines.filter((line) => line.body === "");
    let left = made;
    try {
      left = this.spool?.append(made) ?? made;
    } catch (error) {
      this.complain(`the spool cannot be written: ${(error as NodeJS.ErrnoException).code}`);
    }
    this.queue.settle(made.slice(0, made.length - left.length), "spooled");
    return [...left, ...unmade];
  }

  private untilNextAttempt(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, Math.max(this.nextAttempt - Date.now(), 0)));
  }

  /** Says so once in a while; never says what an event holds. */
  private complain(message: string): void {
    if (Date.now() < this.quietUntil) return;
    this.quietUntil = Date.now() + QUIET_MS;
    this.settings.warn(message);
  }
}

/** The first lines that can go together: events; an outcome goes alone. */
function oneRequest(lines: Line[], most: number): Line[] {
  if (lines[0]?.path !== EVENTS_PATH) return lines.slice(0, 1);
  const other = lines.findIndex((line) => line.path !== EVENTS_PATH);
  return lines.slice(0, Math.min(most, other < 0 ? lines.length : other));
}

/** Waits for a promise, but no longer than this. */
async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(milliseconds, 0));
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
