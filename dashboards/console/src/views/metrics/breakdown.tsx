import { type ReactNode, useMemo, useState } from "react";
import { Link } from "react-router";
import type { Metrics } from "../../api/types";
import { Button, Panel } from "../../components/ui";
import { encodeFilters, type LogFilters, withFilters } from "../../lib/filters";
import { compareDecimals, formatMoney } from "../../lib/money";
import { formatCount, formatShare } from "../../lib/number";
import { formatDuration } from "../../lib/time";
import { type GroupTotals, totalsOf } from "./series";

interface Column {
  name: string;
  show: (group: GroupTotals) => ReactNode;
  /** Which of two groups is larger, for ordering. */
  compare: (left: GroupTotals, right: GroupTotals) => number;
}

const byNumber = (pick: (group: GroupTotals) => number | null) => (left: GroupTotals, right: GroupTotals) =>
  (pick(left) ?? -1) - (pick(right) ?? -1);

const count = (name: string, pick: (group: GroupTotals) => number): Column => ({
  name,
  show: (group) => formatCount(pick(group)),
  compare: byNumber(pick),
});

const columns: readonly Column[] = [
  count("Calls", (group) => group.calls),
  count("Errors", (group) => group.errors),
  {
    name: "Error share",
    show: (group) => formatShare(group.errors, group.calls),
    compare: byNumber((group) => (group.calls > 0 ? group.errors / group.calls : 0)),
  },
  {
    name: "p95, worst interval",
    show: (group) => formatDuration(group.worstP95Ms),
    compare: byNumber((group) => group.worstP95Ms),
  },
  count("Input tokens", (group) => group.inputTokens),
  count("Output tokens", (group) => group.outputTokens),
  {
    name: "Cost",
    show: (group) => (group.cost === null ? "–" : formatMoney(group.cost, group.currency)),
    compare: (left, right) => compareDecimals(left.cost ?? "-1", right.cost ?? "-1"),
  },
  count("Unpriced", (group) => group.unpriced),
  count("Redactions", (group) => group.redactions),
  count("Flagged", (group) => group.flagged),
  count("Overrides", (group) => group.overrides),
];

const filterable: readonly string[] = [
  "application",
  "provider",
  "model",
  "decision_type",
  "user_id",
  "status",
];

interface BreakdownProps {
  metrics: Metrics;
  filters: LogFilters;
}

/** Every group in numbers, with a way to its records. */
export function Breakdown({ metrics, filters }: BreakdownProps) {
  const [order, setOrder] = useState({ name: "Calls", descending: true });
  const [whole, setWhole] = useState(false);
  const groups = useMemo(() => {
    const column = columns.find((entry) => entry.name === order.name);
    const sorted = metrics.series.map(totalsOf).sort(column?.compare);
    return order.descending ? sorted.reverse() : sorted;
  }, [metrics, order]);
  const shown = whole ? groups : groups.slice(0, 100);

  return (
    <Panel title={`Groups (${formatCount(groups.length)})`}>
      <div className="overflow-x-auto">
        <table className="grid-table">
          <thead>
            <tr>
              <th scope="col">Group</th>
              {columns.map(({ name }) => {
                const chosen = name === order.name;
                const direction = order.descending ? "descending" : "ascending";
                return (
                  <th
                    key={name}
                    scope="col"
                    className="num !text-right"
                    aria-sort={chosen ? direction : "none"}
                  >
                    <button
                      type="button"
                      className="hover:text-ink"
                      onClick={() => setOrder({ name, descending: chosen ? !order.descending : true })}
                    >
                      {name}
                      {chosen && <span aria-hidden="true">{order.descending ? " ↓" : " ↑"}</span>}
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {shown.map((group) => (
              <tr key={group.label}>
                <td>
                  <Link className="link" to={explorerAddress(group, filters)}>
                    {group.label}
                  </Link>
                </td>
                {columns.map(({ name, show }) => (
                  <td key={name} className="num">
                    {show(group)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < groups.length && (
        <div className="p-2 text-center">
          <Button onClick={() => setWhole(true)}>Show all {formatCount(groups.length)}</Button>
        </div>
      )}
    </Panel>
  );
}

function explorerAddress(group: GroupTotals, filters: LogFilters): string {
  const own = Object.entries(group.group).filter(
    ([name, value]) => filterable.includes(name) && value !== "",
  );
  return `/explorer?${encodeFilters(withFilters(filters, Object.fromEntries(own)))}`;
}
