import { useQuery } from "@tanstack/react-query";
import { fetchIncidents, fetchSources } from "../../api/calls";
import type { Incident, NumberedSource } from "../../api/types";
import { ScrollRegion } from "../../components/scroll-region";
import { EmptyState, Panel, Time } from "../../components/ui";
import { formatCount } from "../../lib/number";

const refreshMs = 15_000;

/** What stands against the ledger, in the open: nothing is shown while there is nothing. */
export function Incidents() {
  const incidents = useQuery({
    queryKey: ["incidents"],
    queryFn: ({ signal }) => fetchIncidents({ state: "open", limit: 100 }, signal),
    refetchInterval: refreshMs,
    retry: false,
  });
  const items = incidents.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <div role="alert" className="rounded-md border border-bad bg-bad-soft px-3 py-2">
      <p className="font-semibold text-bad">
        {formatCount(items.length)} {items.length === 1 ? "incident stands" : "incidents stand"}
      </p>
      <ul className="mt-1 list-inside list-disc">
        {items.map((item) => (
          <li key={item.event_id}>
            {item.component}: {item.code} <code className="font-mono text-xs">{concerns(item)}</code> since{" "}
            <Time at={item.begun_at} />
            {item.reason && <span className="text-muted"> {item.reason}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}

function concerns(item: Incident): string {
  const parts = Object.entries(item.about).map(([name, value]) => `${name}=${String(value)}`);
  return parts.join(" ");
}

/** Sources that number their events: what of each is missing or came twice. */
export function Sources() {
  const sources = useQuery({
    queryKey: ["sources"],
    queryFn: ({ signal }) => fetchSources({ limit: 100 }, signal),
    retry: false,
  });
  if (!sources.data) return null;
  return (
    <Panel title="Completeness of sources">
      {sources.data.items.length === 0 ? (
        <EmptyState title="No source numbers its events">
          The SDKs do; events sent without them have no number that could be missing.
        </EmptyState>
      ) : (
        <ScrollRegion label="Sources" className="max-h-96 overflow-auto">
          <table className="grid-table">
            <thead>
              <tr>
                <th scope="col">Application</th>
                <th scope="col">Instance</th>
                <th scope="col" className="num !text-right">
                  Epoch
                </th>
                <th scope="col" className="num !text-right">
                  Records
                </th>
                <th scope="col" className="num !text-right">
                  Missing
                </th>
                <th scope="col" className="num !text-right">
                  Repeated
                </th>
                <th scope="col">Numbers missing</th>
              </tr>
            </thead>
            <tbody>
              {sources.data.items.map((item) => (
                <tr key={`${item.tenant}/${item.source_id}/${item.epoch}`}>
                  <td>{item.application}</td>
                  <td>{item.instance}</td>
                  <td className="num">{formatCount(item.epoch)}</td>
                  <td className="num">{formatCount(item.records)}</td>
                  <td className={item.missing > 0 ? "num text-bad" : "num"}>{formatCount(item.missing)}</td>
                  <td className="num">{formatCount(item.repeated)}</td>
                  <td className="font-mono text-xs">{gapsOf(item)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      )}
    </Panel>
  );
}

function gapsOf({ gaps }: NumberedSource): string {
  const shown = gaps.slice(0, 5).map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`));
  return gaps.length > shown.length ? `${shown.join(", ")} …` : shown.join(", ");
}
