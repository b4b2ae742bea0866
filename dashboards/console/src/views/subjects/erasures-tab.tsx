import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  decideErasure,
  type Erasure,
  fetchCertificate,
  fetchErasures,
  overrideErasure,
  requestErasure,
} from "../../api/subjects";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, EmptyState, Field, Spinner, Time } from "../../components/ui";
import { saveFile } from "../../lib/save-file";
import { useTenantChoice, useTenantName } from "../../session/hooks";
import { TenantField } from "../admin/parts";
import { ReasonDialog } from "./reason-dialog";

const refreshMs = 5_000;
const undecided = ["waiting", "held"];

const kinds: Record<string, string> = {
  person: "person, as subject and as user",
  subject: "person, as subject only",
  user: "person, as user only",
  event: "one event about nobody known",
};

export function ErasuresTab() {
  const [tenant] = useTenantChoice();
  const erasures = useQuery({
    queryKey: ["erasures", tenant],
    queryFn: ({ signal }) => fetchErasures({ tenant: tenant || undefined }, signal),
    refetchInterval: refreshMs,
  });
  return (
    <>
      <NewErasure />
      {erasures.isPending && <Spinner label="Reading erasures" />}
      {erasures.isError && <ErrorPanel error={erasures.error} onRetry={() => erasures.refetch()} />}
      {erasures.data?.items.length === 0 && (
        <EmptyState title="Nobody has asked for erasure">
          A request waits 30 days, unless two people cut the time short; a legal hold blocks it.
        </EmptyState>
      )}
      {erasures.data && erasures.data.items.length > 0 && <ErasureTable erasures={erasures.data.items} />}
    </>
  );
}

function ErasureTable({ erasures }: { erasures: readonly Erasure[] }) {
  const tenantName = useTenantName();
  return (
    <div className="overflow-x-auto">
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">Requested (UTC)</th>
            <th scope="col">Erasure</th>
            <th scope="col">Tenant</th>
            <th scope="col">Stage</th>
            <th scope="col">Not before (UTC)</th>
            <th scope="col">Records</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {erasures.map((erasure) => (
            <tr key={erasure.id}>
              <td>
                <Time at={erasure.requested_at} />
              </td>
              <td className="font-mono">{erasure.id}</td>
              <td>{tenantName(erasure.tenant)}</td>
              <td>
                <StageBadge erasure={erasure} />
              </td>
              <td>
                <Time at={erasure.not_before} />
              </td>
              <td>{erasure.keys_destroyed_at ? erasure.records : "–"}</td>
              <td>
                <Actions erasure={erasure} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StageBadge({ erasure }: { erasure: Erasure }) {
  const tone = erasure.trouble ? "bad" : erasure.stage === "done" ? "good" : "chip";
  return (
    <span className="inline-flex flex-wrap items-center gap-1">
      <Badge tone={tone}>{erasure.stage}</Badge>
      {erasure.stage === "waiting" && erasure.consents.length > 0 && (
        <span>{erasure.consents.length} of 2</span>
      )}
      {erasure.trouble && <span className="text-muted">{erasure.trouble}</span>}
    </span>
  );
}

type Asked = "override" | "refused" | "cancelled";

const questions: Record<Asked, { title: string; explanation: string; action: string }> = {
  override: {
    title: "Skip the waiting time",
    explanation: "The erasure is carried out at once when two different people have consented.",
    action: "Consent",
  },
  refused: {
    title: "Refuse the erasure",
    explanation: "The person's data stays. State the legal ground.",
    action: "Refuse",
  },
  cancelled: { title: "Take the request back", explanation: "The person's data stays.", action: "Take back" },
};

function Actions({ erasure }: { erasure: Erasure }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Asked | null>(null);
  const change = useMutation({
    mutationFn: (reason: string) =>
      asked === "override"
        ? overrideErasure(erasure.id, reason)
        : decideErasure(erasure.id, asked === "refused" ? "refused" : "cancelled", reason),
    onSuccess: () => setAsked(null),
    onSettled: () => queries.invalidateQueries({ queryKey: ["erasures"] }),
  });
  const download = useMutation({
    mutationFn: async (format: "json" | "note") => {
      const text = await fetchCertificate(erasure.id, format);
      saveFile(new Blob([text]), `erasure-${erasure.id}.${format}`);
    },
  });
  const ask = (what: Asked) => {
    change.reset();
    setAsked(what);
  };
  return (
    <div className="flex flex-wrap gap-1">
      {erasure.stage === "waiting" && !erasure.overridden && (
        <Button onClick={() => ask("override")}>Skip waiting</Button>
      )}
      {undecided.includes(erasure.stage) && (
        <>
          <Button onClick={() => ask("refused")}>Refuse</Button>
          <Button onClick={() => ask("cancelled")}>Take back</Button>
        </>
      )}
      {erasure.certificate && (
        <>
          <Button onClick={() => download.mutate("json")}>Certificate</Button>
          <Button onClick={() => download.mutate("note")}>Signature</Button>
        </>
      )}
      {download.isError && <ErrorPanel error={download.error} />}
      {asked && (
        <ReasonDialog
          {...questions[asked]}
          isPending={change.isPending}
          error={change.error}
          onSubmit={(reason) => change.mutate(reason)}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}

function NewErasure() {
  const queries = useQueryClient();
  const [tenant, setTenant] = useState("");
  const [subject, setSubject] = useState("");
  const [kind, setKind] = useState("person");
  const [identity, setIdentity] = useState("");
  const [reason, setReason] = useState("");
  const request = useMutation({
    mutationFn: () =>
      requestErasure(subject.trim(), {
        tenant,
        kind,
        identity_check: identity.trim(),
        reason: reason.trim(),
      }),
    onSuccess: () => {
      setSubject("");
      setIdentity("");
      setReason("");
      queries.invalidateQueries({ queryKey: ["erasures"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    request.mutate();
  };
  return (
    <div className="border-b border-line">
      <form onSubmit={submit} className="grid items-end gap-2 p-3 sm:grid-cols-2 lg:grid-cols-3">
        <TenantField value={tenant} onChange={setTenant} />
        <Field label="Id of the person, as applications send it">
          <input
            className="field"
            required
            maxLength={512}
            autoComplete="off"
            value={subject}
            onChange={(event) => setSubject(event.target.value)}
          />
        </Field>
        <Field label="What is erased">
          <select className="field" value={kind} onChange={(event) => setKind(event.target.value)}>
            {Object.entries(kinds).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <Field label="How the identity was checked">
          <input
            className="field"
            required
            maxLength={2000}
            value={identity}
            onChange={(event) => setIdentity(event.target.value)}
          />
        </Field>
        <Field label="Reason">
          <input
            className="field"
            required
            maxLength={2000}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </Field>
        <Button type="submit" look="primary" disabled={request.isPending}>
          Request erasure
        </Button>
      </form>
      {request.isError && <ErrorPanel error={request.error} />}
    </div>
  );
}
