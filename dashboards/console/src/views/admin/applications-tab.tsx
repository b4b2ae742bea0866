import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fetchApplications, putApplication } from "../../api/admin";
import type { Application, ContentMode } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, EmptyState, Field, Spinner } from "../../components/ui";
import { useTenantName } from "../../session/hooks";
import { TenantField } from "./parts";

const modes: Record<ContentMode, string> = {
  redacted: "redacted text, removed values sealed",
  sealed: "whole text sealed",
  digest: "a digest only",
};

export function ApplicationsTab() {
  const applications = useQuery({
    queryKey: ["applications"],
    queryFn: ({ signal }) => fetchApplications(signal),
  });
  return (
    <>
      <NewApplication />
      {applications.isPending && <Spinner label="Reading applications" />}
      {applications.isError && (
        <ErrorPanel error={applications.error} onRetry={() => applications.refetch()} />
      )}
      {applications.data?.applications.length === 0 && (
        <EmptyState title="No application has a policy of its own">
          The default is redacted text with the removed values sealed.
        </EmptyState>
      )}
      {applications.data && applications.data.applications.length > 0 && (
        <ApplicationTable applications={applications.data.applications} />
      )}
    </>
  );
}

function ApplicationTable({ applications }: { applications: readonly Application[] }) {
  const tenantName = useTenantName();
  return (
    <div className="overflow-x-auto">
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">Application</th>
            <th scope="col">Tenant</th>
            <th scope="col">Stored of its texts</th>
            <th scope="col">Health data</th>
          </tr>
        </thead>
        <tbody>
          {applications.map((application) => (
            <tr key={`${application.tenant} ${application.name}`}>
              <td>{application.name}</td>
              <td>{tenantName(application.tenant)}</td>
              <td>{modes[application.content_mode] ?? application.content_mode}</td>
              <td>{application.phi ? <Badge tone="chip">PHI</Badge> : "no"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NewApplication() {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [tenant, setTenant] = useState("");
  const [mode, setMode] = useState<ContentMode>("redacted");
  const [phi, setPhi] = useState(false);
  const put = useMutation({
    mutationFn: () => putApplication({ name: name.trim(), tenant, phi, content_mode: mode }),
    onSuccess: () => {
      setName("");
      queries.invalidateQueries({ queryKey: ["applications"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    put.mutate();
  };
  return (
    <div className="border-b border-line">
      <form
        onSubmit={submit}
        className="grid items-end gap-2 p-3 sm:grid-cols-2 lg:grid-cols-[14rem_14rem_20rem_auto_auto_1fr]"
      >
        <TenantField value={tenant} onChange={setTenant} />
        <Field label="Application">
          <input className="field" required value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label="Stored of its texts">
          <select
            className="field"
            value={mode}
            onChange={(event) => setMode(event.target.value as ContentMode)}
          >
            {Object.entries(modes).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <label className="flex h-[1.875rem] items-center gap-2">
          <input type="checkbox" checked={phi} onChange={(event) => setPhi(event.target.checked)} />
          Health data
        </label>
        <Button type="submit" look="primary" disabled={put.isPending}>
          Save application
        </Button>
      </form>
      {put.isError && <ErrorPanel error={put.error} />}
    </div>
  );
}
