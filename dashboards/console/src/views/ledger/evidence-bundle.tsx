import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useSearchParams } from "react-router";
import { createReport, fetchReport, fetchReportFile } from "../../api/calls";
import type { ReportJob } from "../../api/types";
import { CopyButton } from "../../components/copy-button";
import { ErrorPanel } from "../../components/error-panel";
import { RangePicker } from "../../components/range-picker";
import { Button, Panel } from "../../components/ui";
import { type LogFilters, withFilters } from "../../lib/filters";
import { formatBytes } from "../../lib/number";
import { resolveRange } from "../../lib/range";
import { saveFile } from "../../lib/save-file";

const pollMs = 1_000;
/** Above this a browser should not hold the file; the command writes it straight to disk. */
const browserMaxBytes = 1_000_000_000;

/** Asks for an evidence bundle of a period and hands it to the browser's downloads. */
export function EvidenceBundle() {
  const [parameters] = useSearchParams();
  const [range, setRange] = useState<LogFilters>({ range: "30d" });
  const [withContent, setWithContent] = useState(true);
  const request = useMutation({
    mutationFn: () => {
      const nowMs = Date.now();
      const { range: span, from, to } = range;
      const ends = resolveRange(
        { ...(span && { range: span }), ...(from && { from }), ...(to && { to }) },
        nowMs,
      );
      const tenant = parameters.get("tenant");
      return createReport({
        type: "bundle",
        content: withContent,
        ...ends,
        to: ends.to ?? new Date(nowMs).toISOString(),
        ...(tenant ? { tenant } : {}),
      });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    request.mutate();
  };
  return (
    <Panel title="Evidence bundle">
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3 p-3">
        <RangePicker range={range} onChange={(change) => setRange(withFilters(range, change))} />
        <label className="flex items-center gap-1.5 pb-1">
          <input
            type="checkbox"
            checked={withContent}
            onChange={(event) => setWithContent(event.target.checked)}
          />
          Hand over redacted texts and sealed values
        </label>
        <Button type="submit" look="primary" disabled={request.isPending}>
          {request.isPending ? "Requesting…" : "Make evidence bundle"}
        </Button>
      </form>
      <p className="max-w-4xl px-3 pb-3 text-muted">
        Every leaf and header that was sealed in the period, for somebody who trusts neither this server nor
        its database. Making it is itself recorded. Check it elsewhere with a trust policy that did not come
        with it.
      </p>
      {request.isError && <ErrorPanel error={request.error} />}
      {request.data && <Progress key={request.data.id} id={request.data.id} />}
    </Panel>
  );
}

function Progress({ id }: { id: string }) {
  const job = useQuery({
    queryKey: ["report", id],
    queryFn: ({ signal }) => fetchReport(id, signal),
    refetchInterval: (query) =>
      query.state.data?.status === "done" || query.state.data?.status === "failed" ? false : pollMs,
  });
  if (job.isError) return <ErrorPanel error={job.error} onRetry={() => job.refetch()} />;
  if (job.data?.status === "failed") {
    return (
      <p role="alert" className="px-3 pb-3 text-bad">
        The bundle was not made: {job.data.error}
      </p>
    );
  }
  if (job.data?.status !== "done") {
    return (
      <p role="status" className="px-3 pb-3">
        The bundle is being made. It waits for the epoch that seals the period's last records.
      </p>
    );
  }
  return <Finished job={job.data} />;
}

function Finished({ job }: { job: ReportJob }) {
  const name = `evidence-${job.id.slice(0, 8)}.audit.tar`;
  const command = `audit-verify ${name} --policy trust-policy.toml`;
  const file = job.files.find((entry) => entry.format === "bundle");
  const download = useMutation({
    mutationFn: () => fetchReportFile(job.id, "bundle"),
    onSuccess: (content) => saveFile(content, name),
  });
  if (!file) return null;
  return (
    <div role="status" className="space-y-2 px-3 pb-3">
      {file.bytes > browserMaxBytes ? (
        <p>
          It has {formatBytes(file.bytes)}, too much for a browser. Fetch it with{" "}
          <code className="font-mono">audit bundle</code>.
        </p>
      ) : (
        <Button disabled={download.isPending} onClick={() => download.mutate()}>
          Download evidence bundle, {formatBytes(file.bytes)}
        </Button>
      )}
      <p className="font-mono text-xs break-all">SHA-256 {file.sha256}</p>
      <p className="flex items-center gap-2">
        <code className="font-mono text-xs break-all">{command}</code>
        <CopyButton text={command} />
      </p>
      {download.isError && <ErrorPanel error={download.error} />}
    </div>
  );
}
