import { asJson } from "../../exchange/turns";
import { words } from "../../lib/number";

/** Keys of an access record in the order a reader asks: when, who, what, why. */
const order = [
  "at",
  "actor_email",
  "actor",
  "role",
  "action",
  "target_event_id",
  "reason",
  "detail",
  "tenant",
  "kind",
];
/** Said better by another column, or only of use to the verifier. */
const leftOut = new Set(["event_id", "ledger"]);

/** Every key that has a value in any item, the known ones first. */
export function columnsOf(items: readonly Record<string, unknown>[]): string[] {
  const filled = new Set<string>();
  for (const item of items) {
    for (const [key, value] of Object.entries(item)) {
      if (textOf(value) !== "" && !leftOut.has(key)) filled.add(key);
    }
  }
  if (items.every((item) => textOf(item.actor) === "" || textOf(item.actor_email) !== ""))
    filled.delete("actor");
  const known = order.filter((key) => filled.has(key));
  const others = [...filled].filter((key) => !order.includes(key)).sort();
  return [...known, ...others];
}

const labels: Record<string, string> = {
  at: "Time (UTC)",
  actor_email: "Who",
  actor: "Who (id)",
  target_event_id: "Record",
};

/** `at` as `Time (UTC)`, `first_seen_at` as `First seen (UTC)`, `reason` as `Reason`. */
export function columnLabel(column: string): string {
  const label = labels[column];
  if (label) return label;
  const [name, zone] = column.endsWith("_at") ? [column.slice(0, -3), " (UTC)"] : [column, ""];
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ") + zone;
}

/** A value as text; an object, also one that came as JSON text, as `key value, key value`. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string" && value.startsWith("{")) return textOf(asJson(value)) || value;
  if (typeof value !== "object") return String(value);
  const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== "");
  return entries.map(([key, entry]) => `${words(key)} ${textOf(entry)}`).join(", ");
}
