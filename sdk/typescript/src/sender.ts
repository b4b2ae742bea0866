/** HTTP to the edge: what each answer means for each event. */

import type { Settings } from "./config.js";
import { EVENTS_PATH, type Line } from "./queue.js";
import { NAME, VERSION } from "./version.js";

const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);
// The whole request was turned away for a reason that an operator can mend; the events are not at fault.
const MENDABLE = new Set([...TRANSIENT, 401, 403, 404]);

/** What became of a batch; `again` is to be tried again. */
export interface Sent {
  delivered: Line[];
  refused: Line[];
  again: Line[];
  /** The batch has to be taken apart. */
  tooLarge: boolean;
  retryAfterMs: number;
  problem: string;
}

const NOTHING: Sent = {
  delivered: [],
  refused: [],
  again: [],
  tooLarge: false,
  retryAfterMs: 0,
  problem: "",
};

/** Sends to one edge. */
export class Sender {
  // The application may patch the global later; deliveries must not be recorded themselves.
  private readonly fetch = globalThis.fetch;

  constructor(private readonly settings: Settings) {}

  /** One request. Never throws: what went wrong is in the result. */
  async send(lines: Line[], timeoutMs: number): Promise<Sent> {
    try {
      return await this.request(lines, timeoutMs);
    } catch (error) {
      return { ...NOTHING, again: lines, problem: (error as Error)?.name ?? "Error" };
    }
  }

  private async request(lines: Line[], timeoutMs: number): Promise<Sent> {
    const first = lines[0] as Line;
    const many = first.path === EVENTS_PATH;
    const response = await this.fetch(this.settings.url.replace(/\/+$/, "") + first.path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${this.settings.apiKey}`,
        "user-agent": `${NAME}/${VERSION}`,
        "content-type": many ? "application/x-ndjson" : "application/json",
        ...(first.key ? { "idempotency-key": first.key } : {}),
      },
      body: lines.map((line) => `${line.body}\n`).join(""),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "manual",
    });
    const body = await response.text();
    if (many && response.status === 207) return byItem(lines, body);
    if (!many && response.status === 201) return { ...NOTHING, delivered: lines };
    return asAWhole(lines, response);
  }
}

function asAWhole(lines: Line[], response: Response): Sent {
  const problem = `status ${response.status}`;
  if (MENDABLE.has(response.status) || response.status < 400) {
    const seconds = Number(response.headers.get("retry-after") ?? 0);
    return { ...NOTHING, again: lines, retryAfterMs: seconds > 0 ? seconds * 1000 : 0, problem };
  }
  // One bad line must not take the others with it: each is asked about by itself.
  if (lines.length > 1) return { ...NOTHING, again: lines, tooLarge: true, problem };
  return { ...NOTHING, refused: lines, problem };
}

function byItem(lines: Line[], body: string): Sent {
  const { items } = JSON.parse(body) as { items: { status: number }[] };
  if (items.length !== lines.length) {
    return { ...NOTHING, again: lines, problem: "the edge answered another number of events" };
  }
  const sent: Sent = { ...NOTHING, delivered: [], refused: [], again: [] };
  lines.forEach((line, at) => {
    const { status } = items[at] as { status: number };
    if (status === 201) sent.delivered.push(line);
    else (TRANSIENT.has(status) ? sent.again : sent.refused).push(line);
    if (status !== 201) sent.problem = `item status ${status}`;
  });
  return sent;
}

/** Milliseconds until the next attempt: full jitter below a doubling ceiling; `Retry-After` when it is longer. */
export function pause(settings: Settings, failures: number, askedMs: number): number {
  const ceiling = Math.min(settings.longestPauseMs, settings.firstPauseMs * 2 ** Math.min(failures - 1, 20));
  return Math.min(Math.max(Math.random() * ceiling, askedMs), settings.longestPauseMs);
}
