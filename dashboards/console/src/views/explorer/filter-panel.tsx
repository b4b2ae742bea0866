import { useMemo } from "react";
import type { LogSummary } from "../../api/types";
import { FilterInput } from "../../components/filter-input";
import { RangePicker } from "../../components/range-picker";
import { Button, Field } from "../../components/ui";
import type { FilterKey, LogFilters } from "../../lib/filters";
import type { FilterChanges } from "../../lib/use-filters";

/** Kinds of records a reader may look for; an event is what an application sent. */
const kinds = [
  "any",
  "event",
  "outcome",
  "access",
  "conflict",
  "duplicate",
  "rejected",
  "gap",
  "withheld",
  "admin",
  "erasure_request",
  "erasure_done",
  "legal_hold",
  "key_change",
  "shard_open",
  "shard_close",
  "heartbeat",
  "reprice",
  "incident",
  "config_change",
  "price_table_change",
  "policy_change",
  "prune",
  "clock",
  "intent",
];

interface FilterPanelProps {
  filters: LogFilters;
  /** The records at hand: their values are offered while typing. */
  items: readonly LogSummary[];
  onChange: (changes: FilterChanges) => void;
  onReset: () => void;
}

export function FilterPanel({ filters, items, onChange, onReset }: FilterPanelProps) {
  const suggestions = useMemo(() => {
    const distinct = (pick: (item: LogSummary) => string) =>
      [...new Set(items.map(pick))].filter(Boolean).sort();
    return {
      application: distinct((item) => item.application),
      decision_type: distinct((item) => item.decision_type),
      provider: distinct((item) => item.provider),
      environment: distinct((item) => item.environment),
      operation: distinct((item) => item.operation),
      model: distinct((item) => item.model),
    };
  }, [items]);

  const text = (name: FilterKey, label: string, options: Partial<Parameters<typeof FilterInput>[0]> = {}) => (
    <FilterInput
      name={name}
      label={label}
      value={filters[name]}
      onCommit={(value) => onChange({ [name]: value })}
      {...options}
    />
  );

  const yesNo = (name: "flagged" | "has_pii", label: string) => (
    <Field label={label}>
      <select
        className="field"
        name={name}
        value={filters[name] ?? ""}
        onChange={(event) => onChange({ [name]: event.target.value || undefined })}
      >
        <option value="">Any</option>
        <option value="true">Yes</option>
        <option value="false">No</option>
      </select>
    </Field>
  );

  return (
    <aside
      aria-label="Filters"
      className="w-52 shrink-0 space-y-2 overflow-y-auto border-r border-line bg-panel p-3"
    >
      {text("q", "Full text", { placeholder: "words in input or output", inputMode: "search" })}
      <RangePicker range={filters} allLabel="All time" onChange={onChange} />
      {text("application", "Application", { suggestions: suggestions.application })}
      {text("decision_type", "Decision type", { suggestions: suggestions.decision_type })}
      {text("provider", "Provider", { suggestions: suggestions.provider })}
      {text("model", "Model", { suggestions: suggestions.model })}
      <div className="grid grid-cols-2 gap-2">
        {text("status", "Status", { placeholder: "429", suggestions: ["ok", "error"] })}
        {text("min_cost", "Cost at least", { placeholder: "0.05", inputMode: "decimal" })}
        {yesNo("flagged", "Flagged")}
        {yesNo("has_pii", "Redacted")}
      </div>
      {text("environment", "Environment", { suggestions: suggestions.environment })}
      {text("operation", "Operation", { suggestions: suggestions.operation })}
      {text("user_id", "User")}
      {text("session_id", "Session")}
      {text("subject", "Subject", { placeholder: "id or e-mail" })}
      <Field label="Kind of record">
        <select
          className="field"
          name="kind"
          value={filters.kind ?? "event"}
          onChange={(event) =>
            onChange({ kind: event.target.value === "event" ? undefined : event.target.value })
          }
        >
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {kind.replaceAll("_", " ")}
            </option>
          ))}
        </select>
      </Field>
      <Button className="w-full" onClick={onReset}>
        Remove all filters
      </Button>
    </aside>
  );
}
