import { useMutation } from "@tanstack/react-query";
import { fetchReportFile } from "../../api/calls";
import type { ReportFile, ReportJob } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, Time, type Tone } from "../../components/ui";
import { formatBytes } from "../../lib/number";
import { saveFile } from "../../lib/save-file";

const statusTones: Record<string, Tone> = {
  queued: "neutral",
  running: "accent",
  done: "good",
  finished: "good",
  succeeded: "good",
  failed: "bad",
};

const scopes: Record<ReportJob["type"], string> = {
  decision: "one decision",
  range: "range",
  bundle: "evidence bundle",
};

export function ReportTable({ jobs, chosen }: { jobs: readonly ReportJob[]; chosen: string }) {
  return (
    <div className="overflow-x-auto">
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">Report</th>
            <th scope="col">Scope</th>
            <th scope="col">Status</th>
            <th scope="col">Requested (UTC)</th>
            <th scope="col">By</th>
            <th scope="col">Files</th>
          </tr>
        </thead>
        <tbody aria-live="polite">
          {jobs.map((job) => (
            <tr key={job.id} className={job.id === chosen ? "bg-accent-soft" : ""}>
              <td className="max-w-96 !whitespace-normal">
                <span className="font-medium">{job.title || job.id}</span>
                {job.error && <span className="block text-bad">{job.error}</span>}
              </td>
              <td>{scopes[job.type]}</td>
              <td>
                <Badge tone={statusTones[job.status] ?? "neutral"}>{job.status}</Badge>
              </td>
              <td>
                <Time at={job.created_at} />
              </td>
              <td className="max-w-44 truncate" title={job.created_by}>
                {job.created_by}
              </td>
              <td>
                <span className="flex flex-wrap gap-1.5">
                  {job.files.map((file) => (
                    <Download key={file.format} job={job} file={file} />
                  ))}
                  {job.files.length === 0 && <span className="text-muted">–</span>}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Download({ job, file }: { job: ReportJob; file: ReportFile }) {
  const download = useMutation({
    mutationFn: () => fetchReportFile(job.id, file.format),
    onSuccess: (content) =>
      saveFile(content, `${fileName(job)}.${file.format === "bundle" ? "audit.tar" : file.format}`),
  });
  return (
    <span>
      <Button
        className="!h-6 !px-2"
        disabled={download.isPending}
        title={`SHA-256 ${file.sha256}`}
        onClick={() => download.mutate()}
      >
        <span>
          <span className="sr-only">Download </span>
          {file.format.toUpperCase()}
          <span className="sr-only"> of {job.title || job.id}</span>
        </span>
        <span className="text-xs text-muted">{formatBytes(file.bytes)}</span>
      </Button>
      {download.isError && <ErrorPanel error={download.error} />}
    </span>
  );
}

function fileName(job: ReportJob): string {
  const words = (job.title || job.type).toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `${words.replace(/^-|-$/g, "").slice(0, 60) || "report"}-${job.id.slice(0, 8)}`;
}
