/** `audit.record(...)`: an event from what the application says, checked as far as a clear error helps. */

import { createHash } from "node:crypto";
import { type Bodies, type EncodedBody, fit, textOrBase64 } from "./body.js";
import { withoutCredentials } from "./clean.js";
import type { Settings } from "./config.js";
import { type Attribution, checkedFields, type Fields, merged } from "./context.js";
import { ConfigurationError } from "./errors.js";
import { type AuditEvent, bodyBudget, cutTags, type Source } from "./event.js";

/** One half of an exchange; a `body` is text, bytes or a JSON value. */
export interface Half {
  method?: string;
  url?: string;
  status?: number;
  content_type?: string;
  body?: unknown;
}

/** What `record` takes: the event model, attribution in camel case. */
export interface Recorded extends Attribution {
  provider: string;
  eventId?: string;
  occurredAt?: string;
  request?: Half;
  response?: Half;
  timing?: { started_at?: string; first_token_ms?: number; duration_ms?: number };
  error?: { type: string; message?: string };
  interrupted?: boolean;
}

const HALVES = {
  request: ["method", "url", "body"],
  response: ["status", "content_type", "body"],
} as const;

/** The event's JSON but for its `source`. `ConfigurationError` names the field that the edge would refuse. */
export function recordedEvent(
  settings: Settings,
  eventId: string,
  outer: Fields,
  given: Recorded,
): AuditEvent {
  const {
    provider,
    eventId: _,
    occurredAt,
    request,
    response,
    timing,
    error,
    interrupted,
    ...attribution
  } = given;
  if (!request && !response) throw new ConfigurationError("request and response are both missing; give one");
  if (!provider) throw new ConfigurationError("provider is missing; name what answered, such as openai");
  const event: AuditEvent = {
    event_id: eventId,
    occurred_at: occurredAt ?? new Date().toISOString(),
    application: settings.application,
    provider,
    ...(settings.environment ? { environment: settings.environment } : {}),
    ...merged(outer, checkedFields(attribution)),
    ...(timing ? { timing } : {}),
    ...(error ? { error } : {}),
    ...(interrupted ? { interrupted } : {}),
  };
  const bodies: Bodies = {};
  for (const side of ["request", "response"] as const) {
    const half = side === "request" ? request : response;
    if (!half) continue;
    const strange = Object.keys(half).find((key) => !(HALVES[side] as readonly string[]).includes(key));
    if (strange)
      throw new ConfigurationError(`${side} has an unknown field "${strange}"; it has ${HALVES[side]}`);
    const { body, ...rest } = half;
    event[side] = rest.url ? { ...rest, url: withoutCredentials(rest.url) } : rest;
    if (body !== undefined && body !== null) bodies[side] = encoded(body);
  }
  const fitted = fit(bodies, bodyBudget(settings, event));
  for (const side of ["request", "response"] as const) {
    const body = fitted[side];
    const whole = bodies[side];
    if (!body || !whole) continue;
    (event[side] as Record<string, string>)[body.key] = body.value;
    if (body.value !== whole.value) {
      const digest = createHash("sha256").update(whole.value).digest("hex");
      event.tags = { ...event.tags, ...cutTags(side, Buffer.byteLength(whole.value), digest) };
    }
  }
  return event;
}

/** Adds `source` to an event. */
export function withSource(event: AuditEvent, source: Source): string {
  return JSON.stringify({ ...event, source });
}

function encoded(body: unknown): EncodedBody {
  if (typeof body === "string") return { key: "body", value: body };
  if (body instanceof Uint8Array) return textOrBase64(body, false);
  return { key: "body", value: JSON.stringify(body) };
}
