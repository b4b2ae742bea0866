import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { fetchReports } from "../../api/calls";
import type { ReportJob } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { Button, EmptyState, PageTitle, Panel, Spinner } from "../../components/ui";
import { NewReportForm } from "./new-report-form";
import { ReportTable } from "./report-table";

const pollMs = 2_000;
const pageSize = 50;

export const isRunning = (job: ReportJob): boolean => job.status === "queued" || job.status === "running";

export function ReportsView() {
  const [parameters] = useSearchParams();
  const chosen = parameters.get("job") ?? "";
  const reports = useInfiniteQuery({
    queryKey: ["reports"],
    queryFn: ({ pageParam, signal }) => fetchReports({ limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some(isRunning)) ? pollMs : false,
  });
  const jobs = useMemo(() => reports.data?.pages.flatMap((page) => page.items) ?? [], [reports.data]);

  return (
    <div className="space-y-3 p-4">
      <PageTitle title="Reports" note="for auditors, regulators and the people concerned" />
      <div className="grid items-start gap-3 lg:grid-cols-[22rem_minmax(0,1fr)]">
        <NewReportForm />
        <Panel title="Report jobs" actions={<Button onClick={() => reports.refetch()}>Refresh</Button>}>
          {reports.isPending && <Spinner label="Reading reports" />}
          {reports.isError && <ErrorPanel error={reports.error} onRetry={() => reports.refetch()} />}
          {reports.data && jobs.length === 0 && (
            <EmptyState title="No report has been made yet">
              Request one with the form on this page.
            </EmptyState>
          )}
          {jobs.length > 0 && <ReportTable jobs={jobs} chosen={chosen} />}
          {reports.hasNextPage && (
            <div className="p-2 text-center">
              <Button disabled={reports.isFetchingNextPage} onClick={() => reports.fetchNextPage()}>
                Load more
              </Button>
            </div>
          )}
        </Panel>
      </div>
    </div>
  );
}
