import type { ButtonHTMLAttributes, ReactNode } from "react";
import { formatMoney, formatUnpriced } from "../lib/money";
import { formatLocal, formatUtc } from "../lib/time";

export type Tone = "neutral" | "good" | "warn" | "bad" | "accent" | "chip";

const tones: Record<Tone, string> = {
  neutral: "bg-sunken text-muted",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  accent: "bg-accent-soft text-accent",
  chip: "bg-chip-soft text-chip",
};

export function Badge({
  tone = "neutral",
  title,
  children,
}: {
  tone?: Tone;
  title?: string;
  children: ReactNode;
}) {
  return (
    <span
      title={title}
      className={`inline-block rounded px-1.5 py-px text-xs leading-4 font-medium whitespace-nowrap ${tones[tone]}`}
    >
      {children}
    </span>
  );
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { look?: "plain" | "primary" | "quiet" };

const looks = {
  plain: "border border-line-strong bg-panel hover:bg-sunken",
  primary: "border border-accent bg-accent text-accent-ink font-semibold hover:opacity-90",
  quiet: "text-muted hover:bg-sunken hover:text-ink",
};

export function Button({ look = "plain", className = "", ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`inline-flex h-[1.875rem] items-center justify-center gap-1.5 rounded px-2.5 whitespace-nowrap disabled:opacity-50 ${looks[look]} ${className}`}
      {...rest}
    />
  );
}

interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode;
  className?: string;
  children: ReactNode;
}

export function Panel({ title, actions, className = "", children }: PanelProps) {
  return (
    <section className={`rounded-md border border-line bg-panel ${className}`}>
      {title !== undefined && (
        <header className="flex min-h-9 flex-wrap items-center justify-between gap-2 border-b border-line px-3 py-1.5">
          <h2 className="font-semibold">{title}</h2>
          {actions}
        </header>
      )}
      {children}
    </section>
  );
}

interface PageTitleProps {
  title: ReactNode;
  /** What the browser's tab says; the title itself when that is a text. */
  tab?: string;
  note?: ReactNode;
  children?: ReactNode;
}

export function PageTitle({ title, tab, note, children }: PageTitleProps) {
  const tabText = tab ?? (typeof title === "string" ? title : "");
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      {tabText && <title>{`${tabText} · AI Audit Layer`}</title>}
      <div className="flex flex-wrap items-baseline gap-x-3">
        <h1 className="text-base font-semibold">{title}</h1>
        {note && <p className="text-muted">{note}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  );
}

/** A UTC time; the tooltip says it in the reader's own zone. */
export function Time({ at, precision = "second" }: { at: string; precision?: "minute" | "second" | "full" }) {
  if (!at) return <span className="text-muted">–</span>;
  return (
    <time dateTime={at} title={`${formatLocal(at)} (your time)\n${formatUtc(at, "full")} UTC`}>
      {formatUtc(at, precision)}
    </time>
  );
}

interface CostProps {
  cost: string | null;
  currency: string;
  reason: string;
  short?: boolean;
}

/** Every digit of a cost; what has no price says so and why, and is never 0. */
export function Cost({ cost, currency, reason, short = false }: CostProps) {
  if (cost !== null) return <span>{formatMoney(cost, currency)}</span>;
  if (reason === "") {
    return (
      <span className="text-muted" title="no cost was due">
        –
      </span>
    );
  }
  const text = formatUnpriced(reason);
  return (
    <Badge tone="warn" title={text}>
      {short ? text.replace(/ bucket .*/, "") : text}
    </Badge>
  );
}

export function Spinner({ label = "Loading" }: { label?: string }) {
  return (
    <div role="status" className="flex items-center justify-center gap-2 p-8 text-muted">
      <span
        className="size-4 animate-spin rounded-full border-2 border-line-strong border-t-accent"
        aria-hidden="true"
      />
      {label}…
    </div>
  );
}

export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mx-auto max-w-lg p-10 text-center">
      <p className="font-semibold">{title}</p>
      {children && <div className="mt-1 text-muted">{children}</div>}
    </div>
  );
}

interface FieldProps {
  label: string;
  hint?: string | undefined;
  fault?: string | undefined;
  className?: string;
  children: ReactNode;
}

/** A labelled control; the label wraps it, so no ids are needed. */
export function Field({ label, hint, fault, className = "", children }: FieldProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label className={`block ${className}`}>
      <span className="mb-0.5 block text-xs font-medium text-muted">{label}</span>
      {children}
      {fault && <span className="mt-0.5 block text-xs text-bad">{fault}</span>}
      {!fault && hint && <span className="mt-0.5 block text-xs text-muted">{hint}</span>}
    </label>
  );
}

/** Names and values in two columns. */
export function Facts({ rows }: { rows: Record<string, ReactNode> }) {
  return (
    <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1 px-3 py-2">
      {Object.entries(rows).map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 break-words">{value === "" || value === null ? "–" : value}</dd>
        </div>
      ))}
    </dl>
  );
}
