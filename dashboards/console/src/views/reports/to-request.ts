import type { NewReport, ReportFormat } from "../../api/types";
import { type FilterKey, filterKeys, type LogFilters } from "../../lib/filters";
import { resolveRange } from "../../lib/range";

/** Filters that a report of a range can have. */
export const reportFilters: readonly FilterKey[] = [
  "application",
  "environment",
  "decision_type",
  "provider",
  "model",
  "operation",
  "user_id",
  "session_id",
  "status",
  "flagged",
  "has_pii",
  "min_cost",
];

/** The call's body: only what the scope needs, with a span back from now made fixed. */
export function toRequest(
  type: NewReport["type"],
  title: string,
  eventId: string,
  format: readonly ReportFormat[],
  filters: LogFilters,
  nowMs: number,
): NewReport {
  const shared = { type, format: [...format], ...(title.trim() ? { title: title.trim() } : {}) };
  if (type === "decision") return { ...shared, event_id: eventId };
  const { range, from, to, tenant } = filters;
  const ends = resolveRange({ ...(range && { range }), ...(from && { from }), ...(to && { to }) }, nowMs);
  const narrowed: Record<string, string> = {};
  for (const key of reportFilters) {
    const value = filters[key];
    if (value) narrowed[key] = value;
  }
  return {
    ...shared,
    ...ends,
    to: ends.to ?? new Date(nowMs).toISOString(),
    ...(tenant ? { tenant } : {}),
    ...(Object.keys(narrowed).length > 0 ? { filters: narrowed } : {}),
  };
}

/** Filters of the explorer in force that a report cannot have; the reader must know of them. */
export function leftOutOf(filters: LogFilters): FilterKey[] {
  const own: readonly FilterKey[] = ["range", "from", "to", "tenant"];
  return filterKeys.filter((key) => filters[key] && !own.includes(key) && !reportFilters.includes(key));
}
