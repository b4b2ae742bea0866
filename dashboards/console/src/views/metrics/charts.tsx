import { type ReactNode, useMemo } from "react";
import type { MetricPoint, MetricSeries, Metrics } from "../../api/types";
import { type ChartSeries, TimeChart } from "../../components/charts/time-chart";
import { Panel } from "../../components/ui";
import { formatCompact } from "../../lib/number";
import { formatDuration } from "../../lib/time";
import {
  align,
  costSeries,
  counted,
  groupLabel,
  largestGroups,
  measured,
  namedSeries,
  sumCounts,
  timelineOf,
} from "./series";

interface Chart {
  title: string;
  kind: "bars" | "lines";
  series: ChartSeries[];
  format: (value: number) => string;
  note?: string;
  /** The title names the only series. */
  legend?: false;
}

const axisMoney = (value: number) => `$${formatCompact(value)}`;
const axisDuration = (value: number) => formatDuration(value);

interface ChartsProps {
  metrics: Metrics;
  onZoom: (fromMs: number, toMs: number) => void;
}

export function Charts({ metrics, onZoom }: ChartsProps) {
  const timeline = useMemo(() => timelineOf(metrics), [metrics]);
  const charts = useMemo(() => {
    const grouped = metrics.series.some((series) => Object.keys(series.group).length > 0);
    const only = metrics.series[0];
    if (grouped) return groupedCharts(metrics.series, timeline.times);
    return only ? plainCharts(only, timeline.times) : [];
  }, [metrics, timeline]);

  return (
    <div className="grid gap-3 lg:grid-cols-2 2xl:grid-cols-3">
      {charts.map((chart) => (
        <ChartPanel key={chart.title} title={chart.title} note={chart.note}>
          {chart.series.length === 0 ? (
            <p className="px-3 py-8 text-center text-muted">None in this range.</p>
          ) : (
            <TimeChart
              label={`${chart.title} over time`}
              times={timeline.times}
              stepS={timeline.stepS}
              series={chart.series}
              kind={chart.kind}
              format={chart.format}
              legend={chart.legend ?? true}
              wholeNumbers={chart.format === formatCompact}
              onZoom={onZoom}
            />
          )}
        </ChartPanel>
      ))}
    </div>
  );
}

function ChartPanel({
  title,
  note,
  children,
}: {
  title: string;
  note?: string | undefined;
  children: ReactNode;
}) {
  return (
    <Panel title={title} actions={note && <span className="text-xs text-muted">{note}</span>}>
      {children}
    </Panel>
  );
}

/** A series that is all zero says less than the words "none in this range". */
const orNone = (series: ChartSeries[]): ChartSeries[] => (series.some(hasValues) ? series : []);
const withoutZeros = (series: ChartSeries[]): ChartSeries[] => series.filter(hasValues);

function hasValues(series: ChartSeries): boolean {
  return series.values.some((value) => (value ?? 0) > 0);
}

function plainCharts(series: MetricSeries, times: readonly number[]): Chart[] {
  const points = align(series, times);
  const count = (label: string, pick: (point: MetricPoint) => number, color?: string): ChartSeries => ({
    label,
    values: counted(points, pick),
    ...(color ? { color } : {}),
  });
  const percentiles = (of: "latency_ms" | "first_token_ms"): ChartSeries[] =>
    orNone(
      (["p50", "p95", "p99"] as const).map((name) => ({
        label: name,
        values: measured(points, (point) => point[of]?.[name]),
      })),
    );
  return [
    {
      title: "Calls and errors",
      kind: "bars",
      format: formatCompact,
      series: [
        count("answered", (point) => point.calls - point.errors),
        count("errors", (point) => point.errors, "--chart-bad"),
      ],
    },
    { title: "Latency", kind: "lines", format: axisDuration, series: percentiles("latency_ms") },
    {
      title: "Cost",
      kind: "bars",
      format: axisMoney,
      legend: false,
      series: orNone([costSeries("cost", points)]),
    },
    {
      title: "Tokens by bucket",
      kind: "bars",
      format: formatCompact,
      series: namedSeries(points, (point) => point.tokens),
    },
    {
      title: "Time to first token",
      kind: "lines",
      format: axisDuration,
      series: percentiles("first_token_ms"),
      note: "streamed calls",
    },
    {
      title: "Unpriced calls",
      kind: "bars",
      format: formatCompact,
      series: orNone([count("unpriced", (point) => point.unpriced, "--chart-3")]),
      note: "not part of the cost",
      legend: false,
    },
    {
      title: "Redactions by type",
      kind: "bars",
      format: formatCompact,
      series: namedSeries(points, (point) => point.redactions),
    },
    {
      title: "Flagged and overridden",
      kind: "lines",
      format: formatCompact,
      series: orNone([
        count("flagged", (point) => point.flagged, "--chart-bad"),
        count("overridden", (point) => point.overrides, "--chart-3"),
      ]),
    },
  ];
}

function groupedCharts(all: readonly MetricSeries[], times: readonly number[]): Chart[] {
  const groups = largestGroups(all).map((series, index) => ({
    label: groupLabel(series.group),
    // A group keeps its colour in every chart, also where others are left out.
    color: `--chart-${index + 1}`,
    points: align(series, times),
  }));
  const hidden = all.length - groups.length;
  const note = hidden > 0 ? `the ${groups.length} largest of ${all.length}` : "";
  const bars = (title: string, pick: (point: MetricPoint) => number): Chart => ({
    title,
    kind: "bars",
    format: formatCompact,
    note,
    series: withoutZeros(
      groups.map(({ label, color, points }) => ({ label, color, values: counted(points, pick) })),
    ),
  });
  const lines = (title: string, of: "latency_ms" | "first_token_ms"): Chart => ({
    title,
    kind: "lines",
    format: axisDuration,
    note,
    series: withoutZeros(
      groups.map(({ label, color, points }) => ({
        label,
        color,
        values: measured(points, (point) => point[of]?.p95),
      })),
    ),
  });
  return [
    bars("Calls", (point) => point.calls),
    {
      title: "Cost",
      kind: "bars",
      format: axisMoney,
      note,
      series: withoutZeros(
        groups.map(({ label, color, points }) => ({ ...costSeries(label, points), color })),
      ),
    },
    bars("Errors", (point) => point.errors),
    lines("Latency p95", "latency_ms"),
    lines("Time to first token p95", "first_token_ms"),
    bars("Tokens", (point) => point.input_tokens + point.output_tokens),
    bars("Redactions", (point) => sumCounts(point.redactions)),
    bars("Unpriced calls", (point) => point.unpriced),
    bars("Flagged", (point) => point.flagged),
    bars("Overridden", (point) => point.overrides),
  ];
}
