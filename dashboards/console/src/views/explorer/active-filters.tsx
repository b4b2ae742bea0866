import { type FilterKey, filterKeys, type LogFilters } from "../../lib/filters";
import { presetLabels } from "../../lib/range";
import { formatUtc } from "../../lib/time";
import type { FilterChanges } from "../../lib/use-filters";

const labels: Partial<Record<FilterKey, string>> = {
  q: "text",
  range: "last",
  decision_type: "decision",
  user_id: "user",
  session_id: "session",
  has_pii: "redacted",
  min_cost: "cost ≥",
};

interface ActiveFiltersProps {
  filters: LogFilters;
  ignored: readonly string[];
  onChange: (changes: FilterChanges) => void;
}

/** The filters in force, each with a button that removes it. The tenant has its own place in the header. */
export function ActiveFilters({ filters, ignored, onChange }: ActiveFiltersProps) {
  const active = filterKeys.filter((key) => key !== "tenant" && filters[key]);
  if (active.length === 0 && ignored.length === 0) return null;
  return (
    <ul aria-label="Filters in force" className="flex flex-wrap gap-1.5">
      {active.map((key) => (
        <li key={key} className="flex items-center rounded bg-accent-soft text-xs text-accent">
          <span className="py-0.5 pl-1.5">
            {labels[key] ?? key} <span className="font-semibold">{shown(key, filters[key] ?? "")}</span>
          </span>
          <button
            type="button"
            aria-label={`Remove the filter ${labels[key] ?? key}`}
            className="px-1.5 py-0.5 hover:opacity-70"
            onClick={() => onChange({ [key]: undefined })}
          >
            ✕
          </button>
        </li>
      ))}
      {ignored.map((pair) => (
        <li key={pair} className="rounded bg-warn-soft px-1.5 py-0.5 text-xs text-warn">
          not applied: {pair}
        </li>
      ))}
    </ul>
  );
}

function shown(key: FilterKey, value: string): string {
  if (key === "range") return presetLabels[value as keyof typeof presetLabels] ?? value;
  if (key === "from" || key === "to") return `${formatUtc(value, "minute")} UTC`;
  if (value === "true") return "yes";
  if (value === "false") return "no";
  return value;
}
