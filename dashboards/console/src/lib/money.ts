/**
 * Exact decimals as the API sends them. Everything here works on digits: a float would show a cost that
 * nobody was charged.
 */

interface Decimal {
  /** The number times 10^scale. */
  units: bigint;
  scale: number;
}

const decimalShape = /^(-?)(\d+)(?:\.(\d+))?$/;

/** The digits of a decimal string, or null when it is not one (an exponent is not accepted). */
function parse(text: string): Decimal | null {
  const match = decimalShape.exec(text.trim());
  if (!match) return null;
  const [, sign, whole = "0", fraction = ""] = match;
  const units = BigInt(whole + fraction);
  return { units: sign ? -units : units, scale: fraction.length };
}

function print({ units, scale }: Decimal): string {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  const text = fraction ? `${whole}.${fraction}` : whole;
  return negative && text !== "0" ? `-${text}` : text;
}

function atScale(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}

export function isDecimal(text: string): boolean {
  return parse(text) !== null;
}

/** The same number without trailing zeros; text that is no decimal comes back unchanged. */
export function trimDecimal(text: string): string {
  const value = parse(text);
  return value ? print(value) : text;
}

/** The exact sum. Values that are no decimals are an error: leaving one out would be a wrong total. */
export function addDecimals(values: readonly string[]): string {
  let total: Decimal = { units: 0n, scale: 0 };
  for (const text of values) {
    const value = parse(text);
    if (!value) throw new RangeError(`not a decimal: ${text}`);
    const scale = Math.max(total.scale, value.scale);
    total = { units: atScale(total, scale) + atScale(value, scale), scale };
  }
  return print(total);
}

/** Negative, zero or positive, as Array.sort wants it. */
export function compareDecimals(left: string, right: string): number {
  const a = parse(left);
  const b = parse(right);
  if (!a || !b) return left.localeCompare(right);
  const scale = Math.max(a.scale, b.scale);
  const difference = atScale(a, scale) - atScale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `$0.0012` or `0.0012 EUR`: every digit the record holds, no grouping, no rounding. */
export function formatMoney(amount: string, currency: string): string {
  const exact = trimDecimal(amount);
  if (currency !== "USD" && currency !== "") return `${exact} ${currency}`;
  return exact.startsWith("-") ? `-$${exact.slice(1)}` : `$${exact}`;
}

/** A float for the height of a bar and nothing else. */
export function plotValue(amount: string | null): number {
  return amount === null ? 0 : Number.parseFloat(amount);
}

/** `unknown_model` and `no_price_for_bucket:input_audio` in words. */
export function formatUnpriced(reason: string): string {
  const [name = "", ...rest] = reason.split(":");
  const words = name.replaceAll("_", " ");
  const detail = rest.join(":").trim();
  return `unpriced: ${detail ? `${words} ${detail}` : words || "no reason given"}`;
}
