import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { cancelVerification, fetchVerification, fetchVerifications, verifyEverything } from "../../api/calls";
import type { LedgerVerdict, Verification } from "../../api/types";
import { CopyButton } from "../../components/copy-button";
import { ErrorPanel } from "../../components/error-panel";
import { ScrollRegion } from "../../components/scroll-region";
import { Badge, Button, Panel, Time } from "../../components/ui";
import { formatCount } from "../../lib/number";
import { commandFor, conclusionOf, hiddenFindings, progressOf, questions, toneOf } from "./verdicts";

const pollMs = 1_000;

/** The seven verdicts over the whole ledger, made by the server in the background. */
export function VerifyEverything() {
  const client = useQueryClient();
  const [chosen, setChosen] = useState<string | null>(null);
  // Whoever opens the page sees the verification that somebody else began, too.
  const newest = useQuery({
    queryKey: ["verifications"],
    queryFn: ({ signal }) => fetchVerifications({ limit: 1 }, signal),
  });
  const id = chosen ?? newest.data?.items[0]?.id ?? null;
  const begin = useMutation({
    mutationFn: verifyEverything,
    onSuccess: (begun) => {
      client.setQueryData(["verification", begun.id], begun);
      setChosen(begun.id);
    },
  });
  const shown = useQuery({
    queryKey: ["verification", id],
    queryFn: ({ signal }) => fetchVerification(id ?? "", signal),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data && state.data.state !== "running" ? false : pollMs),
  });
  const cancel = useMutation({ mutationFn: cancelVerification, onSuccess: () => shown.refetch() });
  const found = shown.data;
  const isRunning = found?.state === "running";
  return (
    <Panel
      title="Verify everything"
      actions={
        isRunning ? (
          <Button disabled={cancel.isPending} onClick={() => cancel.mutate(found.id)}>
            Cancel verification
          </Button>
        ) : (
          <Button look="primary" disabled={begin.isPending} onClick={() => begin.mutate()}>
            Verify everything
          </Button>
        )
      }
    >
      <Trust />
      {begin.isError && <ErrorPanel error={begin.error} />}
      {cancel.isError && <ErrorPanel error={cancel.error} />}
      {newest.isError && <ErrorPanel error={newest.error} onRetry={() => newest.refetch()} />}
      {shown.isError && <ErrorPanel error={shown.error} onRetry={() => shown.refetch()} />}
      {found && (isRunning ? <Running found={found} /> : <Ended found={found} />)}
    </Panel>
  );
}

function Trust() {
  const command = commandFor(window.location.origin);
  return (
    <div className="max-w-4xl space-y-2 px-3 py-3 text-muted">
      <p>
        The server re-reads every manifest and record and compares them with what was sealed, under the trust
        policy it was started with. It finds what was changed behind its back. But a server that checks itself
        proves little to anybody else: whoever controls it can make it say anything. To take nobody's word,
        keep the policy and a checkpoint on another machine and run there:
      </p>
      <p className="flex items-center gap-2">
        <code className="font-mono text-xs break-all text-ink">{command}</code>
        <CopyButton text={command} />
      </p>
      <p>
        Without a connection, check an evidence bundle with{" "}
        <code className="font-mono text-xs">audit-verify FILE --policy trust-policy.toml</code>, with a policy
        that did not come with the bundle.
      </p>
    </div>
  );
}

function Running({ found }: { found: Verification }) {
  const { text, part } = progressOf(found);
  return (
    <div role="status" className="space-y-1 px-3 pb-3">
      <p>{text}</p>
      <progress
        className="w-full max-w-xl"
        aria-label="Progress of the verification"
        value={part ?? undefined}
        max={1}
      />
    </div>
  );
}

function Ended({ found }: { found: Verification }) {
  const isGood = found.outcome === "proven";
  return (
    <div className="space-y-3 px-3 pb-3">
      <p
        role={found.outcome === "refuted" ? "alert" : "status"}
        className={isGood ? "font-semibold" : "font-semibold text-bad"}
      >
        {conclusionOf(found)}
      </p>
      {found.report && <Verdicts verdicts={found.report.verdicts} />}
      <Facts found={found} />
    </div>
  );
}

function Verdicts({ verdicts }: { verdicts: LedgerVerdict[] }) {
  const withFindings = verdicts.filter((verdict) => verdict.findings.length > 0);
  return (
    <>
      <ScrollRegion label="Verdicts" className="overflow-auto">
        <table className="grid-table" aria-label="Verdicts">
          <thead>
            <tr>
              <th scope="col">Verdict</th>
              <th scope="col">Result</th>
              <th scope="col">What is asked</th>
              {["Checked", "Refuted", "Unproven"].map((name) => (
                <th key={name} scope="col" className="num !text-right">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {verdicts.map((verdict) => (
              <tr key={verdict.verdict}>
                <th scope="row" className="font-mono text-xs">
                  {verdict.verdict}
                </th>
                <td>
                  <Badge tone={toneOf(verdict)}>{verdict.status}</Badge>
                </td>
                <td>{questions[verdict.verdict]}</td>
                <td className="num">{formatCount(verdict.checked)}</td>
                <td className={verdict.refuted > 0 ? "num text-bad" : "num"}>
                  {formatCount(verdict.refuted)}
                </td>
                <td className="num">{formatCount(verdict.unproven)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollRegion>
      {withFindings.map((verdict) => (
        <Findings key={verdict.verdict} verdict={verdict} />
      ))}
    </>
  );
}

function Findings({ verdict }: { verdict: LedgerVerdict }) {
  const hidden = hiddenFindings(verdict);
  return (
    <div>
      <h3 className="font-mono text-xs font-semibold">{verdict.verdict}</h3>
      <ul className="list-inside list-disc">
        {verdict.findings.map((finding) => (
          <li key={`${finding.chain}/${finding.index}/${finding.what}`} className="break-words">
            {finding.chain && (
              <code className="font-mono text-xs">
                {finding.chain}
                {finding.index !== undefined && ` index ${finding.index}`}{" "}
              </code>
            )}
            {finding.what}
            {finding.event_id && <code className="font-mono text-xs"> event {finding.event_id}</code>}
          </li>
        ))}
        {hidden > 0 && <li className="text-muted">and {formatCount(hidden)} more</li>}
      </ul>
    </div>
  );
}

function Facts({ found }: { found: Verification }) {
  const { known_head: head, earlier_head: earlier, policy, report } = found;
  return (
    <div className="space-y-1 text-muted">
      <p>
        {report &&
          `${formatCount(report.records)} records of ${formatCount(report.chains)} chains, ${formatCount(report.not_yet_sealed)} of them not sealed yet. `}
        {head ? `Made against the checkpoint of epoch ${formatCount(head.epoch)}` : "No checkpoint was there"}
        {earlier && `, and that of epoch ${formatCount(earlier.epoch)} kept from an earlier verification`}
        {found.finished_at && (
          <>
            , ended <Time at={found.finished_at} />
          </>
        )}
        .
      </p>
      {report?.unreadable.map((what) => (
        <p key={what} className="text-bad">
          Unreadable: {what}
        </p>
      ))}
      <p className="font-mono text-xs break-all">
        this server's policy for {policy.origin}, SHA-256 {policy.sha256}
      </p>
    </div>
  );
}
