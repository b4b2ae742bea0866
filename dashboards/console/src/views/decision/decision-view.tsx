import { useMutation, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { createReport, fetchLog } from "../../api/calls";
import { ApiError } from "../../api/problem";
import type { LogDetail } from "../../api/types";
import { ErrorPage, ErrorPanel } from "../../components/error-panel";
import { Marks, StatusBadge } from "../../components/log-columns";
import { RedactionsProvider } from "../../components/redacted-text";
import { Button, PageTitle, Spinner, Time } from "../../components/ui";
import { words } from "../../lib/number";
import { sessionPath } from "../../lib/session-path";
import { useIsOfficer, useTenantName } from "../../session/hooks";
import { ExchangePanel } from "./exchange-panel";
import { AttributesPanel, ContextPanel, CostPanel, TimingPanel } from "./facts-panels";
import { LedgerPanel } from "./ledger-panel";
import { OutcomesPanel } from "./outcomes-panel";
import { PurposeGate } from "./purpose-gate";
import { RedactionsPanel } from "./redactions-panel";
import { RevealDialog } from "./reveal-dialog";
import { withRevealedTexts } from "./revealed-texts";

/** Every fetch is a read that is recorded, so a page that is open does not fetch by itself. */
const freshMs = 5 * 60_000;

export function DecisionView() {
  const { eventId = "" } = useParams();
  const [stated, setStated] = useState({ eventId, purpose: "" });
  // A purpose is stated for one record: the next one may be read for another.
  const purpose = stated.eventId === eventId && stated.purpose !== "" ? stated.purpose : undefined;
  const detail = useQuery({
    queryKey: ["log", eventId, purpose],
    queryFn: ({ signal }) => fetchLog(eventId, { purpose }, signal),
    staleTime: freshMs,
    refetchOnReconnect: false,
  });
  const { refetch } = detail;
  const lookAgain = useCallback(() => {
    refetch();
  }, [refetch]);
  if (detail.isPending) return <Spinner label="Reading the record" />;
  if (detail.error instanceof ApiError && detail.error.slug === "purpose-required")
    return <PurposeGate onStated={(purpose) => setStated({ eventId, purpose })} />;
  if (detail.isError && !detail.data)
    return <ErrorPage title="Decision" error={detail.error} onRetry={() => detail.refetch()} />;
  // Another record means another page: nothing revealed or verified may stay on it.
  return <Decision key={eventId} log={detail.data} purpose={purpose} onLookAgain={lookAgain} />;
}

const nothingRevealed: Record<string, string | null> = {};

/** Fields that are sealed as a whole and so have no place in a text. */
const sealedFields = ["user_email", "ip_address", "subject_email"];

interface DecisionProps {
  log: LogDetail;
  purpose: string | undefined;
  onLookAgain: () => void;
}

function Decision({ log: stored, purpose, onLookAgain }: DecisionProps) {
  const tenantName = useTenantName();
  const isOfficer = useIsOfficer();
  const [revealing, setRevealing] = useState(false);
  const [revealed, setRevealed] = useState(nothingRevealed);
  const [closed, setClosed] = useState<readonly { kind: string }[]>([]);
  const log = useMemo(() => withRevealedTexts(stored, revealed), [stored, revealed]);
  const facts = useMemo(
    () => ({ known: new Set(log.redactions.map((redaction) => redaction.token)), revealed }),
    [log.redactions, revealed],
  );
  const shown = revealed !== nothingRevealed;

  return (
    <RedactionsProvider facts={facts}>
      <div className="mx-auto max-w-[110rem] space-y-3 p-4">
        <PageTitle
          title={log.decision_type || log.operation || log.kind}
          note={
            <>
              {tenantName(log.tenant)} · {log.application} · <Time at={log.occurred_at} precision="full" />{" "}
              UTC
            </>
          }
        >
          <StatusBadge item={log} />
          <Marks item={log} />
          {log.session_id && (
            <Link
              className="inline-flex h-[1.875rem] items-center rounded border border-line-strong bg-panel px-2.5 hover:bg-sunken"
              to={sessionPath(log, log.event_id)}
            >
              Session timeline
            </Link>
          )}
          {isOfficer && (log.pii_total > 0 || (log.sealed_texts ?? []).length > 0) && (
            <Button onClick={() => (shown ? setRevealed(nothingRevealed) : setRevealing(true))}>
              {shown ? "Hide values" : "Reveal values"}
            </Button>
          )}
          {isOfficer && <ReportButton eventId={log.event_id} />}
        </PageTitle>
        {shown && (
          <p role="status" className="rounded-md bg-warn-soft px-3 py-1.5 text-warn">
            Removed values are shown. This read and its reason are in the access log.
            {sealedFields
              .filter((field) => field in revealed)
              .map((field) => (
                <span key={field} className="ml-3">
                  {words(field)}: <span className="font-semibold">{revealed[field] ?? "(erased)"}</span>
                </span>
              ))}
            {closed.length > 0 && (
              <span className="ml-3">
                Kept closed by the application's policy: {closed.map(({ kind }) => words(kind)).join(", ")}.
              </span>
            )}
          </p>
        )}
        <div className="grid items-start gap-3 lg:grid-cols-[minmax(0,1fr)_25rem]">
          <div className="min-w-0 space-y-3">
            <ExchangePanel log={log} />
            <OutcomesPanel log={log} onStored={onLookAgain} />
            <AttributesPanel attributes={log.attributes} />
          </div>
          <div className="min-w-0 space-y-3">
            <CostPanel log={log} />
            <LedgerPanel log={log} onLookAgain={onLookAgain} />
            <RedactionsPanel redactions={log.redactions} pii={log.pii} />
            <TimingPanel log={log} />
            <ContextPanel log={log} tenant={tenantName(log.tenant)} />
          </div>
        </div>
      </div>
      {revealing && (
        <RevealDialog
          eventId={log.event_id}
          purpose={purpose}
          onClose={() => setRevealing(false)}
          onRevealed={(answer) => {
            setRevealed(answer.revealed ?? {});
            setClosed(answer.not_revealed ?? []);
            setRevealing(false);
          }}
        />
      )}
    </RedactionsProvider>
  );
}

function ReportButton({ eventId }: { eventId: string }) {
  const navigate = useNavigate();
  const report = useMutation({
    mutationFn: () => createReport({ type: "decision", event_id: eventId, format: ["pdf", "csv", "json"] }),
    onSuccess: (job) => navigate(`/reports?job=${job.id}`),
  });
  return (
    <>
      <Button look="primary" disabled={report.isPending} onClick={() => report.mutate()}>
        {report.isPending ? "Requesting…" : "Create report"}
      </Button>
      {report.isError && <ErrorPanel error={report.error} />}
    </>
  );
}
