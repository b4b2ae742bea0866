import { FilterInput } from "../../components/filter-input";
import { RangePicker } from "../../components/range-picker";
import { Field } from "../../components/ui";
import type { FilterKey, LogFilters } from "../../lib/filters";
import { words } from "../../lib/number";
import { intervals } from "../../lib/range";
import type { FilterChanges } from "../../lib/use-filters";

export const groupings: readonly string[] = [
  "application",
  "provider",
  "model",
  "decision_type",
  "environment",
  "user_id",
  "operation",
  "status",
];

interface MetricsControlsProps {
  filters: LogFilters;
  onChange: (changes: FilterChanges) => void;
  interval: string;
  /** The interval used when none is chosen. */
  automatic: string;
  onInterval: (interval: string) => void;
  groupBy: readonly string[];
  onGroupBy: (names: string[]) => void;
}

export function MetricsControls(props: MetricsControlsProps) {
  const { filters, onChange, interval, automatic, onInterval, groupBy, onGroupBy } = props;
  const [first = "", second = ""] = groupBy;
  const text = (name: FilterKey, label: string) => (
    <FilterInput
      name={name}
      label={label}
      value={filters[name]}
      onCommit={(value) => onChange({ [name]: value })}
    />
  );
  const grouping = (label: string, value: string, without: string, onPick: (name: string) => void) => (
    <Field label={label}>
      <select className="field" value={value} onChange={(event) => onPick(event.target.value)}>
        <option value="">–</option>
        {groupings
          .filter((name) => name !== without)
          .map((name) => (
            <option key={name} value={name}>
              {words(name)}
            </option>
          ))}
      </select>
    </Field>
  );
  return (
    <div className="grid grid-cols-2 gap-2 sm:grid-cols-4 xl:grid-cols-8">
      <RangePicker range={filters} onChange={onChange} />
      <Field label="Interval">
        <select className="field" value={interval} onChange={(event) => onInterval(event.target.value)}>
          <option value="">Automatic ({automatic})</option>
          {intervals.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      {grouping("Group by", first, second, (name) => onGroupBy([name, second].filter(Boolean)))}
      {first !== "" && grouping("and by", second, first, (name) => onGroupBy([first, name].filter(Boolean)))}
      {text("application", "Application")}
      {text("provider", "Provider")}
      {text("model", "Model")}
      {text("decision_type", "Decision type")}
    </div>
  );
}
