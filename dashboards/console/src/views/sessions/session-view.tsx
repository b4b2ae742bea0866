import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { fetchSession } from "../../api/calls";
import type { LogSummary, SessionDetail } from "../../api/types";
import { ErrorPage } from "../../components/error-panel";
import { Marks, piiTitle, recordPath, StatusBadge, tokens, whatHappened } from "../../components/log-columns";
import { Badge, Cost, EmptyState, PageTitle, Panel, Spinner, Time } from "../../components/ui";
import { formatCount } from "../../lib/number";
import { shortenPlaceholders } from "../../lib/placeholders";
import { formatDuration } from "../../lib/time";
import { useTenantName } from "../../session/hooks";
import { SessionCost } from "./sessions-view";

export function SessionView() {
  const [parameters] = useSearchParams();
  const sessionId = parameters.get("id") ?? "";
  const tenant = parameters.get("of") ?? parameters.get("tenant") ?? "";
  const session = useQuery({
    queryKey: ["session", sessionId, tenant],
    queryFn: ({ signal }) => fetchSession(sessionId, { tenant }, signal),
  });
  if (session.isPending) return <Spinner label="Reading the session" />;
  if (session.isError)
    return <ErrorPage title="Session" error={session.error} onRetry={() => session.refetch()} />;
  if (session.data.items.length === 0) return <EmptyState title="This session has no record you may read" />;
  return <Timeline session={session.data} here={parameters.get("event") ?? ""} />;
}

function Timeline({ session, here }: { session: SessionDetail; here: string }) {
  const tenantName = useTenantName();
  const { items, totals } = session;
  const first = items[0];
  const startMs = first ? Date.parse(first.occurred_at) : 0;
  return (
    <div className="mx-auto max-w-6xl space-y-3 p-4">
      <PageTitle
        title={<span className="break-all">Session {shortenPlaceholders(session.session_id)}</span>}
        tab={`Session ${shortenPlaceholders(session.session_id)}`}
        note={first && `${tenantName(first.tenant)} · ${first.application}`}
      />
      <Totals totals={totals} items={items} />
      <Panel title="Timeline">
        <ol>
          {items.map((item) => (
            <li
              key={`${item.ledger.shard} ${item.ledger.index}`}
              aria-current={item.event_id === here ? "true" : undefined}
              className={`grid grid-cols-[9.5rem_6rem_minmax(0,1fr)_auto] items-center gap-x-3 border-b border-line px-3 py-1.5 last:border-b-0 ${
                item.event_id === here ? "bg-accent-soft" : ""
              }`}
            >
              <Link className="link" to={recordPath(item)}>
                <Time at={item.occurred_at} />
              </Link>
              <span className="text-right text-muted">{offset(Date.parse(item.occurred_at) - startMs)}</span>
              <span className="flex min-w-0 flex-wrap items-center gap-2 border-l-2 border-line-strong pl-3">
                <span className="font-medium">{whatHappened(item)}</span>
                {item.kind === "event" && (
                  <span className="truncate text-muted">
                    {item.provider} {item.model || item.model_requested}
                  </span>
                )}
                {item.kind === "event" && <StatusBadge item={item} />}
                <Marks item={item} />
                {item.pii_total > 0 && (
                  <Badge tone="chip" title={piiTitle(item.pii)}>
                    {item.pii_total} redacted
                  </Badge>
                )}
              </span>
              {item.kind === "event" ? (
                <span className="grid grid-cols-[5rem_7rem_minmax(7rem,max-content)] items-center gap-3 text-right whitespace-nowrap">
                  <span className="text-muted">{formatDuration(item.duration_ms)}</span>
                  <span className="text-muted">
                    {tokens(item, item.input_tokens)} / {tokens(item, item.output_tokens)}
                  </span>
                  <Cost cost={item.cost} currency={item.currency} reason={item.unpriced_reason} short />
                </span>
              ) : (
                <span />
              )}
            </li>
          ))}
        </ol>
        {session.truncated && (
          <p className="border-t border-line px-3 py-1.5 text-warn">
            The session goes on; the explorer, filtered by it, has every record.
          </p>
        )}
      </Panel>
    </div>
  );
}

function offset(milliseconds: number): string {
  return milliseconds <= 0 ? "start" : `+${formatDuration(milliseconds)}`;
}

function Totals({ totals, items }: { totals: SessionDetail["totals"]; items: readonly LogSummary[] }) {
  const first = totals.first_at ?? items[0]?.occurred_at ?? "";
  const last = totals.last_at ?? items.at(-1)?.occurred_at ?? "";
  const facts: [string, React.ReactNode][] = [
    ["First", <Time key="first" at={first} />],
    ["Last", <Time key="last" at={last} />],
    ["Calls", formatCount(totals.calls)],
    ["Errors", formatCount(totals.errors)],
    ["Tokens in / out", `${formatCount(totals.input_tokens)} / ${formatCount(totals.output_tokens)}`],
    ["Cost", <SessionCost key="cost" session={totals} />],
    ["Redacted", formatCount(totals.pii_total)],
    ["Flagged", formatCount(totals.flagged)],
  ];
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-md border border-line bg-line md:grid-cols-4">
      {facts.map(([name, value]) => (
        <div key={name} className="bg-panel px-3 py-1.5">
          <dt className="text-xs text-muted">{name}</dt>
          <dd className="font-semibold">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
