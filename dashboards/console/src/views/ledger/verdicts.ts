import type { LedgerVerdict, Verification } from "../../api/types";
import { formatCount } from "../../lib/number";

/** What each verdict asks, for people who do not read the specification. */
export const questions: Record<LedgerVerdict["verdict"], string> = {
  CONTENT: "Are the stored bytes those that were sealed?",
  IDENTITY: "Is this the log that the policy names, signed by its key?",
  TIME: "Are the times in order, and confirmed by others?",
  WITNESS: "Did others see the same log?",
  SCOPE: "Is nothing missing, moved or added?",
  ERASURE: "Was what is absent erased by a recorded erasure?",
  REPORT: "Do a report's figures follow from the records?",
};

const conclusions: Record<NonNullable<Verification["outcome"]>, string> = {
  proven: "Nothing contradicts the ledger, and every required verdict is a pass.",
  refuted: "What is stored contradicts what was sealed.",
  unreadable: "Some of it could not be read, so there is no verdict over everything.",
  unproven: "Nothing contradicts the ledger, but a required check could not be made.",
};

/** One sentence for how a verification ended; null while it runs. */
export function conclusionOf({ state, outcome, error }: Verification): string | null {
  if (state === "running") return null;
  if (state === "cancelled") return "It was cancelled, so there are no verdicts.";
  if (state === "failed" || !outcome)
    return `It broke off, so there are no verdicts: ${error ?? "no reason given"}`;
  return conclusions[outcome];
}

/** How far it is: a sentence, and a part of one for the bar where a total is known. */
export function progressOf({ progress }: Verification): { text: string; part: number | null } {
  const { epochs, epochs_read, records, records_read, chains } = progress;
  if (chains > 0) {
    const part = records > 0 ? Math.min(1, records_read / records) : null;
    return { text: `${formatCount(records_read)} of ${formatCount(records)} records read`, part };
  }
  if (epochs > 0) {
    return {
      text: `${formatCount(epochs_read)} of ${formatCount(epochs)} epochs read`,
      part: epochs_read / epochs,
    };
  }
  return { text: "Reading the newest checkpoint", part: null };
}

/** Findings that were counted and not kept. */
export function hiddenFindings({ refuted, unproven, findings }: LedgerVerdict): number {
  return Math.max(0, refuted + unproven - findings.length);
}

/** Unproven is a fault only where a pass is required. */
export function toneOf({ status, is_required }: LedgerVerdict): "good" | "bad" | "warn" | "neutral" {
  if (status === "pass") return "good";
  if (status === "fail") return "bad";
  return is_required ? "warn" : "neutral";
}

/** The command for somebody who does not take this server's word. */
export function commandFor(origin: string): string {
  return `audit verify ${origin} --policy trust-policy.toml --known-head kept-checkpoint.txt`;
}
