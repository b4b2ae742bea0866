import uPlot from "uplot";
import type { ChartColors } from "./colors";

interface ChartOptions {
  widthPx: number;
  heightPx: number;
  kind: "bars" | "lines";
  /** Counts: an axis with halves would be nonsense. */
  wholeNumbers: boolean;
  stepS: number;
  times: readonly number[];
  /** In the order in which the series are drawn. */
  colors: readonly string[];
  ink: ChartColors;
  format: (value: number) => string;
  onHover: (point: { index: number; leftPx: number; widthPx: number } | null) => void;
  onSelect: (fromMs: number, toMs: number) => void;
}

const font = '11px "Inter", "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif';
const smallestSelectionPx = 6;
const dayS = 86_400;
const wholeSteps = Array.from({ length: 13 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/**
 * Stacked bars are drawn tallest first, each covering the part of the one before that is not its own, so the
 * running sums come in reverse order.
 */
export function stack(series: readonly { values: readonly (number | null)[] }[]): number[][] {
  const sums: number[][] = [];
  for (const { values } of series) {
    const below = sums.at(-1);
    sums.push(values.map((value, index) => (value ?? 0) + (below?.[index] ?? 0)));
  }
  return sums.reverse();
}

const bars = uPlot.paths.bars?.({ size: [0.82, 48], align: 1 }) ?? (() => null);

export function chartOptions(given: ChartOptions): uPlot.Options {
  const { kind, stepS, times, colors, ink, format } = given;
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? first;
  const axis = {
    font,
    stroke: ink.muted,
    grid: { stroke: ink.line, width: 1 },
    ticks: { show: false },
  };
  const barSeries = (color: string): uPlot.Series => ({
    stroke: color,
    fill: color,
    width: 0,
    paths: bars,
    points: { show: false },
  });
  const lineSeries = (color: string): uPlot.Series => ({
    stroke: color,
    width: 1.75,
    points: { show: times.length < 40, size: 4, fill: color },
  });
  return {
    width: given.widthPx,
    height: given.heightPx,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    // Times are UTC in every browser.
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    scales: {
      // A point stands for the interval that begins at it.
      x: { time: true, range: () => [first, last + stepS] },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 70, values: timeLabels },
      {
        ...axis,
        size: 58,
        space: 34,
        values: (_plot, splits) => splits.map(format),
        ...(given.wholeNumbers ? { incrs: wholeSteps } : {}),
      },
    ],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      sync: { key: "console-metrics" },
    },
    series: [{}, ...colors.map(kind === "bars" ? barSeries : lineSeries)],
    hooks: {
      setCursor: [
        (plot) => {
          const { left = -1 } = plot.cursor;
          const { over } = plot;
          // Charts in step show the line everywhere but the numbers only under the pointer.
          if (left < 0 || !over.matches(":hover")) return given.onHover(null);
          const seconds = plot.posToVal(left, "x");
          const index = times.findLastIndex((time) => time <= seconds);
          if (index < 0) return given.onHover(null);
          given.onHover({ index, leftPx: left + over.offsetLeft, widthPx: plot.width });
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < smallestSelectionPx) return;
          const fromMs = plot.posToVal(left, "x") * 1000;
          const toMs = plot.posToVal(left + width, "x") * 1000;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          given.onSelect(fromMs, toMs);
        },
      ],
    },
  };
}

/** `14:05`, `23 Nov` at midnight and for whole days, `Nov 2026` for months. */
function timeLabels(
  _plot: uPlot,
  splits: number[],
  _axis: number,
  _space: number,
  incrementS: number,
): string[] {
  const monthName = (date: Date) => date.toLocaleString("en-GB", { month: "short", timeZone: "UTC" });
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000);
    if (incrementS >= 28 * dayS) return `${monthName(date)} ${date.getUTCFullYear()}`;
    if (seconds % dayS === 0 || incrementS >= dayS) return `${date.getUTCDate()} ${monthName(date)}`;
    return date.toISOString().slice(11, 16);
  });
}
