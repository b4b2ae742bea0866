import type { NewReport, ReportFormat } from "../../api/types";
import type { LogFilters } from "../../lib/filters";
import { resolveRange } from "../../lib/range";

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
  const { range, from, to, ...others } = filters;
  const ends = resolveRange({ ...(range && { range }), ...(from && { from }), ...(to && { to }) }, nowMs);
  const narrowed = Object.fromEntries(Object.entries(others).filter(([, value]) => value)) as Record<
    string,
    string
  >;
  return {
    ...shared,
    ...ends,
    to: ends.to ?? new Date(nowMs).toISOString(),
    ...(Object.keys(narrowed).length > 0 ? { filters: narrowed } : {}),
  };
}
