import { createContext, type ReactNode, useContext, useMemo } from "react";
import { entityLabel, shortId, splitPlaceholders } from "../lib/placeholders";

export interface RedactionFacts {
  /** The tokens this record's redaction made. */
  known: ReadonlySet<string>;
  /** Removed values by token, while they are revealed. */
  revealed: Record<string, string | null>;
}

const Redactions = createContext<RedactionFacts>({ known: new Set(), revealed: {} });

export function RedactionsProvider({ facts, children }: { facts: RedactionFacts; children: ReactNode }) {
  return <Redactions value={facts}>{children}</Redactions>;
}

/** A text whose placeholders are chips that name what was removed. */
export function RedactedText({ text }: { text: string }) {
  const { known, revealed } = useContext(Redactions);
  const segments = useMemo(() => splitPlaceholders(text, known), [text, known]);
  let position = 0;
  return segments.map((segment) => {
    const key = position;
    position += segment.kind === "text" ? segment.text.length : segment.token.length;
    if (segment.kind === "text") return segment.text;
    if (!segment.trusted) {
      return (
        <span
          key={key}
          className="underline decoration-dotted"
          title="This looks like a placeholder but was in the text as it was sent."
        >
          {segment.token}
        </span>
      );
    }
    return <Chip key={key} token={segment.token} entity={segment.entity} value={revealed[segment.token]} />;
  });
}

interface ChipProps {
  token: string;
  entity: string;
  /** While revealed; null when its key was erased. */
  value: string | null | undefined;
}

export function Chip({ token, entity, value }: ChipProps) {
  const label = entityLabel(entity);
  const idShown = shortId(token.slice(0, -2));
  return (
    <span
      title={`${label} was removed and sealed\n${token}`}
      className={`mx-px inline-flex items-center gap-1 rounded px-1.5 align-baseline font-sans text-xs leading-[1.1rem] whitespace-nowrap ${
        value === undefined ? "bg-chip-soft text-chip" : "bg-warn-soft text-warn ring-1 ring-warn"
      }`}
    >
      <span className="font-semibold">{label}</span>
      {value === undefined ? (
        <span className="font-mono opacity-80">{idShown}</span>
      ) : (
        <span>{value ?? "(erased)"}</span>
      )}
    </span>
  );
}
