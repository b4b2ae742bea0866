import type { Counts, MetricPoint, MetricSeries, Metrics } from "../../api/types";
import type { ChartSeries } from "../../components/charts/time-chart";
import { addDecimals, formatMoney, plotValue } from "../../lib/money";
import { words } from "../../lib/number";

const fixedStepS: Record<string, number> = { minute: 60, hour: 3600, day: 86_400, week: 604_800 };
const monthS = 30 * 86_400;
const mostPoints = 2_000;

export interface Timeline {
  /** Seconds since the epoch, without holes where the interval has a fixed length. */
  times: number[];
  stepS: number;
}

/** Every point in time any series has; intervals in which nothing happened are put in between. */
export function timelineOf(metrics: Metrics): Timeline {
  const stepS = fixedStepS[metrics.interval] ?? monthS;
  const seen = new Set<number>();
  for (const series of metrics.series) {
    for (const point of series.points) seen.add(Date.parse(point.t) / 1000);
  }
  const times = [...seen].sort((left, right) => left - right);
  const first = times[0];
  const last = times.at(-1);
  const regular = metrics.interval in fixedStepS;
  if (first === undefined || last === undefined || !regular || (last - first) / stepS > mostPoints) {
    return { times, stepS };
  }
  const filled: number[] = [];
  for (let time = first; time <= last; time += stepS) filled.push(time);
  return { times: filled, stepS };
}

/** One series' points in the order of the timeline; undefined where it has none. */
export function align(series: MetricSeries, times: readonly number[]): (MetricPoint | undefined)[] {
  const byTime = new Map(series.points.map((point) => [Date.parse(point.t) / 1000, point]));
  return times.map((time) => byTime.get(time));
}

type Points = readonly (MetricPoint | undefined)[];

export const counted = (points: Points, pick: (point: MetricPoint) => number): number[] =>
  points.map((point) => (point ? pick(point) : 0));

export const measured = (points: Points, pick: (point: MetricPoint) => number | null | undefined) =>
  points.map((point) => (point ? (pick(point) ?? null) : null));

/** One series per name in a map of counts (usage buckets, entities), the largest first. */
export function namedSeries(points: Points, pick: (point: MetricPoint) => Counts, limit = 8): ChartSeries[] {
  const totals = new Map<string, number>();
  for (const point of points) {
    for (const [name, count] of Object.entries(point ? pick(point) : {})) {
      totals.set(name, (totals.get(name) ?? 0) + count);
    }
  }
  const names = [...totals]
    .filter(([, total]) => total > 0)
    .sort((left, right) => right[1] - left[1] || left[0].localeCompare(right[0]))
    .map(([name]) => name);
  const shown = names.slice(0, limit);
  const others = names.slice(limit);
  const series = shown.map((name) => ({
    label: words(name),
    values: counted(points, (point) => pick(point)[name] ?? 0),
  }));
  if (others.length === 0) return series;
  const rest = counted(points, (point) => others.reduce((sum, name) => sum + (pick(point)[name] ?? 0), 0));
  return [...series, { label: `${others.length} others`, values: rest, color: "--chart-9" }];
}

/** Cost as bars; the exact decimal is what the reader sees. */
export function costSeries(label: string, points: Points): ChartSeries {
  return {
    label,
    values: points.map((point) => plotValue(point?.cost ?? null)),
    exact: (index) => {
      const cost = points[index]?.cost;
      return cost ? formatMoney(cost, points[index]?.currency ?? "USD") : "–";
    },
  };
}

export interface GroupTotals {
  label: string;
  group: Record<string, string>;
  calls: number;
  errors: number;
  worstP95Ms: number | null;
  inputTokens: number;
  outputTokens: number;
  /** The exact sum of the priced part; null when nothing was priced. */
  cost: string | null;
  currency: string;
  unpriced: number;
  redactions: number;
  flagged: number;
  overrides: number;
}

export function groupLabel(group: Record<string, string>): string {
  const values = Object.values(group);
  return values.length === 0 ? "all" : values.map((value) => value || "(none)").join(" · ");
}

export const sumCounts = (counts: Counts): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** A group's totals over the whole range. Percentiles do not add up, so the worst interval stands for them. */
export function totalsOf(series: MetricSeries): GroupTotals {
  const { points } = series;
  const sum = (pick: (point: MetricPoint) => number) =>
    points.reduce((total, point) => total + pick(point), 0);
  const costs = points.map((point) => point.cost).filter((cost): cost is string => cost !== null);
  // Sums over different currencies would be no amount at all.
  const currencies = new Set(points.map((point) => point.currency).filter((name) => name != null));
  const p95s = points.map((point) => point.latency_ms?.p95).filter((value): value is number => value != null);
  return {
    label: groupLabel(series.group),
    group: series.group,
    calls: sum((point) => point.calls),
    errors: sum((point) => point.errors),
    worstP95Ms: p95s.length > 0 ? Math.max(...p95s) : null,
    inputTokens: sum((point) => point.input_tokens),
    outputTokens: sum((point) => point.output_tokens),
    cost: costs.length > 0 && currencies.size < 2 ? addDecimals(costs) : null,
    currency: [...currencies][0] ?? "USD",
    unpriced: sum((point) => point.unpriced),
    redactions: sum((point) => sumCounts(point.redactions)),
    flagged: sum((point) => point.flagged),
    overrides: sum((point) => point.overrides),
  };
}

/** The groups with most calls; a chart with more lines than this cannot be read. */
export function largestGroups(series: readonly MetricSeries[], limit = 8): MetricSeries[] {
  return [...series]
    .map((entry) => ({ entry, calls: entry.points.reduce((sum, point) => sum + point.calls, 0) }))
    .sort((left, right) => right.calls - left.calls)
    .slice(0, limit)
    .map(({ entry }) => entry);
}
