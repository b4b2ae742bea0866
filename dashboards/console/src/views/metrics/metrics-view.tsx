import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useSearchParams } from "react-router";
import { fetchMetrics } from "../../api/calls";
import { ErrorPanel } from "../../components/error-panel";
import { Button, EmptyState, PageTitle, Spinner } from "../../components/ui";
import { encodeFilters, toLogQuery } from "../../lib/filters";
import { type Interval, intervalFor, intervals } from "../../lib/range";
import { fromInputValue, toInputValue } from "../../lib/time";
import { useFilters } from "../../lib/use-filters";
import { useAsOf } from "../../lib/view-memory";
import { Breakdown } from "./breakdown";
import { Charts } from "./charts";
import { groupings, MetricsControls } from "./metrics-controls";
import { TotalsStrip } from "./totals-strip";

const defaultRange = "30d";

export function MetricsView() {
  const { filters: given, change, reset } = useFilters();
  const [parameters, setParameters] = useSearchParams();
  const [asOfMs, refresh] = useAsOf();

  const filters = given.range || given.from || given.to ? given : { ...given, range: defaultRange as "30d" };
  const asked = parameters.get("interval") ?? "";
  const automatic = intervalFor(filters, asOfMs);
  const interval = (intervals as readonly string[]).includes(asked) ? (asked as Interval) : automatic;
  const groupBy = (parameters.get("group_by") ?? "")
    .split(",")
    .filter((name) => groupings.includes(name))
    .slice(0, 2);

  const setOwn = (name: "interval" | "group_by", value: string) =>
    setParameters((before) => {
      const after = new URLSearchParams(before);
      if (value) after.set(name, value);
      else after.delete(name);
      return after;
    });
  const zoom = useCallback(
    (fromMs: number, toMs: number) => {
      const minute = (ms: number) => fromInputValue(toInputValue(new Date(ms).toISOString()));
      change({ range: undefined, from: minute(fromMs), to: minute(toMs + 59_999) });
    },
    [change],
  );

  const metrics = useQuery({
    queryKey: ["metrics", encodeFilters(filters).toString(), interval, groupBy.join(","), asOfMs],
    queryFn: ({ signal }) => {
      const { kind: _, ...query } = toLogQuery(filters, asOfMs);
      const to = query.to ?? new Date(asOfMs).toISOString();
      return fetchMetrics({ ...query, to, interval, group_by: groupBy.join(",") }, signal);
    },
    placeholderData: keepPreviousData,
  });

  return (
    <div className="space-y-3 p-4">
      <PageTitle title="Metrics" note={filters.range ? undefined : "fixed range; drag in a chart to zoom in"}>
        <Button onClick={refresh}>Refresh</Button>
      </PageTitle>
      <MetricsControls
        filters={filters}
        onChange={change}
        interval={asked}
        automatic={automatic}
        onInterval={(value) => setOwn("interval", value)}
        groupBy={groupBy}
        onGroupBy={(names) => setOwn("group_by", names.join(","))}
      />
      {metrics.isPending && <Spinner label="Computing" />}
      {metrics.isError && <ErrorPanel error={metrics.error} onRetry={() => metrics.refetch()} />}
      {metrics.data && !metrics.isError && (
        <div className="space-y-3" aria-busy={metrics.isPlaceholderData}>
          <TotalsStrip totals={metrics.data.totals} />
          {metrics.data.totals.calls === 0 ? (
            <EmptyState title="Nothing was recorded in this range">
              <Button
                className="mt-2"
                onClick={() => change({ range: "365d", from: undefined, to: undefined })}
              >
                Look at the last 365 days
              </Button>{" "}
              <Button onClick={reset}>Remove all filters</Button>
            </EmptyState>
          ) : (
            <>
              <Charts metrics={metrics.data} onZoom={zoom} />
              {groupBy.length > 0 && <Breakdown metrics={metrics.data} filters={filters} />}
            </>
          )}
        </div>
      )}
    </div>
  );
}
