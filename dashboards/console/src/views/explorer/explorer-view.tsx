import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { Link } from "react-router";
import { fetchLogs } from "../../api/calls";
import type { LogSummary } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import type { TableLine } from "../../components/log-columns";
import { LogTable } from "../../components/log-table";
import { Button, EmptyState, PageTitle, Spinner } from "../../components/ui";
import { encodeFilters, toLogQuery } from "../../lib/filters";
import { formatCount } from "../../lib/number";
import { useFilters } from "../../lib/use-filters";
import { useAsOf } from "../../lib/view-memory";
import { useIsOfficer } from "../../session/hooks";
import { ActiveFilters } from "./active-filters";
import { FilterPanel } from "./filter-panel";

const pageSize = 100;

/** Duplicates and conflicts share an event's id; a place in the ledger is taken once. */
function ledgerKey(item: LogSummary): string {
  return `${item.tenant} ${item.ledger.shard} ${item.ledger.index}`;
}

export function ExplorerView() {
  const { filters, ignored, change, reset } = useFilters();
  const isOfficer = useIsOfficer();
  // A span back from now is fixed when the list is opened or refreshed, so that its pages fit together.
  const [asOfMs, refresh] = useAsOf();
  const [filtersShown, setFiltersShown] = useState(true);
  const address = encodeFilters(filters).toString();

  const logs = useInfiniteQuery({
    queryKey: ["logs", address, asOfMs],
    queryFn: ({ pageParam, signal }) =>
      fetchLogs({ ...toLogQuery(filters, asOfMs), limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
    // What arrived since is fetched by refreshing; coming back from a record shows the same list.
    staleTime: Number.POSITIVE_INFINITY,
  });

  const items = useMemo(() => logs.data?.pages.flatMap((page) => page.items) ?? [], [logs.data]);
  const lines = useMemo(
    () => items.map((item): TableLine => ({ kind: "record", id: ledgerKey(item), item })),
    [items],
  );
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = logs;
  const more = useCallback(() => {
    if (hasNextPage && !isFetching && !isFetchNextPageError) fetchNextPage();
  }, [hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);

  const count = `${formatCount(items.length)} ${items.length === 1 ? "record" : "records"}${hasNextPage ? " so far" : ""}`;
  const reportAddress = new URLSearchParams(address);
  reportAddress.set("new", "range");

  return (
    <div className="flex h-full">
      {filtersShown && <FilterPanel filters={filters} items={items} onChange={change} onReset={reset} />}
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="space-y-1.5 border-b border-line px-3 py-2">
          <PageTitle title="Explorer" note={logs.data ? count : undefined}>
            <Button onClick={() => setFiltersShown(!filtersShown)} aria-expanded={filtersShown}>
              {filtersShown ? "Hide filters" : "Show filters"}
            </Button>
            {isOfficer && (
              <Link
                className="inline-flex h-[1.875rem] items-center rounded border border-line-strong bg-panel px-2.5 hover:bg-sunken"
                to={`/reports?${reportAddress}`}
              >
                Report on these
              </Link>
            )}
            <Button onClick={refresh}>Refresh</Button>
          </PageTitle>
          <ActiveFilters filters={filters} ignored={ignored} onChange={change} />
        </div>
        <div className="min-h-0 flex-1 bg-panel" aria-busy={logs.isPlaceholderData}>
          {logs.isPending && <Spinner label="Searching" />}
          {logs.isError && !logs.data && <ErrorPanel error={logs.error} onRetry={() => logs.refetch()} />}
          {logs.data && items.length === 0 && (
            <NothingFound filtered={Object.keys(filters).some((key) => key !== "tenant")} onReset={reset} />
          )}
          {items.length > 0 && (
            <LogTable
              lines={lines}
              label="Records"
              onNearEnd={more}
              footer={
                <div className="p-3 text-center text-muted">
                  {isFetchNextPageError && <ErrorPanel error={logs.error} onRetry={() => fetchNextPage()} />}
                  {!isFetchNextPageError && hasNextPage && (
                    <Button onClick={() => fetchNextPage()} disabled={isFetching}>
                      {isFetching ? "Loading…" : "Load more"}
                    </Button>
                  )}
                  {!hasNextPage && "End of the list"}
                </div>
              }
            />
          )}
        </div>
      </div>
    </div>
  );
}

function NothingFound({ filtered, onReset }: { filtered: boolean; onReset: () => void }) {
  const isOfficer = useIsOfficer();
  if (filtered) {
    return (
      <EmptyState title="No record matches these filters">
        <Button className="mt-2" onClick={onReset}>
          Remove all filters
        </Button>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="No record that you may read is stored yet">
      {isOfficer
        ? "Records appear here as soon as an application sends its first event."
        : "A viewer reads the records that carry their own user id or e-mail."}
    </EmptyState>
  );
}
