import { Link } from "react-router";
import type { LogDetail } from "../../api/types";
import { tokens } from "../../components/log-columns";
import { RedactedText } from "../../components/redacted-text";
import { Badge, Cost, Facts, Panel, Time } from "../../components/ui";
import { asText, isObject, pretty } from "../../exchange/turns";
import { formatMoney } from "../../lib/money";
import { formatCount, words } from "../../lib/number";
import { formatDuration } from "../../lib/time";

const usageStates: Record<string, string> = {
  usage_incomplete:
    "The stream broke off before the provider reported everything; the counts are what had arrived.",
  usage_missing: "The provider did not say what was used.",
  usage_estimated: "The provider did not say what was used; an estimate is kept apart.",
};

/** Price, the rule it came from, and the buckets it was computed over. */
export function CostPanel({ log }: { log: LogDetail }) {
  const detail = log.cost_detail;
  const reason = detail?.unpriced_reason || log.unpriced_reason;
  const currency = detail?.currency ?? log.currency;
  const total = detail?.total ?? log.cost;
  const buckets = Object.entries(log.usage).sort(([left], [right]) => left.localeCompare(right));
  return (
    <Panel title="Cost and tokens">
      <p className="px-3 py-2 text-lg leading-6 font-semibold">
        <Cost cost={total} currency={currency} reason={reason} />
      </p>
      {detail && total !== null && (
        <Facts
          rows={{
            Input: detail.input === null ? "–" : formatMoney(detail.input, currency),
            Output: detail.output === null ? "–" : formatMoney(detail.output, currency),
            "Price rule": <code className="font-mono text-xs">{detail.rule || "–"}</code>,
            "Price table": <code className="font-mono text-xs">{detail.price_version || "–"}</code>,
          }}
        />
      )}
      {usageStates[log.usage_state] && <p className="px-3 pb-2 text-warn">{usageStates[log.usage_state]}</p>}
      <table className="grid-table border-t border-line">
        <thead>
          <tr>
            <th scope="col">Usage bucket</th>
            <th scope="col" className="num !text-right">
              Units
            </th>
          </tr>
        </thead>
        <tbody>
          {buckets.map(([bucket, count]) => (
            <tr key={bucket}>
              <td>{words(bucket)}</td>
              <td className="num">{formatCount(count)}</td>
            </tr>
          ))}
          <tr className="text-muted">
            <td>Input, all buckets</td>
            <td className="num">{tokens(log, log.input_tokens)}</td>
          </tr>
          <tr className="text-muted">
            <td className="!border-b-0">Output, all buckets</td>
            <td className="num !border-b-0">{tokens(log, log.output_tokens)}</td>
          </tr>
        </tbody>
      </table>
    </Panel>
  );
}

export function TimingPanel({ log }: { log: LogDetail }) {
  return (
    <Panel title="Timing">
      <Facts
        rows={{
          Occurred: <Time at={log.occurred_at} precision="full" />,
          "Reached the edge": <Time at={log.edge_at} precision="full" />,
          "First token": formatDuration(log.first_token_ms),
          Duration: formatDuration(log.duration_ms),
        }}
      />
    </Panel>
  );
}

export function ContextPanel({ log, tenant }: { log: LogDetail; tenant: string }) {
  const mono = (text: string) => (text ? <code className="font-mono text-xs break-all">{text}</code> : "");
  const source = log.source;
  const sdk = [source?.sdk, source?.version].filter(Boolean).join(" ");
  const place = source?.instance ? `${source.instance}, number ${source.sequence ?? "–"}` : "";
  const explorer = (key: string, value: string) =>
    value ? (
      <Link
        className="link break-all"
        to={`/explorer?${new URLSearchParams({ [key]: value, tenant: log.tenant })}`}
      >
        {value}
      </Link>
    ) : (
      ""
    );
  return (
    <Panel title="Context">
      <Facts
        rows={{
          Event: mono(log.event_id),
          Kind: words(log.kind),
          Tenant: tenant,
          Application: `${log.application}${log.environment ? ` (${log.environment})` : ""}`,
          Provider: `${log.provider}${log.operation ? ` · ${log.operation}` : ""}`,
          "Model asked for": log.model_requested,
          "Model that answered": log.model,
          User: explorer("user_id", log.user_id),
          Session: explorer("session_id", log.session_id),
          Subject: mono(log.subject_key ?? ""),
          "Health data": log.phi ? <Badge tone="chip">PHI</Badge> : "no",
          "Captured by": sdk,
          Instance: place,
        }}
      />
    </Panel>
  );
}

const shownElsewhere = new Set(["user_id", "session_id", "outcome", "access"]);

/** Tags, metadata, trace and whatever else the application sent along. */
export function AttributesPanel({ attributes }: { attributes: LogDetail["attributes"] }) {
  const filled = Object.entries(attributes ?? {}).filter(
    ([name, value]) => !shownElsewhere.has(name) && !isEmpty(value),
  );
  if (filled.length === 0) return null;
  return (
    <Panel title="Attributes">
      <Facts
        rows={Object.fromEntries(
          filled.map(([name, value]) => [
            words(name),
            <pre
              key={name}
              className="max-h-60 overflow-auto font-mono text-xs leading-5 whitespace-pre-wrap"
            >
              <RedactedText text={readable(value)} />
            </pre>,
          ]),
        )}
      />
    </Panel>
  );
}

/** A flat map as `key: value` lines, anything deeper as JSON. */
function readable(value: unknown): string {
  if (!isObject(value)) return asText(value) || pretty(value);
  const entries = Object.entries(value);
  const flat = entries.every(([, entry]) => typeof entry !== "object" || entry === null);
  return flat ? entries.map(([key, entry]) => `${key}: ${entry ?? ""}`).join("\n") : pretty(value);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return (isObject(value) || Array.isArray(value)) && Object.keys(value).length === 0;
}
