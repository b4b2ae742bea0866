import { describe, expect, it } from "vitest";
import { fixFor, problemFrom } from "../api/problem";
import type { LedgerVerdict, MetricPoint, Metrics, Verification } from "../api/types";
import { localPath } from "../lib/local-path";
import { sessionPath } from "../lib/session-path";
import { columnLabel, columnsOf, textOf } from "./access/columns";
import { commandFor, conclusionOf, hiddenFindings, progressOf, toneOf } from "./ledger/verdicts";
import { align, largestGroups, namedSeries, timelineOf, totalsOf } from "./metrics/series";
import { leftOutOf, toRequest } from "./reports/to-request";

const point = (t: string, values: Partial<MetricPoint>): MetricPoint => ({
  t,
  calls: 0,
  errors: 0,
  latency_ms: null,
  first_token_ms: null,
  tokens: {},
  input_tokens: 0,
  output_tokens: 0,
  cost: null,
  unpriced: 0,
  redactions: {},
  flagged: 0,
  overrides: 0,
  ...values,
});

const metrics = (interval: string, ...series: MetricPoint[][]): Metrics => ({
  from: "",
  to: "",
  interval,
  group_by: [],
  series: series.map((points, index) => ({ group: { model: `m${index}` }, points })),
  totals: point("", {}),
});

describe("metrics", () => {
  const first = point("2026-11-01T00:00:00Z", { calls: 2, cost: "0.1", tokens: { input_text: 5 } });
  const third = point("2026-11-03T00:00:00Z", {
    calls: 3,
    cost: "0.2",
    tokens: { input_text: 1, cache_read: 9 },
    latency_ms: { p50: 10, p95: 90, p99: 99 },
  });

  it("have a place for days on which nothing happened", () => {
    const { times, stepS } = timelineOf(metrics("day", [first, third]));
    expect(stepS).toBe(86_400);
    expect(times).toHaveLength(3);
    expect(align({ group: {}, points: [first, third] }, times).map((entry) => entry?.calls)).toEqual([
      2,
      undefined,
      3,
    ]);
  });

  it("keep months as they are, which differ in length", () => {
    const months = metrics("month", [point("2026-01-01T00:00:00Z", {}), point("2026-03-01T00:00:00Z", {})]);
    expect(timelineOf(months).times).toHaveLength(2);
  });

  it("of nothing are nothing", () => {
    expect(timelineOf(metrics("day")).times).toEqual([]);
  });

  it("add up exactly, and not at all where nothing was priced", () => {
    expect(totalsOf({ group: {}, points: [first, third] })).toMatchObject({
      calls: 5,
      cost: "0.3",
      worstP95Ms: 90,
    });
    expect(totalsOf({ group: {}, points: [point("", { unpriced: 4 })] })).toMatchObject({
      cost: null,
      unpriced: 4,
    });
  });

  it("show the largest buckets by name and the rest together", () => {
    expect(namedSeries([first, third], (entry) => entry.tokens).map((series) => series.label)).toEqual([
      "cache read",
      "input text",
    ]);
    const rest = namedSeries([first, third], (entry) => entry.tokens, 1);
    expect(rest[1]).toMatchObject({ label: "1 others", values: [5, 1] });
  });

  it("draw the groups with most calls", () => {
    const { series } = metrics("day", [first], [third], [point("", {})]);
    expect(largestGroups(series, 2).map((entry) => entry.group.model)).toEqual(["m1", "m0"]);
  });
});

describe("report requests", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");

  it("fix a span back from now", () => {
    expect(toRequest("range", " October ", "", ["pdf"], { range: "24h", model: "o3" }, now)).toEqual({
      type: "range",
      title: "October",
      format: ["pdf"],
      from: "2026-11-22T12:00:00.000Z",
      to: "2026-11-23T12:00:00.000Z",
      filters: { model: "o3" },
    });
  });

  it("carry the tenant beside the filters and leave out what reports do not have", () => {
    const filters = { range: "24h", tenant: "t", flagged: "true", q: "loan", subject: "s" } as const;
    expect(toRequest("range", "", "", ["pdf"], filters, now)).toMatchObject({
      tenant: "t",
      filters: { flagged: "true" },
    });
    expect(leftOutOf(filters)).toEqual(["q", "subject"]);
  });

  it("of one decision carry no range", () => {
    expect(toRequest("decision", "", "id", ["csv"], { range: "24h" }, now)).toEqual({
      type: "decision",
      format: ["csv"],
      event_id: "id",
    });
  });
});

describe("paths", () => {
  it("lead back into the console and nowhere else", () => {
    expect(localPath("/metrics?range=7d")).toBe("/metrics?range=7d");
    for (const foreign of [
      null,
      "",
      "https://evil.example",
      "//evil.example",
      "/\\evil.example",
      "/sign-in?next=/",
    ]) {
      expect(localPath(foreign)).toBe("/explorer");
    }
  });

  it("survive any session id", () => {
    expect(sessionPath({ session_id: "a/b c?", tenant: "t" }, "e")).toBe(
      "/sessions/timeline?id=a%2Fb+c%3F&of=t&event=e",
    );
  });
});

describe("the access log", () => {
  it("says when, who, what, why and leaves out what nobody filled", () => {
    const items = [
      { reason: "case", actor: "1", actor_email: "a@example.org", extra: null, at: "t", ledger: {} },
      { zone: 1, actor: "2", actor_email: "b@example.org" },
    ];
    expect(columnsOf(items)).toEqual(["at", "actor_email", "reason", "zone"]);
    expect(columnLabel("at")).toBe("Time (UTC)");
    expect(columnLabel("first_seen_at")).toBe("First seen (UTC)");
  });

  it("reads details without braces", () => {
    expect(textOf('{"format":"pdf","report":"r1","empty":null}')).toBe("format pdf, report r1");
    expect(textOf({ a: { b: 1 } })).toBe("a b 1");
    expect(textOf("{not json")).toBe("{not json");
    expect(textOf(null)).toBe("");
  });

  it("falls back to the id of somebody who is gone", () => {
    expect(columnsOf([{ actor: "1", actor_email: null }])).toEqual(["actor"]);
  });
});

describe("problems", () => {
  it("stay readable when the answer is no problem document", () => {
    expect(problemFrom(502, null)).toMatchObject({
      title: "The server answered 502",
      status: 502,
      errors: [],
    });
    expect(problemFrom(400, { errors: [{ pointer: "/from", message: "bad" }, "junk"] }).errors).toHaveLength(
      1,
    );
  });

  it("come with something to do", () => {
    expect(fixFor(problemFrom(503, { type: "/problems/unavailable" }))).toContain("Nothing is lost");
    expect(fixFor(problemFrom(418, {}))).toBe("");
  });
});

const verification = (change: Partial<Verification>): Verification => ({
  id: "",
  tenant: null,
  started_at: "",
  finished_at: null,
  state: "running",
  policy: { origin: "log.example", sha256: "" },
  known_head: null,
  earlier_head: null,
  progress: { epochs: 0, epochs_read: 0, chains: 0, chains_read: 0, records: 0, records_read: 0 },
  outcome: null,
  report: null,
  error: null,
  ...change,
});

describe("a verification of the whole ledger", () => {
  const progress = { epochs: 8, epochs_read: 4, chains: 0, chains_read: 0, records: 0, records_read: 0 };
  const verdict: LedgerVerdict = {
    verdict: "WITNESS",
    status: "unproven",
    is_required: false,
    checked: 0,
    refuted: 2,
    unproven: 21,
    findings: [{ severity: "unproven", what: "the policy names no witnesses" }],
  };

  it("shows how far it is by what is known of the total", () => {
    expect(progressOf(verification({})).part).toBeNull();
    expect(progressOf(verification({ progress }))).toEqual({ text: "4 of 8 epochs read", part: 0.5 });
    const reading = { ...progress, chains: 1, records: 10, records_read: 12 };
    // Records that came since it began are read, too.
    expect(progressOf(verification({ progress: reading })).part).toBe(1);
    expect(progressOf(verification({ progress: { ...reading, records: 0 } })).part).toBeNull();
  });

  it("never words an end without verdicts as a result", () => {
    expect(conclusionOf(verification({}))).toBeNull();
    expect(conclusionOf(verification({ state: "cancelled" }))).toContain("no verdicts");
    expect(conclusionOf(verification({ state: "failed", error: "the store is away" }))).toContain(
      "the store is away",
    );
    expect(conclusionOf(verification({ state: "done" }))).toContain("no verdicts");
    expect(conclusionOf(verification({ state: "done", outcome: "refuted" }))).toContain(
      "contradicts what was sealed",
    );
    expect(conclusionOf(verification({ state: "done", outcome: "unproven" }))).toContain("could not be made");
  });

  it("counts what is not listed and colours what is required", () => {
    expect(hiddenFindings(verdict)).toBe(22);
    expect(toneOf(verdict)).toBe("neutral");
    expect(toneOf({ ...verdict, is_required: true })).toBe("warn");
    expect(toneOf({ ...verdict, status: "fail" })).toBe("bad");
    expect(commandFor("https://audit.example")).toContain("audit verify https://audit.example --policy");
  });
});
