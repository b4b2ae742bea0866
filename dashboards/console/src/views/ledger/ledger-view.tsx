import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { fetchCheckpoint, fetchCheckpoints } from "../../api/calls";
import { CopyButton } from "../../components/copy-button";
import { ErrorPage, ErrorPanel } from "../../components/error-panel";
import { ScrollRegion } from "../../components/scroll-region";
import { Button, EmptyState, PageTitle, Panel, Spinner, Time } from "../../components/ui";
import { formatCount } from "../../lib/number";
import { useIsOfficer } from "../../session/hooks";
import { EvidenceBundle } from "./evidence-bundle";
import { Incidents, Sources } from "./findings";
import { VerifyEverything } from "./verify-everything";

const pageSize = 50;
const refreshMs = 10_000;

/** The heads of the ledger: one signed checkpoint for each epoch. */
export function LedgerView() {
  const isOfficer = useIsOfficer();
  const [chosen, setChosen] = useState<number | null>(null);
  const checkpoints = useInfiniteQuery({
    queryKey: ["checkpoints"],
    queryFn: ({ pageParam, signal }) => fetchCheckpoints({ limit: pageSize, before: pageParam }, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => (page.items.length < pageSize ? undefined : page.items.at(-1)?.epoch),
    refetchInterval: refreshMs,
  });
  const items = useMemo(
    () => checkpoints.data?.pages.flatMap((page) => page.items) ?? [],
    [checkpoints.data],
  );
  const newest = checkpoints.data?.pages[0];
  const shown = chosen ?? newest?.latest?.epoch ?? null;

  if (checkpoints.isPending) return <Spinner label="Reading checkpoints" />;
  if (checkpoints.isError && !checkpoints.data) {
    return <ErrorPage title="Ledger" error={checkpoints.error} onRetry={() => checkpoints.refetch()} />;
  }
  return (
    <div className="space-y-3 p-4">
      <PageTitle title="Ledger" note={newest?.origin ? `origin ${newest.origin}` : undefined} />
      <p className="max-w-4xl text-muted">
        Every epoch re-reads and re-hashes what was stored and signs the result. A checkpoint kept elsewhere
        proves later that nothing up to it was changed, dropped or reordered;{" "}
        <code className="font-mono">audit verify</code> does so.
      </p>
      {isOfficer && <Incidents />}
      {items.length === 0 ? (
        <EmptyState title="Nothing has been sealed yet">
          The first epoch follows within seconds of the start.
        </EmptyState>
      ) : (
        <div className="grid items-start gap-3 xl:grid-cols-2">
          <Panel title="Epochs">
            <ScrollRegion label="Epochs" className="max-h-[70vh] overflow-auto">
              <table className="grid-table">
                <thead>
                  <tr>
                    <th scope="col">Epoch</th>
                    <th scope="col">Sealed (UTC)</th>
                    <th scope="col" className="num !text-right">
                      Chains
                    </th>
                    <th scope="col" className="num !text-right">
                      Leaves
                    </th>
                    <th scope="col">Manifest hash</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((item) => (
                    <tr key={item.epoch} className={item.epoch === shown ? "bg-accent-soft" : ""}>
                      <td>
                        <button type="button" className="link" onClick={() => setChosen(item.epoch)}>
                          {formatCount(item.epoch)}
                        </button>
                      </td>
                      <td>
                        <Time at={item.sealed_at} />
                      </td>
                      <td className="num">{formatCount(item.chains)}</td>
                      <td className="num">{formatCount(item.leaves)}</td>
                      <td className="font-mono text-xs" title={item.manifest_hash}>
                        {item.manifest_hash.slice(0, 24)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {checkpoints.hasNextPage && (
                <div className="p-2 text-center">
                  <Button
                    disabled={checkpoints.isFetchingNextPage}
                    onClick={() => checkpoints.fetchNextPage()}
                  >
                    Load more
                  </Button>
                </div>
              )}
            </ScrollRegion>
          </Panel>
          {shown !== null && <Checkpoint epoch={shown} />}
        </div>
      )}
      {isOfficer && <VerifyEverything />}
      {isOfficer && <EvidenceBundle />}
      {isOfficer && <Sources />}
    </div>
  );
}

function Checkpoint({ epoch }: { epoch: number }) {
  const checkpoint = useQuery({
    queryKey: ["checkpoint", epoch],
    queryFn: ({ signal }) => fetchCheckpoint(epoch, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (checkpoint.isPending) return <Spinner label="Reading the checkpoint" />;
  if (checkpoint.isError) return <ErrorPanel error={checkpoint.error} onRetry={() => checkpoint.refetch()} />;
  return (
    <div className="min-w-0 space-y-3">
      <TextPanel
        title={`Checkpoint of epoch ${formatCount(epoch)}, signed`}
        text={checkpoint.data.checkpoint}
      />
      <TextPanel title="Manifest" text={checkpoint.data.manifest} />
      {checkpoint.data.heads && <TextPanel title="Heads: one for each chain" text={checkpoint.data.heads} />}
    </div>
  );
}

function TextPanel({ title, text }: { title: string; text: string }) {
  return (
    <Panel title={title} actions={<CopyButton text={text} />}>
      <ScrollRegion label={title} className="max-h-96 overflow-auto">
        <pre className="px-3 py-2 font-mono text-xs break-all whitespace-pre-wrap">{text}</pre>
      </ScrollRegion>
    </Panel>
  );
}
