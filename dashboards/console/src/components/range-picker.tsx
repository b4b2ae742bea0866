import { presetLabels, presets, resolveRange, type TimeRange } from "../lib/range";
import { fromInputValue, toInputValue } from "../lib/time";
import { Field } from "./ui";

interface RangePickerProps {
  range: TimeRange;
  onChange: (range: { range: string | undefined; from: string | undefined; to: string | undefined }) => void;
  /** What stands for no range at all; without it one must be chosen. */
  allLabel?: string;
}

/** A span back from now or two fixed ends, both in UTC. */
export function RangePicker({ range, onChange, allLabel }: RangePickerProps) {
  const fixed = range.from !== undefined || range.to !== undefined;
  const choice = fixed ? "fixed" : (range.range ?? "");

  const choose = (value: string) => {
    if (value !== "fixed") {
      onChange({ range: value || undefined, from: undefined, to: undefined });
      return;
    }
    const nowMs = Date.now();
    const start = resolveRange(range.range ? range : { range: "7d" }, nowMs).from;
    const toMinute = (rfc3339: string) => fromInputValue(toInputValue(rfc3339));
    onChange({
      range: undefined,
      from: start ? toMinute(start) : undefined,
      to: toMinute(new Date(nowMs).toISOString()),
    });
  };

  const end = (key: "from" | "to", label: string) => (
    <Field label={label}>
      <input
        className="field"
        type="datetime-local"
        value={range[key] ? toInputValue(range[key]) : ""}
        onChange={(event) => {
          const value = fromInputValue(event.target.value) || undefined;
          onChange({ range: undefined, from: range.from, to: range.to, [key]: value });
        }}
      />
    </Field>
  );

  return (
    <>
      <Field label="Time">
        <select className="field" value={choice} onChange={(event) => choose(event.target.value)}>
          {allLabel !== undefined && <option value="">{allLabel}</option>}
          {presets.map((preset) => (
            <option key={preset} value={preset}>
              Last {presetLabels[preset]}
            </option>
          ))}
          <option value="fixed">From … to …</option>
        </select>
      </Field>
      {fixed && end("from", "From (UTC)")}
      {fixed && end("to", "To (UTC)")}
    </>
  );
}
