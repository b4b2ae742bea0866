import { useMemo } from "react";
import { ApiError } from "../../api/problem";
import { ErrorPanel } from "../../components/error-panel";
import { FilterInput } from "../../components/filter-input";
import type { TableLine } from "../../components/log-columns";
import { LogTable } from "../../components/log-table";
import { Badge, Button, EmptyState, Field, PageTitle, type Tone } from "../../components/ui";
import type { FeedLine } from "../../feed/buffer";
import type { FeedFilters, FeedStatus } from "../../feed/connection";
import { useFeed } from "../../feed/use-feed";
import type { FilterKey, LogFilters } from "../../lib/filters";
import { formatCount } from "../../lib/number";
import { useFilters } from "../../lib/use-filters";

/** The filters of the address in the feed's own terms. */
function feedFilters(filters: LogFilters): FeedFilters {
  const { tenant, application, decision_type, provider, model, session_id } = filters;
  return {
    ...(tenant && { tenant }),
    ...(application && { application }),
    ...(decision_type && { decision_type }),
    ...(provider && { provider }),
    ...(model && { model }),
    ...(session_id && { session_id }),
    ...(filters.has_pii && { has_pii: filters.has_pii === "true" }),
    ...(filters.status === "error" && { errors_only: true }),
  };
}

export function FeedView() {
  const { filters, change } = useFilters();
  const filtersJson = JSON.stringify(feedFilters(filters));
  const feed = useFeed(filtersJson);
  const { buffer, status } = feed;
  const lines = useMemo(() => buffer.shown.map(tableLine), [buffer.shown]);
  const held = buffer.pending.length + buffer.overflow;

  const text = (name: FilterKey, label: string) => (
    <FilterInput
      name={name}
      label={label}
      value={filters[name]}
      onCommit={(value) => change({ [name]: value })}
    />
  );

  return (
    <div className="flex h-full flex-col">
      <div className="space-y-2 border-b border-line px-4 py-2">
        <PageTitle title="Live feed" note={<Status status={status} paused={buffer.paused} />}>
          <span className="text-muted">
            {formatCount(buffer.received)} received
            {buffer.missed > 0 && <span className="text-warn"> · {formatCount(buffer.missed)} missed</span>}
          </span>
          {status.state === "waiting" && <Button onClick={feed.retryNow}>Connect now</Button>}
          <Button onClick={feed.clear} disabled={lines.length === 0}>
            Clear
          </Button>
          <Button
            look={buffer.paused ? "primary" : "plain"}
            aria-pressed={buffer.paused}
            onClick={buffer.paused ? feed.resume : feed.pause}
          >
            {buffer.paused ? `Resume${held > 0 ? ` (${formatCount(held)} waiting)` : ""}` : "Pause"}
          </Button>
        </PageTitle>
        <div className="grid grid-cols-2 gap-2 sm:grid-cols-3 lg:grid-cols-5 xl:max-w-4xl">
          {text("application", "Application")}
          {text("decision_type", "Decision type")}
          {text("provider", "Provider")}
          {text("model", "Model")}
          <Field label="Show">
            <select
              className="field"
              value={filters.status === "error" ? "errors" : filters.has_pii === "true" ? "redacted" : ""}
              onChange={(event) =>
                change({
                  status: event.target.value === "errors" ? "error" : undefined,
                  has_pii: event.target.value === "redacted" ? "true" : undefined,
                })
              }
            >
              <option value="">Everything</option>
              <option value="errors">Only errors</option>
              <option value="redacted">Only with redactions</option>
            </select>
          </Field>
        </div>
      </div>
      {status.state === "refused" && <ErrorPanel error={new ApiError(status.problem)} />}
      <div className="min-h-0 flex-1 bg-panel">
        {lines.length > 0 ? (
          <LogTable lines={lines} label="Records as they arrive" />
        ) : (
          status.state !== "refused" && (
            <EmptyState title={status.state === "live" ? "Waiting for the next record" : "Not connected yet"}>
              Records appear here within moments of being stored in the ledger.
            </EmptyState>
          )
        )}
      </div>
    </div>
  );
}

function tableLine(line: FeedLine): TableLine {
  if (line.kind === "record") return line;
  const [records, were] = line.count === 1 ? ["record", "was"] : ["records", "were"];
  const text = `${formatCount(line.count)} ${records} ${were} not shown here because they came faster than this page could take them. The explorer has every one.`;
  return { kind: "note", id: line.id, text };
}

function Status({ status, paused }: { status: FeedStatus; paused: boolean }) {
  const [tone, text] = describe(status, paused);
  return (
    <span role="status">
      <Badge tone={tone}>{text}</Badge>
    </span>
  );
}

function describe(status: FeedStatus, paused: boolean): [Tone, string] {
  switch (status.state) {
    case "live":
      return paused ? ["warn", "paused"] : ["good", "live"];
    case "connecting":
      return ["neutral", "connecting…"];
    case "waiting":
      return ["warn", `connection lost, trying again in ${Math.max(1, Math.round(status.retryMs / 1000))} s`];
    case "refused":
      return ["bad", "refused"];
    case "closed":
      return ["neutral", "closed"];
  }
}
