import { describe, expect, it } from "vitest";
import type { LogSummary } from "../api/types";
import { recordPath, tokens, whatHappened } from "./log-columns";

const record = (values: Partial<LogSummary>) =>
  ({ kind: "event", usage_state: "usage_reported", event_id: "e", ...values }) as LogSummary;

describe("token counts", () => {
  it("say 0 only where the provider did", () => {
    expect(tokens(record({}), 0)).toBe("0");
    expect(tokens(record({}), 1200)).toBe("1,200");
    expect(tokens(record({ usage_state: "usage_missing" }), 0)).toBe("–");
    expect(tokens(record({ usage_state: "not_applicable" }), 0)).toBe("–");
    expect(tokens(record({ kind: "outcome" }), 0)).toBe("–");
  });

  it("are lower bounds where the stream broke off", () => {
    expect(tokens(record({ usage_state: "usage_incomplete" }), 862)).toBe("≥ 862");
    expect(tokens(record({ usage_state: "usage_incomplete" }), 0)).toBe("–");
  });
});

describe("records in lists", () => {
  it("lead to the decision they belong to", () => {
    expect(recordPath(record({}))).toBe("/decisions/e");
    expect(recordPath(record({ kind: "outcome", target_event_id: "d" }))).toBe("/decisions/d");
    expect(recordPath(record({ kind: "conflict", target_event_id: "d" }))).toBe("/decisions/e");
  });

  it("say what happened in the words at hand", () => {
    expect(whatHappened(record({ decision_type: "loan", operation: "chat" }))).toBe("loan");
    expect(whatHappened(record({ decision_type: "", operation: "chat" }))).toBe("chat");
    expect(whatHappened(record({ decision_type: "", operation: "", kind: "legal_hold" }))).toBe("legal hold");
    expect(whatHappened(record({ kind: "outcome", outcome: "declined" }))).toBe("outcome: declined");
  });
});
