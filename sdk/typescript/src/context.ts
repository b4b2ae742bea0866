/** Who a call is made for: follows promises and callbacks through `AsyncLocalStorage`. */

import { AsyncLocalStorage } from "node:async_hooks";
import { ConfigurationError } from "./errors.js";

/** What can be said about the calls of a context. Names are those of the event, in camel case. */
export interface Attribution {
  userId?: string;
  sessionId?: string;
  decisionType?: string;
  /** The person the decision is about. */
  subject?: string | { id: string; email?: string };
  userEmail?: string;
  ipAddress?: string;
  environment?: string;
  operation?: string;
  tags?: Record<string, string>;
  metadata?: Record<string, unknown>;
  phi?: boolean;
  trace?: { trace_id: string; span_id?: string; parent_span_id?: string };
}

/** The event's fields of a context. */
export type Fields = Record<string, unknown> & { tags?: Record<string, string> };

const TEXTS: Record<string, [string, number]> = {
  userId: ["user_id", 512],
  sessionId: ["session_id", 512],
  decisionType: ["decision_type", 128],
  userEmail: ["user_email", 512],
  ipAddress: ["ip_address", 512],
  environment: ["environment", 128],
  operation: ["operation", 128],
};
const REMEMBERED_IDS = 1_000;
const MAX_TAGS = 64;
const MAX_TAG_CHARS = 1_024;

/** One level of `audit.context(...)`: its fields laid over those around it, and the ids of the events below it. */
export class Context {
  readonly eventIds: string[] = [];
  readonly fields: Fields;

  constructor(
    fields: Fields,
    private readonly parent: Context | undefined,
  ) {
    this.fields = parent ? merged(parent.fields, fields) : fields;
  }

  /** The id of the latest call made inside this context, for `audit.outcome(...)`. */
  get lastEventId(): string | undefined {
    return this.eventIds[this.eventIds.length - 1];
  }

  /** Notes an event here and in every context around it. */
  remember(eventId: string): void {
    this.eventIds.push(eventId);
    if (this.eventIds.length > REMEMBERED_IDS) this.eventIds.shift();
    this.parent?.remember(eventId);
  }
}

const storage = new AsyncLocalStorage<Context>();

/** The innermost context of the running call chain. */
export function currentContext(): Context | undefined {
  return storage.getStore();
}

/** Runs a function inside a new context. */
export function runInContext<Result>(given: Attribution, run: (context: Context) => Result): Result {
  const context = new Context(checkedFields(given), currentContext());
  return storage.run(context, () => run(context));
}

/** The inner fields over the outer ones; tags and metadata are merged key by key. */
export function merged(outer: Fields, inner: Fields): Fields {
  const result: Fields = { ...outer, ...inner };
  for (const name of ["tags", "metadata"]) {
    if (outer[name] && inner[name]) result[name] = { ...(outer[name] as object), ...(inner[name] as object) };
  }
  return result;
}

/** The given fields in the event's form. A `ConfigurationError` names the one that is wrong. */
export function checkedFields(given: Attribution): Fields {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue;
    const text = TEXTS[name];
    if (text) fields[text[0]] = checkedText(name, String(value), text[1]);
    else if (name === "subject") fields.subject = subjectOf(value);
    else if (name === "tags") fields.tags = tagsOf(value);
    else if (name === "phi") fields.phi = Boolean(value);
    else if (name === "metadata" || name === "trace") fields[name] = { ...value };
    else throw new ConfigurationError(`unknown field "${name}"; see the type Attribution`);
  }
  return fields;
}

function checkedText(name: string, value: string, limit: number): string {
  if (Buffer.byteLength(value) > limit) throw new ConfigurationError(`${name} is longer than ${limit} bytes`);
  return value;
}

function subjectOf(value: NonNullable<Attribution["subject"]>): object {
  if (typeof value === "string") return { id: value };
  if (typeof value.id !== "string") throw new ConfigurationError("subject is a string or {id, email?}");
  return { id: value.id, ...(value.email ? { email: value.email } : {}) };
}

function tagsOf(value: Record<string, string>): Record<string, string> {
  const entries = Object.entries(value).map(([key, item]) => [key, String(item)] as const);
  if (entries.length > MAX_TAGS) throw new ConfigurationError(`tags has more than ${MAX_TAGS} entries`);
  const long = entries.find(([, item]) => item.length > MAX_TAG_CHARS);
  if (long) throw new ConfigurationError(`tags: the value of "${long[0]}" is longer than ${MAX_TAG_CHARS}`);
  return Object.fromEntries(entries);
}
