/** Ranges of time in the address bar: a span back from now (`range=7d`) or two fixed ends (`from`, `to`). */

export const presets = ["15m", "1h", "6h", "24h", "7d", "30d", "90d", "365d"] as const;
export type Preset = (typeof presets)[number];

export const presetLabels: Record<Preset, string> = {
  "15m": "15 minutes",
  "1h": "hour",
  "6h": "6 hours",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  "365d": "365 days",
};

const unitsMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export interface TimeRange {
  range?: Preset;
  from?: string;
  to?: string;
}

export function isPreset(text: string): text is Preset {
  return (presets as readonly string[]).includes(text);
}

export function presetMs(preset: Preset): number {
  const count = Number.parseInt(preset, 10);
  return count * (unitsMs[preset.at(-1) ?? ""] ?? 0);
}

/** The ends as the API takes them. A preset leaves `to` open, so rows that arrive are included. */
export function resolveRange(range: TimeRange, nowMs: number): { from?: string; to?: string } {
  if (range.range) return { from: new Date(nowMs - presetMs(range.range)).toISOString() };
  return {
    ...(range.from ? { from: range.from } : {}),
    ...(range.to ? { to: range.to } : {}),
  };
}

export type Interval = "minute" | "hour" | "day" | "week" | "month";
export const intervals: readonly Interval[] = ["minute", "hour", "day", "week", "month"];

/** An interval that gives some dozens of points, never thousands. */
export function intervalFor(range: TimeRange, nowMs: number): Interval {
  const ends = resolveRange(range, nowMs);
  const to = ends.to ? Date.parse(ends.to) : nowMs;
  const spanMs = ends.from ? to - Date.parse(ends.from) : presetMs("365d");
  if (spanMs <= presetMs("1h") * 2) return "minute";
  if (spanMs <= presetMs("24h") * 3) return "hour";
  if (spanMs <= presetMs("90d") + presetMs("7d")) return "day";
  return "week";
}
