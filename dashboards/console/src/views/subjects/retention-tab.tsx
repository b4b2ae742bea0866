import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fetchRetention, putRetention, type RetentionClass } from "../../api/subjects";
import { ErrorPanel } from "../../components/error-panel";
import { Button, EmptyState, Field, Spinner, Time } from "../../components/ui";
import { useTenantChoice, useTenantName } from "../../session/hooks";
import { TenantField } from "../admin/parts";

const classes: Record<RetentionClass, string> = { standard: "without health data", phi: "health data" };

export function RetentionTab() {
  const [tenant] = useTenantChoice();
  const tenantName = useTenantName();
  const rules = useQuery({
    queryKey: ["retention", tenant],
    queryFn: ({ signal }) => fetchRetention({ tenant: tenant || undefined }, signal),
  });
  if (rules.isPending) return <Spinner label="Reading retention rules" />;
  if (rules.isError) return <ErrorPanel error={rules.error} onRetry={() => rules.refetch()} />;
  return (
    <>
      <NewRule minimums={rules.data.minimums} />
      {rules.data.items.length === 0 ? (
        <EmptyState title="No rule of your own">
          The minimums above hold; nothing is removed by itself.
        </EmptyState>
      ) : (
        <div className="overflow-x-auto">
          <table className="grid-table">
            <thead>
              <tr>
                <th scope="col">Tenant</th>
                <th scope="col">Application</th>
                <th scope="col">Records</th>
                <th scope="col">Kept for at least</th>
                <th scope="col">Set (UTC)</th>
              </tr>
            </thead>
            <tbody>
              {rules.data.items.map((rule) => (
                <tr key={`${rule.tenant} ${rule.application} ${rule.class}`}>
                  <td>{tenantName(rule.tenant)}</td>
                  <td>{rule.application ?? "all others"}</td>
                  <td>{classes[rule.class]}</td>
                  <td>{rule.days} days</td>
                  <td>
                    <Time at={rule.set_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function NewRule({ minimums }: { minimums: readonly { class: RetentionClass; days: number }[] }) {
  const queries = useQueryClient();
  const [tenant, setTenant] = useState("");
  const [application, setApplication] = useState("");
  const [chosen, setChosen] = useState<RetentionClass>("standard");
  const [days, setDays] = useState("");
  const least = minimums.find((minimum) => minimum.class === chosen)?.days ?? 1;
  const put = useMutation({
    mutationFn: () =>
      putRetention({
        tenant,
        class: chosen,
        days: Number(days),
        ...(application.trim() ? { application: application.trim() } : {}),
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["retention"] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    put.mutate();
  };
  return (
    <div className="border-b border-line">
      <form onSubmit={submit} className="grid items-end gap-2 p-3 sm:grid-cols-2 lg:grid-cols-5">
        <TenantField value={tenant} onChange={setTenant} />
        <Field label="Application (empty: all others)">
          <input
            className="field"
            maxLength={128}
            value={application}
            onChange={(event) => setApplication(event.target.value)}
          />
        </Field>
        <Field label="Records">
          <select
            className="field"
            value={chosen}
            onChange={(event) => setChosen(event.target.value as RetentionClass)}
          >
            {Object.entries(classes).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <Field label={`Days (at least ${least})`}>
          <input
            className="field"
            type="number"
            required
            min={least}
            max={36_525}
            value={days}
            onChange={(event) => setDays(event.target.value)}
          />
        </Field>
        <Button type="submit" look="primary" disabled={put.isPending}>
          Save rule
        </Button>
      </form>
      {put.isError && <ErrorPanel error={put.error} />}
    </div>
  );
}
