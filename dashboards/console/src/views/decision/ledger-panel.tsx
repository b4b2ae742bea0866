import { useMutation } from "@tanstack/react-query";
import { fetchProof, verifyRecord } from "../../api/calls";
import type { LogDetail, Verdict, VerifyAnswer } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, Facts, Panel, type Tone } from "../../components/ui";
import { formatCount, words } from "../../lib/number";
import { saveFile } from "../../lib/save-file";

export const verdictTones: Record<Verdict, Tone> = { pass: "good", fail: "bad", unproven: "warn" };

/** Where the record stands in its chain, and every check of that claim on demand. */
export function LedgerPanel({ log, onLookAgain }: { log: LogDetail; onLookAgain: () => void }) {
  const { ledger } = log;
  const verify = useMutation({ mutationFn: () => verifyRecord(log.event_id) });
  const proof = useMutation({
    mutationFn: () => fetchProof(log.event_id),
    onSuccess: (text) => saveFile(new Blob([text], { type: "text/plain" }), `${log.event_id}.tlog-proof`),
  });
  const sealed = ledger.state === "sealed";
  const hash = (value: string) => <code className="font-mono text-xs break-all">{value || "–"}</code>;
  return (
    <Panel
      title="Ledger"
      actions={
        <div className="flex gap-1.5">
          <Button disabled={!sealed || proof.isPending} onClick={() => proof.mutate()}>
            Proof
          </Button>
          <Button look="primary" disabled={verify.isPending} onClick={() => verify.mutate()}>
            {verify.isPending ? "Verifying…" : "Verify"}
          </Button>
        </div>
      }
    >
      <Facts
        rows={{
          State: <State ledger={ledger} onLookAgain={onLookAgain} />,
          "Covered by": ledger.epoch == null ? "–" : `epoch ${formatCount(ledger.epoch)}`,
          Position: `shard ${ledger.shard}, index ${formatCount(ledger.index)}`,
          "Tree size": formatCount(ledger.tree_size ?? null),
          "Leaf hash": hash(ledger.leaf_hash),
          "Previous leaf": hash(ledger.prev_leaf_hash),
        }}
      />
      {proof.isError && <ErrorPanel error={proof.error} />}
      {verify.isError && <ErrorPanel error={verify.error} onRetry={() => verify.mutate()} />}
      {verify.data && <Checks answer={verify.data} />}
    </Panel>
  );
}

interface StateProps {
  ledger: LogDetail["ledger"];
  onLookAgain: () => void;
}

/** Looking again is a read that is recorded, so the page does not do it by itself. */
function State({ ledger, onLookAgain }: StateProps) {
  if (ledger.state === "sealed") return <Badge tone="good">sealed</Badge>;
  const [text, title] =
    ledger.state === "appended"
      ? ["appended, not sealed yet", "The next epoch seals it, within seconds."]
      : ["unknown", "The store of the checkpoints does not answer."];
  return (
    <span className="flex items-center gap-2">
      <Badge tone="warn" title={title}>
        {text}
      </Badge>
      <button type="button" className="link" onClick={onLookAgain}>
        Look again
      </button>
    </span>
  );
}

const conclusions: Record<Verdict, string> = {
  pass: "Every check passed: the record is as it was written.",
  fail: "The record is not what the ledger says it was.",
  unproven: "Nothing contradicts the record, but not every check could be made.",
};

function Checks({ answer }: { answer: VerifyAnswer }) {
  const passed = answer.checks.filter((check) => check.verdict === "pass").length;
  return (
    <div role="status" className="border-t border-line">
      <p className="flex items-center gap-2 px-3 py-2">
        <Badge tone={verdictTones[answer.verdict]}>{answer.verdict}</Badge>
        <span>{conclusions[answer.verdict]}</span>
        <span className="ml-auto text-xs whitespace-nowrap text-muted">
          {passed} of {answer.checks.length}
        </span>
      </p>
      <ul aria-label="Checks" className="border-t border-line px-3 py-1">
        {answer.checks.map((check) => (
          <li key={check.name} className="grid grid-cols-[4.75rem_minmax(0,1fr)] gap-x-2 py-1">
            <span>
              <Badge tone={verdictTones[check.verdict]}>{check.verdict}</Badge>
            </span>
            <span>
              <span className="font-medium">{words(check.name)}</span>
              {check.detail && <span className="block text-xs wrap-anywhere text-muted">{check.detail}</span>}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
