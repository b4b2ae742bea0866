import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { chartColors, useDarkMode } from "./colors";
import { NumbersTable, pointTime, shownValue } from "./numbers-table";
import { chartOptions, stack } from "./options";

export interface ChartSeries {
  label: string;
  /** One number per point in time; null where there is nothing to draw. */
  values: readonly (number | null)[];
  /** A CSS variable of the palette; the next free one when absent. */
  color?: string;
  /** The exact text of a point where the number is not exact enough (money). */
  exact?: (index: number) => string;
}

export interface TimeChartProps {
  label: string;
  /** Seconds since the epoch, ascending. */
  times: readonly number[];
  /** Length of one point, in seconds. */
  stepS: number;
  series: readonly ChartSeries[];
  kind: "bars" | "lines";
  format: (value: number) => string;
  wholeNumbers?: boolean;
  /** False where the title says it all. */
  legend?: boolean;
  onZoom?: (fromMs: number, toMs: number) => void;
}

const heightPx = 170;

/** Numbers over time. Bars are stacked. The same numbers can be read as a table. */
export function TimeChart(props: TimeChartProps) {
  const { label, times, stepS, series, kind, format, onZoom, wholeNumbers = false, legend = true } = props;
  const holder = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<{ index: number; leftPx: number; widthPx: number } | null>(null);
  const dark = useDarkMode();
  const colors = useMemo(() => chartColors(series, dark), [series, dark]);

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const data = [times, ...(kind === "bars" ? stack(series) : series.map((entry) => entry.values))];
    const options = chartOptions({
      widthPx: element.clientWidth,
      heightPx,
      kind,
      wholeNumbers,
      stepS,
      times,
      colors: kind === "bars" ? [...colors.series].reverse() : colors.series,
      ink: colors,
      format,
      onHover: setHovered,
      onSelect: (fromMs, toMs) => onZoom?.(fromMs, toMs),
    });
    const plot = new uPlot(options, data as uPlot.AlignedData, element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
      setHovered(null);
    };
  }, [times, series, kind, stepS, format, colors, onZoom, wholeNumbers]);

  return (
    <figure className="px-3 pt-2 pb-1">
      <div className="relative">
        <div ref={holder} role="img" aria-label={label} style={{ height: heightPx }} />
        {hovered && (
          <div
            className="pointer-events-none absolute top-1 z-10 max-w-64 rounded border border-line-strong bg-panel px-2 py-1 text-xs shadow-lg"
            style={
              hovered.leftPx > hovered.widthPx / 2
                ? { right: hovered.widthPx - hovered.leftPx + 12 }
                : { left: hovered.leftPx + 12 }
            }
          >
            <p className="mb-0.5 font-semibold">{pointTime(times[hovered.index] ?? 0, stepS)}</p>
            {series.map((entry, index) => (
              <p key={entry.label} className="flex items-center gap-1.5">
                <Swatch color={colors.series[index] ?? ""} />
                <span className="truncate text-muted">{entry.label}</span>
                <span className="ml-auto pl-2">{shownValue(entry, hovered.index, format)}</span>
              </p>
            ))}
          </div>
        )}
      </div>
      {legend && (
        <ul className="mt-1 flex flex-wrap gap-x-3 text-xs text-muted">
          {series.map((entry, index) => (
            <li key={entry.label} className="flex items-center gap-1.5">
              <Swatch color={colors.series[index] ?? ""} />
              {entry.label}
            </li>
          ))}
        </ul>
      )}
      <NumbersTable label={label} times={times} stepS={stepS} series={series} format={format} />
    </figure>
  );
}

function Swatch({ color }: { color: string }) {
  return (
    <span
      aria-hidden="true"
      className="inline-block size-2.5 shrink-0 rounded-sm"
      style={{ background: color }}
    />
  );
}
