import { useEffect, useId, useState } from "react";
import { type FilterKey, filterFault } from "../lib/filters";
import { Field } from "./ui";

interface FilterInputProps {
  name: FilterKey;
  label: string;
  value: string | undefined;
  onCommit: (value: string | undefined) => void;
  suggestions?: readonly string[];
  placeholder?: string;
  inputMode?: "text" | "decimal" | "numeric" | "search";
}

/** A text filter that is applied on Enter or on leaving the field, so that typing does not query. */
export function FilterInput(props: FilterInputProps) {
  const { name, label, value = "", onCommit, suggestions = [], placeholder, inputMode = "text" } = props;
  const [draft, setDraft] = useState(value);
  const listId = useId();
  useEffect(() => setDraft(value), [value]);
  const fault = filterFault(name, draft.trim());

  const commit = () => {
    const next = draft.trim();
    if (!fault && next !== value) onCommit(next || undefined);
  };

  return (
    <Field label={label} fault={fault}>
      <input
        className="field"
        name={name}
        value={draft}
        inputMode={inputMode}
        placeholder={placeholder}
        aria-invalid={fault !== ""}
        autoComplete="off"
        list={suggestions.length > 0 ? listId : undefined}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
          if (event.key === "Escape") setDraft(value);
        }}
      />
      {suggestions.length > 0 && (
        <datalist id={listId}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
    </Field>
  );
}
