import { createColumnHelper, tableFeatures } from "@tanstack/react-table";
import { Link } from "react-router";
import type { LogSummary } from "../api/types";
import { formatCount, words } from "../lib/number";
import { entityLabel, shortenPlaceholders } from "../lib/placeholders";
import { sessionPath } from "../lib/session-path";
import { formatDuration } from "../lib/time";
import { Badge, Cost, Time } from "./ui";

/** A line of a table of records: a record, or a remark between records. */
export type TableLine =
  | { kind: "record"; id: string | number; item: LogSummary }
  | { kind: "note"; id: string | number; text: string };

export const features = tableFeatures({});
const helper = createColumnHelper<typeof features, TableLine>();

export const numericColumns = new Set(["duration", "tokens", "cost"]);

export function StatusBadge({
  item,
}: {
  item: Pick<LogSummary, "status" | "is_error" | "error_type" | "interrupted">;
}) {
  if (item.interrupted) {
    return (
      <Badge tone="warn" title={item.error_type || "the stream broke off"}>
        {item.status ?? "–"} broke off
      </Badge>
    );
  }
  if (item.status === null || item.status === 0) {
    return item.error_type ? (
      <Badge tone="bad">{item.error_type}</Badge>
    ) : (
      <span className="text-muted">–</span>
    );
  }
  const failed = item.is_error ?? item.status >= 400;
  return (
    <Badge tone={failed ? "bad" : "good"} title={item.error_type}>
      {item.status}
    </Badge>
  );
}

export function Marks({ item }: { item: LogSummary }) {
  return (
    <span className="flex gap-1">
      {item.flagged && <Badge tone="bad">flagged</Badge>}
      {item.overridden && <Badge tone="warn">overridden</Badge>}
      {item.phi && (
        <span data-mark="phi">
          <Badge tone="chip" title="protected health information">
            PHI
          </Badge>
        </span>
      )}
      {item.kind !== "event" && <Badge>{words(item.kind)}</Badge>}
    </span>
  );
}

/** An outcome is read with the decision it belongs to. */
export function recordPath(item: LogSummary): string {
  const decision = item.kind === "outcome" ? item.target_event_id : undefined;
  return `/decisions/${decision ?? item.event_id}`;
}

export function whatHappened(item: LogSummary): string {
  if (item.kind === "outcome") return `outcome: ${item.outcome ?? ""}`;
  return item.decision_type || item.operation || words(item.kind);
}

/** A count of tokens. Where the provider said nothing, 0 would be a claim; where it was cut off, so would the count. */
export function tokens(item: Pick<LogSummary, "kind" | "usage_state">, count: number | null): string {
  if (item.kind !== "event") return "–";
  if (item.usage_state === "usage_incomplete") return count ? `≥ ${formatCount(count)}` : "–";
  const unknown = ["usage_missing", "usage_estimated", "not_applicable"].includes(item.usage_state);
  return formatCount(unknown ? null : count);
}

export function piiTitle(pii: LogSummary["pii"]): string {
  return Object.entries(pii)
    .map(([entity, count]) => `${entityLabel(entity)}: ${count}`)
    .join("\n");
}

/** A cell of a record's line; a remark's line is drawn across all columns and never asks. */
function cell(render: (item: LogSummary) => React.ReactNode) {
  return ({ row }: { row: { original: TableLine } }) => {
    const line = row.original;
    return line.kind === "record" ? render(line.item) : null;
  };
}

function Clipped({ text, width }: { text: string; width: string }) {
  if (!text) return <span className="text-muted">–</span>;
  return (
    <span className={`block truncate ${width}`} title={text}>
      {shortenPlaceholders(text)}
    </span>
  );
}

export function logColumns(tenantName: (id: string) => string) {
  return helper.columns([
    helper.display({
      id: "time",
      header: "Time (UTC)",
      cell: cell((item) => (
        <Link className="link" to={recordPath(item)}>
          <Time at={item.occurred_at} />
        </Link>
      )),
    }),
    helper.display({
      id: "tenant",
      header: "Tenant",
      cell: cell((item) => <Clipped text={tenantName(item.tenant)} width="max-w-28" />),
    }),
    helper.display({
      id: "application",
      header: "Application",
      cell: cell((item) => <Clipped text={item.application} width="max-w-32" />),
    }),
    helper.display({
      id: "decision",
      header: "Decision",
      cell: cell((item) => <Clipped text={whatHappened(item)} width="max-w-36" />),
    }),
    helper.display({
      id: "model",
      header: "Model",
      cell: cell((item) => {
        const model = item.model || item.model_requested;
        return (
          <span className="block max-w-44 truncate" title={`${item.provider} · ${model}`}>
            <span className="text-muted">{item.provider}</span> {model}
          </span>
        );
      }),
    }),
    helper.display({ id: "status", header: "Status", cell: cell((item) => <StatusBadge item={item} />) }),
    helper.display({
      id: "cost",
      header: "Cost",
      cell: cell((item) => (
        <Cost cost={item.cost} currency={item.currency} reason={item.unpriced_reason} short />
      )),
    }),
    helper.display({
      id: "duration",
      header: "Duration",
      cell: cell((item) => formatDuration(item.duration_ms)),
    }),
    helper.display({
      id: "tokens",
      header: "Tokens in / out",
      cell: cell((item) => (
        <>
          {tokens(item, item.input_tokens)} <span className="text-muted">/</span>{" "}
          {tokens(item, item.output_tokens)}
        </>
      )),
    }),
    helper.display({
      id: "pii",
      header: "Redacted",
      cell: cell((item) =>
        item.pii_total > 0 ? (
          <span data-mark="redacted">
            <Badge tone="chip" title={piiTitle(item.pii)}>
              {item.pii_total}
            </Badge>
          </span>
        ) : (
          <span className="text-muted">–</span>
        ),
      ),
    }),
    helper.display({ id: "marks", header: "Marks", cell: cell((item) => <Marks item={item} />) }),
    helper.display({
      id: "user",
      header: "User",
      cell: cell((item) => <Clipped text={item.user_id} width="max-w-36" />),
    }),
    helper.display({
      id: "session",
      header: "Session",
      cell: cell((item) =>
        item.session_id ? (
          <Link className="link block max-w-32 truncate" title={item.session_id} to={sessionPath(item)}>
            {shortenPlaceholders(item.session_id)}
          </Link>
        ) : (
          <span className="text-muted">–</span>
        ),
      ),
    }),
  ]);
}
