import type { Query } from "../api/client";
import { isDecimal } from "./money";
import { isPreset, resolveRange, type TimeRange } from "./range";

/** Every filter of the explorer, exactly as it stands in the address bar. */
export interface LogFilters extends TimeRange {
  tenant?: string;
  application?: string;
  environment?: string;
  user_id?: string;
  session_id?: string;
  subject?: string;
  decision_type?: string;
  provider?: string;
  operation?: string;
  model?: string;
  status?: string;
  flagged?: "true" | "false";
  has_pii?: "true" | "false";
  min_cost?: string;
  q?: string;
  kind?: string;
}

export type FilterKey = keyof LogFilters;

/** The order keys are written in: the same filters always make the same address. */
export const filterKeys: readonly FilterKey[] = [
  "q",
  "range",
  "from",
  "to",
  "tenant",
  "application",
  "environment",
  "decision_type",
  "provider",
  "operation",
  "model",
  "status",
  "user_id",
  "session_id",
  "subject",
  "flagged",
  "has_pii",
  "min_cost",
  "kind",
];

const checks: Partial<Record<FilterKey, (value: string) => boolean>> = {
  range: isPreset,
  from: isTime,
  to: isTime,
  flagged: isBoolean,
  has_pii: isBoolean,
  min_cost: isDecimal,
  status: (value) => /^([1-5]\d\d|ok|error)$/.test(value),
};

/** Why a value cannot be used, in words for the form; empty when it can. */
export function filterFault(key: FilterKey, value: string): string {
  if (value === "" || (checks[key]?.(value) ?? true)) return "";
  if (key === "min_cost") return "A decimal number such as 0.05.";
  if (key === "status") return "An HTTP status such as 429, or ok, or error.";
  return "Not a usable value.";
}

/** Reads filters from the address bar. Values that cannot be used are named, not silently applied. */
export function parseFilters(parameters: URLSearchParams): { filters: LogFilters; ignored: string[] } {
  const filters: Record<string, string> = {};
  const ignored: string[] = [];
  for (const key of filterKeys) {
    const value = parameters.get(key)?.trim();
    if (!value) continue;
    if (filterFault(key, value)) ignored.push(`${key}=${value}`);
    else filters[key] = value;
  }
  if (filters.range && (filters.from || filters.to)) {
    ignored.push(`range=${filters.range}`);
    delete filters.range;
  }
  return { filters: filters as LogFilters, ignored };
}

/** Writes filters for the address bar, in the fixed order, without empty ones. */
export function encodeFilters(filters: LogFilters): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const key of filterKeys) {
    const value = filters[key];
    if (value) parameters.set(key, value);
  }
  return parameters;
}

/** The same filters with some replaced; `undefined` or an empty string removes one. */
export function withFilters(
  filters: LogFilters,
  changes: Partial<Record<FilterKey, string | undefined>>,
): LogFilters {
  const next: Record<string, string> = { ...filters } as Record<string, string>;
  for (const [key, value] of Object.entries(changes)) {
    if (value) next[key] = value;
    else delete next[key];
  }
  return next as LogFilters;
}

/** The query of `GET /api/v1/audit/logs`; a span back from now becomes a fixed start. */
export function toLogQuery(filters: LogFilters, nowMs: number): Query {
  const { range, from, to, ...others } = filters;
  const ends = resolveRange({ ...(range && { range }), ...(from && { from }), ...(to && { to }) }, nowMs);
  return { ...ends, ...others };
}

function isTime(value: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(value) && !Number.isNaN(Date.parse(value));
}

function isBoolean(value: string): boolean {
  return value === "true" || value === "false";
}
