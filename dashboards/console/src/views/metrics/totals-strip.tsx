import type { Metrics } from "../../api/types";
import { formatMoney } from "../../lib/money";
import { formatCount, formatShare } from "../../lib/number";
import { formatDuration } from "../../lib/time";
import { sumCounts } from "./series";

/** The whole range in one line. */
export function TotalsStrip({ totals }: { totals: Metrics["totals"] }) {
  const latency = totals.latency_ms;
  const { cost = null } = totals;
  const share = (part: number | undefined) => formatShare(part ?? 0, totals.calls);
  const cells: { name: string; value: string; note?: string; tone?: string }[] = [
    { name: "Calls", value: formatCount(totals.calls) },
    {
      name: "Errors",
      value: formatCount(totals.errors),
      note: formatShare(totals.errors, totals.calls),
      tone: totals.errors > 0 ? "text-bad" : "",
    },
    {
      name: "Latency p95",
      value: formatDuration(latency?.p95),
      note: `p50 ${formatDuration(latency?.p50)}, p99 ${formatDuration(latency?.p99)}`,
    },
    { name: "Input tokens", value: formatCount(totals.input_tokens) },
    { name: "Output tokens", value: formatCount(totals.output_tokens) },
    {
      name: "Cost",
      value: cost === null ? "–" : formatMoney(cost, totals.currency ?? "USD"),
      note: "priced calls only",
    },
    {
      name: "Unpriced calls",
      value: formatCount(totals.unpriced),
      note: share(totals.unpriced),
      tone: (totals.unpriced ?? 0) > 0 ? "text-warn" : "",
    },
    { name: "Redactions", value: formatCount(sumCounts(totals.redactions ?? {})) },
    {
      name: "Flagged",
      value: formatCount(totals.flagged),
      note: share(totals.flagged),
      tone: (totals.flagged ?? 0) > 0 ? "text-bad" : "",
    },
    {
      name: "Overrides",
      value: formatCount(totals.overrides),
      note: share(totals.overrides),
    },
  ];
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-md border border-line bg-line sm:grid-cols-5 2xl:grid-cols-10">
      {cells.map((cell) => (
        <div key={cell.name} className="bg-panel px-3 py-2">
          <dt className="text-xs text-muted">{cell.name}</dt>
          <dd className={`text-base leading-tight font-semibold break-all ${cell.tone ?? ""}`}>
            {cell.value}
          </dd>
          <dd className="text-xs text-muted">{cell.note ?? "\u00a0"}</dd>
        </div>
      ))}
    </dl>
  );
}
