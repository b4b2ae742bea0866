import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "react-router";
import { fetchSessions } from "../../api/calls";
import type { SessionSummary } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { FilterInput } from "../../components/filter-input";
import { RangePicker } from "../../components/range-picker";
import { Badge, Button, Cost, EmptyState, PageTitle, Spinner, Time } from "../../components/ui";
import { encodeFilters, toLogQuery } from "../../lib/filters";
import { formatCount } from "../../lib/number";
import { shortenPlaceholders } from "../../lib/placeholders";
import { sessionPath } from "../../lib/session-path";
import { useFilters } from "../../lib/use-filters";
import { useAsOf } from "../../lib/view-memory";
import { useTenantName } from "../../session/hooks";

const pageSize = 100;

export function SessionsView() {
  const { filters, change, reset } = useFilters();
  const [asOfMs, refresh] = useAsOf();
  const sessions = useInfiniteQuery({
    queryKey: ["sessions", encodeFilters(filters).toString(), asOfMs],
    queryFn: ({ pageParam, signal }) => {
      const { from, to, tenant, application, user_id } = toLogQuery(filters, asOfMs);
      return fetchSessions(
        { from, to, tenant, application, user_id, limit: pageSize, cursor: pageParam },
        signal,
      );
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (previous) => previous,
    // What arrived since is fetched by refreshing; coming back from a record shows the same list.
    staleTime: Number.POSITIVE_INFINITY,
  });
  const items = useMemo(() => sessions.data?.pages.flatMap((page) => page.items) ?? [], [sessions.data]);

  return (
    <div className="space-y-3 p-4">
      <PageTitle title="Sessions" note={sessions.data ? `${formatCount(items.length)} shown` : undefined}>
        <Button onClick={refresh}>Refresh</Button>
      </PageTitle>
      <div className="grid grid-cols-2 gap-2 md:grid-cols-5 xl:max-w-5xl">
        <RangePicker range={filters} allLabel="All time" onChange={change} />
        <FilterInput
          name="application"
          label="Application"
          value={filters.application}
          onCommit={(application) => change({ application })}
        />
        <FilterInput
          name="user_id"
          label="User"
          value={filters.user_id}
          onCommit={(user_id) => change({ user_id })}
        />
      </div>
      {sessions.isPending && <Spinner label="Reading sessions" />}
      {sessions.isError && <ErrorPanel error={sessions.error} onRetry={() => sessions.refetch()} />}
      {sessions.data && items.length === 0 && (
        <EmptyState title="No session matches these filters">
          <p>A session groups the calls that an application sends with the same session_id.</p>
          <Button className="mt-2" onClick={reset}>
            Remove all filters
          </Button>
        </EmptyState>
      )}
      {items.length > 0 && (
        <div className="overflow-x-auto rounded-md border border-line bg-panel">
          <SessionTable items={items} />
        </div>
      )}
      {sessions.hasNextPage && (
        <div className="text-center">
          <Button disabled={sessions.isFetching} onClick={() => sessions.fetchNextPage()}>
            {sessions.isFetchingNextPage ? "Loading…" : "Load more"}
          </Button>
        </div>
      )}
    </div>
  );
}

function SessionTable({ items }: { items: readonly SessionSummary[] }) {
  const tenantName = useTenantName();
  return (
    <table className="grid-table">
      <thead>
        <tr>
          <th scope="col">Session</th>
          <th scope="col">Tenant</th>
          <th scope="col">Application</th>
          <th scope="col">User</th>
          <th scope="col">First (UTC)</th>
          <th scope="col">Last (UTC)</th>
          {["Calls", "Errors", "Tokens in / out", "Cost"].map((name) => (
            <th key={name} scope="col" className="num !text-right">
              {name}
            </th>
          ))}
          <th scope="col">Marks</th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={`${item.tenant} ${item.application} ${item.session_id}`}>
            <td className="max-w-60 truncate">
              <Link className="link" title={item.session_id} to={sessionPath(item)}>
                {shortenPlaceholders(item.session_id)}
              </Link>
            </td>
            <td>{tenantName(item.tenant)}</td>
            <td>{item.application}</td>
            <td className="max-w-48 truncate">{shortenPlaceholders(item.user_id) || "–"}</td>
            <td>
              <Time at={item.first_at} />
            </td>
            <td>
              <Time at={item.last_at} />
            </td>
            <td className="num">{formatCount(item.calls)}</td>
            <td className={`num ${item.errors > 0 ? "text-bad" : "text-muted"}`}>
              {formatCount(item.errors)}
            </td>
            <td className="num">
              {formatCount(item.input_tokens)} <span className="text-muted">/</span>{" "}
              {formatCount(item.output_tokens)}
            </td>
            <td className="num">
              <SessionCost session={item} />
            </td>
            <td>
              <span className="flex gap-1">
                {item.flagged > 0 && <Badge tone="bad">{item.flagged} flagged</Badge>}
                {item.pii_total > 0 && <Badge tone="chip">{item.pii_total} redacted</Badge>}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type SessionTotals = Partial<Pick<SessionSummary, "cost" | "currency" | "unpriced">>;

/** The priced part of a session; calls without a price are named beside it, since the sum leaves them out. */
export function SessionCost({ session }: { session: SessionTotals }) {
  const { cost = null, currency, unpriced = 0 } = session;
  return (
    <span className="inline-flex items-center gap-1.5">
      {unpriced > 0 && <Badge tone="warn">{unpriced} unpriced</Badge>}
      {cost !== null && <Cost cost={cost} currency={currency ?? "USD"} reason="" />}
      {cost === null && unpriced === 0 && <span className="text-muted">–</span>}
    </span>
  );
}
