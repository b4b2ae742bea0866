/** `AuditLayer`: what an application holds. */

import { Capture, newEventId, type Taker } from "./capture.js";
import { type Settings, settingsFrom } from "./config.js";
import { type Attribution, type Context, currentContext, runInContext } from "./context.js";
import { AuditUnavailable } from "./errors.js";
import { capturedEvent, closingEvent, intentEvent, sourceOf } from "./event.js";
import { asked, type Fetch, followRequest, followResponse } from "./fetch.js";
import { type Counts, EVENTS_PATH, type Item, Queue } from "./queue.js";
import { type Recorded, recordedEvent, withSource } from "./record.js";
import { pause } from "./sender.js";
import { Mark, Spool } from "./spool.js";
import { Worker } from "./worker.js";
import { wrap } from "./wrap.js";

/** What becomes of a decision. */
export interface Outcome {
  outcome: string;
  reviewer?: string;
  override?: boolean;
  flag?: boolean;
  note?: string;
}

/**
 * Records model calls. Nothing that happens after set-up throws into the application, except that under `fail_closed` a
 * call whose intent is not acknowledged rejects with `AuditUnavailable` instead of reaching the provider.
 */
export class AuditLayer implements Taker {
  readonly settings: Settings;
  private readonly queue: Queue;
  private readonly spool: Spool | undefined;
  private readonly worker: Worker | undefined;
  private mark: Mark | undefined;
  private started = false;
  private closed = false;

  constructor(settings: Partial<Settings> = {}) {
    this.settings = settingsFrom(settings);
    const { enabled, spoolDir, spoolBytes, queueEvents, queueBytes, instance } = this.settings;
    this.queue = new Queue(queueEvents, queueBytes, instance);
    this.spool = enabled && spoolDir ? new Spool(spoolDir, spoolBytes) : undefined;
    this.worker = enabled ? new Worker(this.settings, this.queue, this.spool) : undefined;
    if (!enabled) return;
    process.on("beforeExit", this.beforeExit);
    process.on("exit", this.atExit);
  }

  /** Whether anything is recorded: not when switched off, not after `close`. */
  get enabled(): boolean {
    return this.settings.enabled && !this.closed;
  }

  /** What happened to the events so far. */
  get counts(): Counts {
    return { ...this.queue.counts };
  }

  /**
   * Makes an `openai`, `@anthropic-ai/sdk` or `groq-sdk` client record its calls; returns the same client. Throws
   * `WrapError` for anything else. Wrapping twice is harmless.
   */
  wrap<Client extends object>(client: Client, options: { provider?: string } = {}): Client {
    return wrap(this, client, options.provider);
  }

  /** A `fetch` that records, for any client that takes one: `createOpenAI({ fetch: audit.fetch() })`. */
  fetch(inner?: Fetch, options: { provider?: string | undefined } = {}): Fetch {
    return async (input, init) => {
      const through = inner ?? globalThis.fetch;
      const begun = this.begin(options.provider, input, init);
      if (!begun) return through(input, init);
      if (this.settings.policy === "fail_closed") await this.acknowledged(begun.capture);
      let response: Response;
      try {
        response = await through(input, begun.init);
      } catch (error) {
        begun.capture.failed(error);
        throw error;
      }
      try {
        return followResponse(begun.capture, response);
      } catch (error) {
        this.fault(error);
        return response;
      }
    };
  }

  /** Attributes the calls made inside `run`, also after its awaits; nested contexts add to those around them. */
  context<Result>(attribution: Attribution, run: (context: Context) => Result): Result {
    return runInContext(attribution, run);
  }

  /** Records anything else; returns the event's id, `undefined` when switched off. */
  record(recorded: Recorded): string | undefined {
    if (!this.enabled) return undefined;
    const eventId = recorded.eventId ?? newEventId();
    const context = currentContext();
    const event = recordedEvent(this.settings, eventId, context?.fields ?? {}, recorded);
    const size = JSON.stringify(event).length + 512;
    this.start();
    const { instance, epoch, sequence } = this.queue.number();
    this.put(() => withSource(event, sourceOf(instance, epoch, sequence)), size);
    context?.remember(eventId);
    return eventId;
  }

  /** Says what became of a decision. Delivered in the background like events; returns the outcome's own id. */
  outcome(eventId: string, outcome: Outcome, outcomeId = newEventId()): string | undefined {
    if (!this.enabled) return undefined;
    const body = JSON.stringify(outcome);
    this.start();
    const path = `/api/v1/audit/logs/${encodeURIComponent(eventId)}/outcomes`;
    this.queue.put({ make: () => body, size: body.length + 512, path, key: outcomeId });
    return outcomeId;
  }

  /** Sends what waits, now. True when nothing is left in memory or, with a spool, on disk. */
  async flush(milliseconds = 10_000): Promise<boolean> {
    return this.worker?.flush(milliseconds) ?? true;
  }

  /** Delivers what it can within the time and stops; the rest is spooled or counted as dropped. */
  async close(milliseconds = this.settings.exitMs): Promise<Counts> {
    if (this.closed || !this.worker) return this.counts;
    this.closed = true;
    process.off("beforeExit", this.beforeExit);
    process.off("exit", this.atExit);
    this.closeGap();
    await this.worker.finish(milliseconds);
    if (!this.queue.lastWasDropped) this.mark?.remove();
    return this.counts;
  }

  /** A finished capture becomes an event in the queue. */
  take(capture: Capture): void {
    try {
      this.start();
      const { instance, epoch, sequence } = this.queue.number();
      const source = sourceOf(instance, epoch, sequence);
      const make = () => capturedEvent(this.settings, capture, source);
      const ready = capture.requestReady;
      this.put(ready ? () => ready.then(make, make) : make, capture.memoryBytes);
    } catch (error) {
      this.fault(error);
    }
  }

  private readonly beforeExit = (): void => {
    // Awaiting keeps the loop alive; afterwards nothing is left that would bring us here again.
    if (this.worker && !this.worker.idle) void this.close();
  };

  private readonly atExit = (): void => {
    this.closed = true;
    this.worker?.abandon();
    if (!this.queue.lastWasDropped && this.queue.counts.dropped === 0) this.mark?.remove();
  };

  private begin(
    provider: string | undefined,
    input: Parameters<Fetch>[0],
    init: Parameters<Fetch>[1],
  ): { capture: Capture; init: Parameters<Fetch>[1] } | undefined {
    if (!this.enabled) return undefined;
    try {
      const { method, url, traceparent } = asked(input, init);
      const context = currentContext();
      const limit = this.settings.maxEventBytes;
      const capture = new Capture(this, provider, method, url, context, traceparent, limit);
      const followed = followRequest(capture, input, init);
      context?.remember(capture.eventId);
      return { capture, init: followed };
    } catch (error) {
      this.fault(error);
      return undefined;
    }
  }

  /** `fail_closed`: resolves once the edge has the intent, rejects when it refuses it or the time is up. */
  private async acknowledged(capture: Capture): Promise<void> {
    this.start();
    await capture.requestReady?.catch(() => {});
    const intentId = newEventId();
    const { instance, epoch, sequence } = this.queue.number();
    const body = intentEvent(this.settings, capture, sourceOf(instance, epoch, sequence), intentId);
    const { counts } = this.queue;
    counts.recorded += 1;
    const deadline = Date.now() + this.settings.intentMs;
    for (let failures = 1; ; failures++) {
      const line = { body, size: 0, path: EVENTS_PATH, key: undefined };
      const sent = await (this.worker as Worker).sendNow(line, Math.max(deadline - Date.now(), 1));
      if (sent.delivered.length > 0) {
        counts.delivered += 1;
        capture.intentId = intentId;
        return;
      }
      const wait = pause(this.settings, failures, sent.retryAfterMs);
      const refused = sent.refused.length > 0;
      if (refused || Date.now() + wait >= deadline) {
        counts[refused ? "refused" : "dropped"] += 1;
        throw new AuditUnavailable(
          `the intent was not acknowledged (${sent.problem}), so the call was not made`,
        );
      }
      counts.retries += 1;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  private start(): void {
    if (this.started) return;
    this.started = true;
    if (!this.spool || !this.settings.spoolDir) return;
    for (const { name, source } of this.spool.orphans()) {
      const body = closingEvent(this.settings.application, newEventId(), source, "killed");
      this.queue.put({ make: () => body, size: body.length + 512, path: EVENTS_PATH, key: undefined });
      this.spool.forget(name);
    }
    const mark = new Mark(this.settings.spoolDir, this.queue);
    this.queue.onNumber = (next) => mark.note(next);
    this.mark = mark;
  }

  private put(make: Item["make"], size: number): void {
    this.queue.put({ make, size, path: EVENTS_PATH, key: undefined });
  }

  /** When the newest numbers were dropped nothing after them shows it, so a closing event does. */
  private closeGap(): void {
    if (!this.queue.lastWasDropped) return;
    const { instance, epoch, sequence } = this.queue.number();
    this.queue.counts.recorded += 1;
    const source = sourceOf(instance, epoch, sequence);
    const body = closingEvent(this.settings.application, newEventId(), source, "dropped");
    this.queue.append({ make: () => body, size: 0, path: EVENTS_PATH, key: undefined });
  }

  private fault(error: unknown): void {
    this.queue.counts.faults += 1;
    this.settings.warn(`a call could not be captured: ${(error as Error)?.name}`);
  }
}
