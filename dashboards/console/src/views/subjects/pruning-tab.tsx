import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  approvePrune,
  cancelPrune,
  fetchPrunes,
  type Prune,
  planPrune,
  requestPrune,
} from "../../api/subjects";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, EmptyState, Field, Spinner, Time } from "../../components/ui";
import { formatCount } from "../../lib/number";
import { useTenantChoice, useTenantName, useUser } from "../../session/hooks";
import { TenantField } from "../admin/parts";
import { ReasonDialog } from "./reason-dialog";

const refreshMs = 5_000;

export function PruningTab() {
  const [tenant] = useTenantChoice();
  const prunes = useQuery({
    queryKey: ["prunes", tenant],
    queryFn: ({ signal }) => fetchPrunes({ tenant: tenant || undefined }, signal),
    refetchInterval: refreshMs,
  });
  return (
    <>
      <NewPrune />
      {prunes.isPending && <Spinner label="Reading prunes" />}
      {prunes.isError && <ErrorPanel error={prunes.error} onRetry={() => prunes.refetch()} />}
      {prunes.data?.items.length === 0 && (
        <EmptyState title="Nothing was pruned">
          Records past their retention stay until two people agree to prune them. Their leaves stay for ever.
        </EmptyState>
      )}
      {prunes.data && prunes.data.items.length > 0 && <PruneTable prunes={prunes.data.items} />}
    </>
  );
}

function PruneTable({ prunes }: { prunes: readonly Prune[] }) {
  const queries = useQueryClient();
  const tenantName = useTenantName();
  const user = useUser();
  const [chosen, setChosen] = useState<{ prune: Prune; action: "approve" | "cancel" } | null>(null);
  const change = useMutation({
    mutationFn: (reason: string) => {
      if (!chosen) throw new Error("no prune was chosen");
      return (chosen.action === "approve" ? approvePrune : cancelPrune)(chosen.prune.id, reason);
    },
    onSuccess: () => setChosen(null),
    onSettled: () => queries.invalidateQueries({ queryKey: ["prunes"] }),
  });
  return (
    <div className="overflow-x-auto">
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">Requested (UTC)</th>
            <th scope="col">Prune</th>
            <th scope="col">Tenant</th>
            <th scope="col">Records</th>
            <th scope="col">Stage</th>
            <th scope="col">Reason</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {prunes.map((prune) => (
            <tr key={prune.id}>
              <td>
                <Time at={prune.requested_at} />
              </td>
              <td className="font-mono">{prune.id}</td>
              <td>{tenantName(prune.tenant)}</td>
              <td>
                <Counts prune={prune} />
              </td>
              <td className="max-w-64 whitespace-normal">
                <Badge tone={prune.open ? "chip" : "good"}>{prune.stage}</Badge>
                {prune.trouble && <p className="text-bad">{prune.trouble}</p>}
              </td>
              <td className="max-w-64 whitespace-normal">{prune.reason}</td>
              <td>
                {prune.stage === "planned" && (
                  <span className="inline-flex gap-2">
                    {prune.requested_by === user.id ? (
                      <span className="text-muted">a second person must agree</span>
                    ) : (
                      <Button onClick={() => setChosen({ prune, action: "approve" })}>Agree</Button>
                    )}
                    <Button onClick={() => setChosen({ prune, action: "cancel" })}>Take back</Button>
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {chosen && (
        <ReasonDialog
          title={chosen.action === "approve" ? "Agree to the prune" : "Take the prune back"}
          explanation={
            chosen.action === "approve"
              ? `${formatCount(chosen.prune.records)} records lose everything but their leaf. This cannot be undone.`
              : "Nothing was removed yet."
          }
          action={chosen.action === "approve" ? "Agree and prune" : "Take back"}
          isPending={change.isPending}
          error={change.error}
          onSubmit={(reason) => change.mutate(reason)}
          onClose={() => setChosen(null)}
        />
      )}
    </div>
  );
}

function Counts({ prune }: { prune: Prune }) {
  return (
    <>
      {formatCount(prune.records)}
      {prune.youngest && (
        <span className="text-muted">
          {" "}
          up to <Time at={prune.youngest} />
        </span>
      )}
      {prune.held > 0 && <span className="text-muted"> ({formatCount(prune.held)} held)</span>}
    </>
  );
}

function NewPrune() {
  const queries = useQueryClient();
  const tenantName = useTenantName();
  const [tenant, setTenant] = useState("");
  const [reason, setReason] = useState("");
  const plan = useMutation({ mutationFn: () => planPrune(tenant) });
  const ask = useMutation({
    mutationFn: () => requestPrune(tenant, reason.trim()),
    onSuccess: () => {
      setReason("");
      plan.reset();
      queries.invalidateQueries({ queryKey: ["prunes"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  const choose = (chosen: string) => {
    setTenant(chosen);
    plan.reset();
    ask.reset();
  };
  const error = ask.error ?? plan.error;
  return (
    <div className="border-b border-line">
      <form onSubmit={submit} className="grid items-end gap-2 p-3 sm:grid-cols-2 lg:grid-cols-4">
        <TenantField value={tenant} onChange={choose} />
        <Button type="button" disabled={!tenant || plan.isPending} onClick={() => plan.mutate()}>
          What would go?
        </Button>
        <Field label="Reason">
          <input
            className="field"
            required
            maxLength={2000}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </Field>
        <Button type="submit" look="primary" disabled={ask.isPending}>
          Ask for the prune
        </Button>
      </form>
      {plan.data && <PlanSummary plan={plan.data} tenant={tenantName(plan.data.tenant)} />}
      {error && <ErrorPanel error={error} />}
    </div>
  );
}

function PlanSummary({ plan, tenant }: { plan: Prune; tenant: string }) {
  if (plan.records === 0) {
    return (
      <p className="px-3 pb-3">
        {tenant}: no record is past its retention
        {plan.held > 0 && ` and free of legal holds (${formatCount(plan.held)} are held)`}.
      </p>
    );
  }
  return (
    <div className="px-3 pb-3">
      <p>
        {tenant}: {formatCount(plan.records)} records would go
        {plan.held > 0 && `, ${formatCount(plan.held)} stay by a legal hold`}
        {plan.more && ", and more with a further prune"}.
      </p>
      <ul className="list-disc pl-5">
        {plan.shares.map((share) => (
          <li key={`${share.application} ${share.class}`}>
            {share.application || "no application"}
            {share.class === "phi" && ", health data"}: {formatCount(share.records)} from before{" "}
            <Time at={share.before} />
          </li>
        ))}
      </ul>
    </div>
  );
}
