/** Keys of an access record in the order a reader asks: when, who, what, why. */
const order = [
  "at",
  "occurred_at",
  "recorded_at",
  "edge_at",
  "actor",
  "user",
  "user_id",
  "role",
  "action",
  "decision_type",
  "target",
  "target_event_id",
  "reason",
  "tenant",
];

/** Every key that has a value in any item, the known ones first. */
export function columnsOf(items: readonly Record<string, unknown>[]): string[] {
  const filled = new Set<string>();
  for (const item of items) {
    for (const [key, value] of Object.entries(item)) {
      if (textOf(value) !== "") filled.add(key);
    }
  }
  const known = order.filter((key) => filled.has(key));
  const others = [...filled].filter((key) => !order.includes(key)).sort();
  return [...known, ...others];
}

/** `occurred_at` as `Occurred (UTC)`, `target` as `Target`. */
export function columnLabel(column: string): string {
  const [name, zone] = column.endsWith("_at") ? [column.slice(0, -3), " (UTC)"] : [column, ""];
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ") + zone;
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
