import { describe, expect, it } from "vitest";
import {
  encodeFilters,
  filterFault,
  filterKeys,
  type LogFilters,
  parseFilters,
  toLogQuery,
  withFilters,
} from "./filters";

const everything: LogFilters = {
  q: 'overdraft "fee" & more',
  from: "2026-10-01T00:00:00Z",
  to: "2026-11-01T00:00:00Z",
  tenant: "3f0c8a52-0000-4000-8000-000000000001",
  application: "loan-desk",
  environment: "production",
  decision_type: "credit/limit",
  provider: "openai",
  operation: "chat",
  model: "gpt-4o-2024-08-06",
  status: "429",
  user_id: "anna@example.org",
  session_id: "case 12",
  subject: "customer-7",
  flagged: "true",
  has_pii: "false",
  min_cost: "0.05",
  kind: "event",
};

describe("filters in the address bar", () => {
  it("come back as they went", () => {
    expect(parseFilters(encodeFilters(everything))).toEqual({ filters: everything, ignored: [] });
    const relative: LogFilters = { range: "7d", model: "o3" };
    expect(parseFilters(encodeFilters(relative)).filters).toEqual(relative);
  });

  it("come back from a pasted address too", () => {
    const address = new URL(`https://audit.example/explorer?${encodeFilters(everything)}`);
    expect(parseFilters(address.searchParams).filters).toEqual(everything);
  });

  it("always make the same address", () => {
    const backwards = Object.fromEntries(Object.entries(everything).reverse()) as LogFilters;
    expect(encodeFilters(backwards).toString()).toBe(encodeFilters(everything).toString());
    expect([...encodeFilters(everything).keys()]).toEqual(filterKeys.filter((key) => key !== "range"));
  });

  it("name what cannot be used instead of applying it", () => {
    const address = new URLSearchParams(
      "status=abc&flagged=maybe&min_cost=1e3&from=yesterday&range=9y&model=o3",
    );
    const { filters, ignored } = parseFilters(address);
    expect(filters).toEqual({ model: "o3" });
    expect(ignored).toEqual(["range=9y", "from=yesterday", "status=abc", "flagged=maybe", "min_cost=1e3"]);
  });

  it("prefer fixed ends to a span", () => {
    const { filters, ignored } = parseFilters(new URLSearchParams("range=7d&from=2026-10-01T00:00:00Z"));
    expect(filters).toEqual({ from: "2026-10-01T00:00:00Z" });
    expect(ignored).toEqual(["range=7d"]);
  });

  it("leave out what is empty or unknown", () => {
    expect(parseFilters(new URLSearchParams("model=&colour=red&q=%20")).filters).toEqual({});
    expect(encodeFilters({ model: "" }).toString()).toBe("");
  });

  it("are replaced and removed one by one", () => {
    expect(withFilters({ model: "o3", q: "x" }, { model: undefined, status: "500" })).toEqual({
      q: "x",
      status: "500",
    });
  });

  it("become the query of the API", () => {
    const now = Date.parse("2026-11-23T12:00:00Z");
    expect(toLogQuery({ range: "1h", model: "o3" }, now)).toEqual({
      from: "2026-11-23T11:00:00.000Z",
      model: "o3",
    });
  });

  it("say what is wrong with a value", () => {
    expect(filterFault("min_cost", "cheap")).toContain("decimal");
    expect(filterFault("status", "99")).toContain("429");
    expect(filterFault("status", "")).toBe("");
  });
});
