import { useState } from "react";
import { formatUtc } from "../../lib/time";
import { ScrollRegion } from "../scroll-region";
import type { ChartSeries } from "./time-chart";

interface NumbersTableProps {
  label: string;
  times: readonly number[];
  stepS: number;
  series: readonly ChartSeries[];
  format: (value: number) => string;
}

/** A chart's numbers for readers who cannot see it or want to copy them; drawn only once opened. */
export function NumbersTable({ label, times, stepS, series, format }: NumbersTableProps) {
  const [open, setOpen] = useState(false);
  return (
    <details className="mt-1 text-xs" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="text-muted">Numbers</summary>
      {open && (
        <ScrollRegion className="max-h-60 overflow-auto" label={`${label}: numbers`}>
          <table className="grid-table">
            <thead>
              <tr>
                <th scope="col">From (UTC)</th>
                {series.map((entry) => (
                  <th key={entry.label} scope="col" className="num !text-right">
                    {entry.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((time, index) => (
                <tr key={time}>
                  <td>{pointTime(time, stepS)}</td>
                  {series.map((entry) => (
                    <td key={entry.label} className="num">
                      {shownValue(entry, index, format)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      )}
    </details>
  );
}

export function shownValue(series: ChartSeries, index: number, format: (value: number) => string): string {
  const value = series.values[index];
  if (value === null || value === undefined) return "–";
  return series.exact ? series.exact(index) : format(value);
}

export function pointTime(seconds: number, stepS: number): string {
  const text = formatUtc(new Date(seconds * 1000).toISOString(), "minute");
  return stepS >= 86_400 ? text.slice(0, 10) : text;
}
