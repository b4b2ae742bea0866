import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fetchApplications, putApplication } from "../../api/admin";
import type { Application, ContentMode } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, EmptyState, Field, Spinner, Time } from "../../components/ui";
import { useTenantName } from "../../session/hooks";
import { TenantField } from "./parts";

/** Without a choice, health information decides. */
const byDefault = "sealed for health data, else redacted";

const modes: Record<ContentMode, string> = {
  redacted: "redacted text, removed values sealed",
  sealed: "whole text sealed",
  digest: "a digest only",
};

export function ApplicationsTab() {
  const [edited, setEdited] = useState<Application | null>(null);
  const applications = useQuery({
    queryKey: ["applications"],
    queryFn: ({ signal }) => fetchApplications(signal),
  });
  return (
    <>
      <ApplicationForm key={edited ? `${edited.tenant} ${edited.name}` : ""} edited={edited} />
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
        <ApplicationTable applications={applications.data.applications} onEdit={setEdited} />
      )}
    </>
  );
}

/** The policy object on one line; nothing when it says nothing. */
function policyText(application: Application): string {
  const policy = application.policy ?? {};
  return Object.keys(policy).length > 0 ? JSON.stringify(policy) : "";
}

interface TableProps {
  applications: readonly Application[];
  onEdit: (application: Application) => void;
}

function ApplicationTable({ applications, onEdit }: TableProps) {
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
            <th scope="col">Policy</th>
            <th scope="col">
              <span className="sr-only">Change</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {applications.map((application) => (
            <tr key={`${application.tenant} ${application.name}`}>
              <td>{application.name}</td>
              <td>{tenantName(application.tenant)}</td>
              <td>{application.content_mode ? modes[application.content_mode] : byDefault}</td>
              <td>{application.phi ? <Badge tone="chip">PHI</Badge> : "no"}</td>
              <td className="max-w-96 truncate font-mono text-xs" title={policyText(application)}>
                {policyText(application) || <span className="text-muted">–</span>}
              </td>
              <td>
                <Button onClick={() => onEdit(application)}>Change</Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A new application, or the one that is changed. The service checks the policy and names what it does not know. */
function ApplicationForm({ edited }: { edited: Application | null }) {
  const queries = useQueryClient();
  const [name, setName] = useState(edited?.name ?? "");
  const [tenant, setTenant] = useState(edited?.tenant ?? "");
  const [mode, setMode] = useState<ContentMode | "">(edited?.content_mode ?? "");
  const [phi, setPhi] = useState(edited?.phi ?? false);
  const [policy, setPolicy] = useState(edited ? policyText(edited) : "");
  const put = useMutation({
    mutationFn: async () => {
      const written: unknown = policy.trim() === "" ? {} : JSON.parse(policy);
      return putApplication({ name: name.trim(), tenant, phi, content_mode: mode || null, policy: written });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["applications"] }),
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
            onChange={(event) => setMode(event.target.value as ContentMode | "")}
          >
            <option value="">{byDefault}</option>
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
        <div className="sm:col-span-2 lg:col-span-6">
          <Field
            label="Policy"
            hint={
              'JSON: capture, fields, entities, reveal, break_glass; for the application "*" of a tenant also rules, deny and allow.'
            }
          >
            <textarea
              className="field font-mono text-xs"
              rows={2}
              spellCheck={false}
              value={policy}
              onChange={(event) => setPolicy(event.target.value)}
            />
          </Field>
        </div>
      </form>
      {put.data && (
        <p role="status" className="px-3 pb-2 text-muted">
          {put.data.effective_from ? (
            <>
              The policy holds from <Time at={put.data.effective_from} precision="full" /> UTC on.
            </>
          ) : (
            "Saved; the policy is the one it was."
          )}
        </p>
      )}
      {put.isError && <ErrorPanel error={put.error} />}
    </div>
  );
}
