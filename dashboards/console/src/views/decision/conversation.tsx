import { RedactedText } from "../../components/redacted-text";
import { Badge, type Tone } from "../../components/ui";
import type { Part, Turn } from "../../exchange/turns";

const roleTones: Record<string, Tone> = {
  system: "neutral",
  developer: "neutral",
  user: "accent",
  assistant: "good",
  tool: "chip",
  error: "bad",
};

const longTextLength = 6000;
/** Instructions are the same in call after call; a reviewer looks for what was asked and answered. */
const longInstructionsLength = 800;
const instructing = new Set(["system", "developer"]);

interface ConversationProps {
  label: string;
  turns: readonly Turn[];
  /** Turns of the model, set off from what it was sent. */
  answer?: boolean;
}

export function Conversation({ label, turns, answer = false }: ConversationProps) {
  const numbered = turns.map((turn, index) => {
    const longLength = instructing.has(turn.role) ? longInstructionsLength : longTextLength;
    return { turn, number: index + 1, longLength };
  });
  return (
    <ol aria-label={label} className={answer ? "bg-good-soft/30" : ""}>
      {numbered.map(({ turn, number, longLength }) => (
        <li
          key={number}
          className="grid grid-cols-[5.5rem_1fr] gap-3 border-b border-line px-3 py-2 last:border-b-0"
        >
          <div className="pt-0.5">
            <Badge tone={roleTones[turn.role] ?? "neutral"}>{turn.role}</Badge>
            {answer && turns.length > 1 && <span className="ml-1 text-xs text-muted">{number}</span>}
          </div>
          <div className="max-w-[80ch] min-w-0 space-y-2">
            {turn.parts.map((part, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a recorded exchange never changes
              <PartView key={index} part={part} longLength={longLength} />
            ))}
          </div>
        </li>
      ))}
    </ol>
  );
}

function PartView({ part, longLength }: { part: Part; longLength: number }) {
  switch (part.kind) {
    case "text":
      return <TextView text={part.text} longLength={longLength} />;
    case "reasoning":
      return (
        <details className="rounded border border-line bg-sunken px-2 py-1">
          <summary className="text-muted">Reasoning</summary>
          <TextView text={part.text} longLength={longLength} />
        </details>
      );
    case "tool_call":
      return (
        <Boxed title="calls" name={part.name} id={part.id}>
          {part.input}
        </Boxed>
      );
    case "tool_result":
      return (
        <Boxed title="result" name="" id={part.id}>
          {part.text}
        </Boxed>
      );
    case "media":
      return <Badge>{part.label}</Badge>;
    case "error":
      return (
        <p className="text-bad">
          <RedactedText text={part.text} />
        </p>
      );
    case "other":
      return (
        <Boxed title={part.label} name="" id="">
          {part.json}
        </Boxed>
      );
  }
}

function TextView({ text, longLength }: { text: string; longLength: number }) {
  const body = (
    <p className="leading-relaxed break-words whitespace-pre-wrap">
      <RedactedText text={text} />
    </p>
  );
  if (text.length <= longLength) return body;
  return (
    <details>
      <summary className="text-muted">Long text of {text.length.toLocaleString("en-US")} characters</summary>
      {body}
    </details>
  );
}

function Boxed({ title, name, id, children }: { title: string; name: string; id: string; children: string }) {
  return (
    <div className="overflow-hidden rounded border border-line">
      <div className="flex gap-2 border-b border-line bg-sunken px-2 py-0.5 text-xs">
        <span className="text-muted">{title}</span>
        {name && <span className="font-semibold">{name}</span>}
        {id && <span className="ml-auto truncate font-mono text-muted">{id}</span>}
      </div>
      <pre className="max-h-80 overflow-auto px-2 py-1 font-mono text-xs whitespace-pre-wrap">
        <RedactedText text={children} />
      </pre>
    </div>
  );
}
