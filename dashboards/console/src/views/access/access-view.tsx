import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "react-router";
import { fetchAccessLog } from "../../api/calls";
import { ErrorPanel } from "../../components/error-panel";
import { Button, EmptyState, PageTitle, Spinner, Time } from "../../components/ui";
import { formatCount, words } from "../../lib/number";
import { useTenantChoice, useTenantName } from "../../session/hooks";
import { BreakGlassPanel } from "./break-glass-panel";
import { columnLabel, columnsOf, textOf } from "./columns";

const pageSize = 100;

/** The audit of the audit: who read what, and why. */
export function AccessView() {
  const [tenant] = useTenantChoice();
  const accesses = useInfiniteQuery({
    queryKey: ["access-log", tenant],
    queryFn: ({ pageParam, signal }) =>
      fetchAccessLog({ tenant, limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = useMemo(() => accesses.data?.pages.flatMap((page) => page.items) ?? [], [accesses.data]);
  const columns = useMemo(() => columnsOf(items), [items]);

  return (
    <div className="space-y-3 p-4">
      <PageTitle title="Access log" note={accesses.data ? `${formatCount(items.length)} shown` : undefined}>
        <Button onClick={() => accesses.refetch()}>Refresh</Button>
      </PageTitle>
      <p className="text-muted">Every read of audit data is a record in the same ledger, with its reason.</p>
      <BreakGlassPanel />
      {accesses.isPending && <Spinner label="Reading the access log" />}
      {accesses.isError && <ErrorPanel error={accesses.error} onRetry={() => accesses.refetch()} />}
      {accesses.data && items.length === 0 && <EmptyState title="Nobody has read anything yet" />}
      {items.length > 0 && (
        <div className="overflow-x-auto rounded-md border border-line bg-panel">
          <table className="grid-table">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {columnLabel(column)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {items.map((item, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: pages are only ever appended
                <tr key={index}>
                  {columns.map((column) => (
                    <td key={column} className="max-w-80 truncate" title={textOf(item[column])}>
                      <Value column={column} value={item[column]} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {accesses.hasNextPage && (
        <div className="text-center">
          <Button disabled={accesses.isFetchingNextPage} onClick={() => accesses.fetchNextPage()}>
            Load more
          </Button>
        </div>
      )}
    </div>
  );
}

function Value({ column, value }: { column: string; value: unknown }) {
  const tenantName = useTenantName();
  const text = textOf(value);
  if (text === "") return <span className="text-muted">–</span>;
  if (column.endsWith("_at") || column === "at") return <Time at={text} />;
  if (column === "target_event_id") {
    return (
      <Link className="link font-mono text-xs" to={`/decisions/${text}`}>
        {text}
      </Link>
    );
  }
  if (column === "tenant") return tenantName(text);
  return column === "role" || column === "kind" ? words(text) : text;
}
