/** Makes the event's JSON from what was captured. */

import { type Bodies, type BodyBuffer, fit, textOrBase64 } from "./body.js";
import type { Capture } from "./capture.js";
import { hostOf, withoutCredentials } from "./clean.js";
import type { Settings } from "./config.js";
import { NAME, VERSION } from "./version.js";

/** Which instance of this SDK sends, and the event's number there. */
export interface Source {
  sdk: string;
  version: string;
  instance: string;
  epoch: number;
  sequence: number;
}

/** An event under construction, in the edge's form. */
export type AuditEvent = Record<string, unknown> & { tags?: Record<string, string> };

// The envelope is rounded up to this, so that the cut does not depend on how long ids and names are.
const ENVELOPE_STEP = 64 * 1024;
const STREAM_TYPES = ["text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"];
// A caller that stops reading here has read everything: providers send nothing after these lines.
const END_OF_STREAM =
  /^(?:data: ?\[DONE\]|event: ?(?:message_stop|message-end|stream-end|response\.(?:completed|incomplete|failed))|\{.*"event_type": ?"stream-end".*\}|\{.*"done": ?true.*\})\r?$/m;

/** Where an event comes from. */
export function sourceOf(instance: string, epoch: number, sequence: number): Source {
  return { sdk: NAME, version: VERSION, instance, epoch, sequence };
}

/** The event's JSON, at most `maxEventBytes` long; bodies are cut to fit, with their length and digest in tags. */
export function capturedEvent(settings: Settings, capture: Capture, source: Source): string {
  const event = envelope(settings, capture, source);
  if (capture.interrupted || (capture.closedEarly && !ended(capture.response))) event.interrupted = true;
  const started = new Date(capture.startedAtMs).toISOString();
  event.timing = { started_at: started, duration_ms: rounded(capture.durationMs), ...firstToken(capture) };
  if (capture.error) event.error = capture.error;
  place(settings, event, capture);
  return JSON.stringify(event);
}

/** `fail_closed`: what is about to be asked, recorded before it is asked. Its tag says what it is. */
export function intentEvent(settings: Settings, capture: Capture, source: Source, intentId: string): string {
  const event = envelope(settings, capture, source);
  event.event_id = intentId;
  event.tags = { ...event.tags, "aal.capture": "intent" };
  place(settings, event, capture);
  return JSON.stringify(event);
}

/** An event that only says: so many events were numbered before me. */
export function closingEvent(application: string, eventId: string, source: Source, reason: string): string {
  return JSON.stringify({
    event_id: eventId,
    application,
    provider: "audit-layer",
    operation: "closing",
    request: { body: JSON.stringify({ reason, numbered: source.sequence }) },
    source,
    tags: { "aal.capture": "closing" },
  });
}

/** Everything but bodies, times and errors. */
function envelope(settings: Settings, capture: Capture, source: Source): AuditEvent {
  const url = withoutCredentials(capture.url);
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(capture.traceparent ?? "");
  const event: AuditEvent = {
    event_id: capture.eventId,
    occurred_at: new Date(capture.startedAtMs).toISOString(),
    application: settings.application,
    provider: capture.provider ?? hostOf(url) ?? "unknown",
    ...(settings.environment ? { environment: settings.environment } : {}),
    ...(trace ? { trace: { trace_id: trace[1], span_id: trace[2] } } : {}),
    ...capture.attribution,
    request: { method: capture.method, url },
    source,
  };
  if (capture.intentId) event.tags = { ...event.tags, "aal.intent": capture.intentId };
  if (capture.status !== undefined) {
    const contentType = capture.contentType?.slice(0, 512);
    event.response = { status: capture.status, ...(contentType ? { content_type: contentType } : {}) };
  }
  return event;
}

function firstToken(capture: Capture): object {
  const type = capture.contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  const streamed = STREAM_TYPES.includes(type) && capture.firstChunkMs !== undefined;
  return streamed ? { first_token_ms: rounded(capture.firstChunkMs as number) } : {};
}

/** Puts the bodies in, cut to fit. */
function place(settings: Settings, event: AuditEvent, capture: Capture): void {
  const sides: ["request" | "response", BodyBuffer][] = [
    ["request", capture.request],
    ["response", capture.response],
  ];
  const bodies: Bodies = {};
  for (const [side, buffer] of sides) {
    if (buffer.total > 0) bodies[side] = textOrBase64(buffer.kept(), !buffer.whole);
  }
  const fitted = fit(bodies, bodyBudget(settings, event));
  for (const [side, buffer] of sides) {
    const body = fitted[side];
    if (!body) continue;
    (event[side] as Record<string, string>)[body.key] = body.value;
    if (body.value !== bodies[side]?.value || !buffer.whole) {
      event.tags = { ...event.tags, ...cutTags(side, buffer.total, buffer.sha256()) };
    }
  }
}

/** What bodies may take beside this envelope, in bytes of JSON. */
export function bodyBudget(settings: Settings, envelope: AuditEvent): number {
  const used = Buffer.byteLength(JSON.stringify(envelope)) + 512;
  return Math.max(settings.maxEventBytes - Math.ceil(used / ENVELOPE_STEP) * ENVELOPE_STEP, 0);
}

/** Says that a body was cut, and what it was. */
export function cutTags(side: string, bytes: number, sha256: string): Record<string, string> {
  return { [`aal.${side}.bytes`]: String(bytes), [`aal.${side}.sha256`]: sha256 };
}

function ended(response: BodyBuffer): boolean {
  return END_OF_STREAM.test(response.kept().toString("latin1"));
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
