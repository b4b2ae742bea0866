import type { Counts, Redaction } from "../../api/types";
import { Chip } from "../../components/redacted-text";
import { Panel } from "../../components/ui";
import { entityLabel } from "../../lib/placeholders";

interface RedactionsPanelProps {
  redactions: readonly Redaction[];
  pii: Counts;
}

/** What was removed, by which rule and where; never the value itself. */
export function RedactionsPanel({ redactions, pii }: RedactionsPanelProps) {
  const counts = Object.entries(pii);
  return (
    <Panel title={`Redactions${redactions.length > 0 ? ` (${redactions.length})` : ""}`}>
      {redactions.length === 0 && (
        <p className="px-3 py-2 text-muted">
          {counts.length === 0
            ? "No personal data was found in this record."
            : counts.map(([entity, count]) => `${entityLabel(entity)}: ${count}`).join(", ")}
        </p>
      )}
      {redactions.length > 0 && (
        <div className="max-h-72 overflow-auto">
          <table className="grid-table">
            <thead>
              <tr>
                <th scope="col">Removed</th>
                <th scope="col">Rule</th>
                <th scope="col">Where</th>
              </tr>
            </thead>
            <tbody>
              {redactions.map((redaction) => (
                <tr key={`${redaction.token} ${redaction.field} ${redaction.slot}`}>
                  <td>
                    <Chip token={redaction.token} entity={redaction.entity} value={undefined} />
                  </td>
                  <td title={redaction.band ? `band ${redaction.band}` : ""}>{redaction.rule || "–"}</td>
                  <td className="max-w-28 truncate" title={redaction.pointer ?? redaction.field}>
                    {redaction.field || "–"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
