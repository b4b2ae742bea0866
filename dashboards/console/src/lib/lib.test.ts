import { describe, expect, it } from "vitest";
import { addDecimals, compareDecimals, formatMoney, formatUnpriced, trimDecimal } from "./money";
import { formatBytes, formatCompact, formatCount, formatShare } from "./number";
import { entityLabel, shortenPlaceholders, splitPlaceholders } from "./placeholders";
import { intervalFor, resolveRange } from "./range";
import { formatDuration, formatLocal, formatUtc, fromInputValue, toInputValue } from "./time";

describe("money", () => {
  it("shows every digit and no trailing zero", () => {
    expect(formatMoney("0.00012000", "USD")).toBe("$0.00012");
    expect(formatMoney("12.00", "USD")).toBe("$12");
    expect(formatMoney("0.000", "USD")).toBe("$0");
    expect(formatMoney("-1.50", "USD")).toBe("-$1.5");
    expect(formatMoney("3.10", "EUR")).toBe("3.1 EUR");
    expect(trimDecimal("0.000000000000000001")).toBe("0.000000000000000001");
    expect(trimDecimal("123456789012345678901234.5600")).toBe("123456789012345678901234.56");
  });

  it("leaves what is no decimal alone", () => {
    expect(trimDecimal("1e-7")).toBe("1e-7");
    expect(trimDecimal("")).toBe("");
  });

  it("adds exactly where floats would not", () => {
    expect(addDecimals(["0.1", "0.2"])).toBe("0.3");
    expect(addDecimals(["9007199254740993", "0.000000001"])).toBe("9007199254740993.000000001");
    expect(addDecimals(["1", "-1.000"])).toBe("0");
    expect(addDecimals([])).toBe("0");
    expect(() => addDecimals(["1", "n/a"])).toThrow("not a decimal");
  });

  it("orders by value, not by text", () => {
    expect(compareDecimals("10", "9.99")).toBe(1);
    expect(compareDecimals("0.50", "0.5")).toBe(0);
    expect(["2", "-3", "0.1"].sort(compareDecimals)).toEqual(["-3", "0.1", "2"]);
  });

  it("names why there is no price", () => {
    expect(formatUnpriced("unknown_model")).toBe("unpriced: unknown model");
    expect(formatUnpriced("no_price_for_bucket:input_audio")).toBe(
      "unpriced: no price for bucket input_audio",
    );
    expect(formatUnpriced("")).toBe("unpriced: no reason given");
  });
});

describe("times", () => {
  it("are UTC with the precision asked for", () => {
    expect(formatUtc("2026-11-23T13:31:21.123456Z")).toBe("2026-11-23 13:31:21");
    expect(formatUtc("2026-11-23T13:31:21.123456Z", "full")).toBe("2026-11-23 13:31:21.123456");
    expect(formatUtc("2026-11-23T13:31:21Z", "minute")).toBe("2026-11-23 13:31");
    expect(formatUtc("2026-11-23T13:31:21+02:00")).toBe("2026-11-23 11:31:21");
    expect(formatUtc("soon")).toBe("soon");
  });

  it("name the reader's zone", () => {
    expect(formatLocal("2026-07-01T12:00:00Z", "Europe/Berlin")).toBe("1 Jul 2026, 14:00:00 CEST");
    expect(formatLocal("soon")).toBe("");
  });

  it("are typed in as UTC", () => {
    expect(fromInputValue("2026-11-23T13:31")).toBe("2026-11-23T13:31:00Z");
    expect(toInputValue("2026-11-23T13:31:00Z")).toBe("2026-11-23T13:31");
    expect(fromInputValue("")).toBe("");
  });

  it("last as long as they last", () => {
    expect([0, 999, 1000, 1250, 59_990, 125_000, 7_260_000].map(formatDuration)).toEqual([
      "0 ms",
      "999 ms",
      "1 s",
      "1.25 s",
      "59.99 s",
      "2 min 5 s",
      "2 h 1 min",
    ]);
    expect(formatDuration(null)).toBe("–");
  });
});

describe("ranges", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");

  it("count back from now or stand fixed", () => {
    expect(resolveRange({ range: "24h" }, now)).toEqual({ from: "2026-11-22T12:00:00.000Z" });
    expect(resolveRange({ from: "2026-01-01T00:00:00Z" }, now)).toEqual({ from: "2026-01-01T00:00:00Z" });
    expect(resolveRange({}, now)).toEqual({});
  });

  it("choose an interval of some dozens of points", () => {
    expect((["1h", "24h", "7d", "30d", "365d"] as const).map((range) => intervalFor({ range }, now))).toEqual(
      ["minute", "hour", "day", "day", "week"],
    );
  });
});

describe("counts", () => {
  it("are never 0 when they are missing", () => {
    expect(formatCount(null)).toBe("–");
    expect(formatCount(1234567)).toBe("1,234,567");
    expect(formatCompact(12_345)).toBe("12.3K");
    expect(formatCompact(0.25)).toBe("0.25");
    expect(formatShare(1, 4)).toBe("25.0 %");
    expect(formatShare(1, 100_000)).toBe("<0.1 %");
    expect(formatShare(0, 0)).toBe("–");
    expect(formatBytes(1_400_000)).toBe("1.4 MB");
  });
});

describe("placeholders", () => {
  const token = "[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]";

  it("split a text without losing a character", () => {
    const segments = splitPlaceholders(`to ${token}, please`, new Set([token]));
    expect(segments.map((segment) => segment.kind)).toEqual(["text", "placeholder", "text"]);
    const joined = segments
      .map((segment) => (segment.kind === "text" ? segment.text : segment.token))
      .join("");
    expect(joined).toBe(`to ${token}, please`);
    expect(segments[1]).toMatchObject({ entity: "EMAIL_ADDRESS", keyVersion: 1, trusted: true });
  });

  it("do not trust a look-alike that somebody typed", () => {
    expect(splitPlaceholders(token, new Set())[0]).toMatchObject({ kind: "placeholder", trusted: false });
  });

  it("are not found where the shape is wrong", () => {
    const wrong = "[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBI]] [[email:k1:7Q2M4XW8RJTC9HBD]] [[A:1:2]]";
    expect(splitPlaceholders(wrong, new Set())).toEqual([{ kind: "text", text: wrong }]);
  });

  it("are short where there is no room", () => {
    expect(shortenPlaceholders(`user ${token}`)).toBe("user [Email address 9hbd]");
    expect(shortenPlaceholders("plain")).toBe("plain");
  });

  it("have names people read", () => {
    expect(entityLabel("EMAIL_ADDRESS")).toBe("Email address");
    expect(entityLabel("US_SSN")).toBe("US SSN");
    expect(entityLabel("IBAN")).toBe("IBAN");
  });
});
