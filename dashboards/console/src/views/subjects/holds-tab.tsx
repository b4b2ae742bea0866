import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fetchHolds, type LegalHold, placeHold, releaseHold } from "../../api/subjects";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, EmptyState, Field, Spinner, Time } from "../../components/ui";
import { useMay, useTenantChoice, useTenantName } from "../../session/hooks";
import { TenantField } from "../admin/parts";
import { ReasonDialog } from "./reason-dialog";

export function HoldsTab() {
  const [tenant] = useTenantChoice();
  const mayPlace = useMay("compliance_officer");
  const holds = useQuery({
    queryKey: ["legal-holds", tenant],
    queryFn: ({ signal }) => fetchHolds({ tenant: tenant || undefined, released: "true" }, signal),
  });
  return (
    <>
      {mayPlace ? (
        <NewHold />
      ) : (
        <p className="p-3 text-muted">Legal holds are placed and released by compliance officers.</p>
      )}
      {holds.isPending && <Spinner label="Reading legal holds" />}
      {holds.isError && <ErrorPanel error={holds.error} onRetry={() => holds.refetch()} />}
      {holds.data?.items.length === 0 && (
        <EmptyState title="No legal hold">A hold blocks erasure while it stands.</EmptyState>
      )}
      {holds.data && holds.data.items.length > 0 && (
        <HoldTable holds={holds.data.items} mayRelease={mayPlace} />
      )}
    </>
  );
}

function HoldTable({ holds, mayRelease }: { holds: readonly LegalHold[]; mayRelease: boolean }) {
  const queries = useQueryClient();
  const tenantName = useTenantName();
  const [chosen, setChosen] = useState<string | null>(null);
  const release = useMutation({
    mutationFn: (reason: string) => releaseHold(chosen ?? "", reason),
    onSuccess: () => setChosen(null),
    onSettled: () => queries.invalidateQueries({ queryKey: ["legal-holds"] }),
  });
  return (
    <div className="overflow-x-auto">
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">Placed (UTC)</th>
            <th scope="col">Tenant</th>
            <th scope="col">Covers</th>
            <th scope="col">Reason</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {holds.map((hold) => (
            <tr key={hold.id}>
              <td>
                <Time at={hold.placed_at} />
              </td>
              <td>{tenantName(hold.tenant)}</td>
              <td>
                {hold.scope === "person" ? "one person" : hold.scope === "tenant" ? "everything" : ""}
                {hold.application && <span> {hold.application}</span>}
              </td>
              <td>{hold.reason}</td>
              <td>
                {hold.released_at ? (
                  <span>
                    released <Time at={hold.released_at} />: {hold.release_reason}
                  </span>
                ) : (
                  <span className="inline-flex items-center gap-2">
                    <Badge tone="chip">stands</Badge>
                    {mayRelease && <Button onClick={() => setChosen(hold.id)}>Release</Button>}
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {chosen && (
        <ReasonDialog
          title="Release the hold"
          explanation="Erasures that it blocked go on at once."
          action="Release"
          isPending={release.isPending}
          error={release.error}
          onSubmit={(reason) => release.mutate(reason)}
          onClose={() => setChosen(null)}
        />
      )}
    </div>
  );
}

function NewHold() {
  const queries = useQueryClient();
  const [tenant, setTenant] = useState("");
  const [subject, setSubject] = useState("");
  const [application, setApplication] = useState("");
  const [reason, setReason] = useState("");
  const place = useMutation({
    mutationFn: () =>
      placeHold({
        tenant,
        reason: reason.trim(),
        ...(subject.trim() ? { subject: subject.trim() } : {}),
        ...(application.trim() ? { application: application.trim() } : {}),
      }),
    onSuccess: () => {
      setSubject("");
      setReason("");
      queries.invalidateQueries({ queryKey: ["legal-holds"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    place.mutate();
  };
  return (
    <div className="border-b border-line">
      <form onSubmit={submit} className="grid items-end gap-2 p-3 sm:grid-cols-2 lg:grid-cols-5">
        <TenantField value={tenant} onChange={setTenant} />
        <Field label="Person (empty: everybody)">
          <input
            className="field"
            maxLength={512}
            autoComplete="off"
            value={subject}
            onChange={(event) => setSubject(event.target.value)}
          />
        </Field>
        <Field label="Application (empty: all)">
          <input
            className="field"
            maxLength={128}
            value={application}
            onChange={(event) => setApplication(event.target.value)}
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
        <Button type="submit" look="primary" disabled={place.isPending}>
          Place hold
        </Button>
      </form>
      {place.isError && <ErrorPanel error={place.error} />}
    </div>
  );
}
