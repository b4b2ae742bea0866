import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { createApiKey, fetchApiKeys, revokeApiKey } from "../../api/admin";
import type { ApiKey } from "../../api/types";
import { Dialog } from "../../components/dialog";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, EmptyState, Field, Spinner, Time } from "../../components/ui";
import { useTenantName } from "../../session/hooks";
import { ShownOnce, TenantField } from "./parts";

export function KeysTab() {
  const keys = useQuery({ queryKey: ["api-keys"], queryFn: ({ signal }) => fetchApiKeys(signal) });
  return (
    <>
      <NewKey />
      {keys.isPending && <Spinner label="Reading API keys" />}
      {keys.isError && <ErrorPanel error={keys.error} onRetry={() => keys.refetch()} />}
      {keys.data?.api_keys.length === 0 && (
        <EmptyState title="No application may send events yet">
          Make a key for it with the form above.
        </EmptyState>
      )}
      {keys.data && keys.data.api_keys.length > 0 && <KeyTable keys={keys.data.api_keys} />}
    </>
  );
}

function KeyTable({ keys }: { keys: readonly ApiKey[] }) {
  const tenantName = useTenantName();
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  return (
    <div className="overflow-x-auto">
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">Application</th>
            <th scope="col">Name</th>
            <th scope="col">Tenant</th>
            <th scope="col">Key id</th>
            <th scope="col">Since (UTC)</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td>{key.application}</td>
              <td>{key.name}</td>
              <td>{tenantName(key.tenant)}</td>
              <td className="font-mono text-xs">{key.id}</td>
              <td>
                <Time at={key.created_at} precision="minute" />
              </td>
              <td>
                {key.revoked_at ? (
                  <Badge tone="bad">
                    revoked <Time at={key.revoked_at} precision="minute" />
                  </Badge>
                ) : (
                  <Badge tone="good">valid</Badge>
                )}
              </td>
              <td className="num">
                {!key.revoked_at && (
                  <Button className="!h-6" onClick={() => setRevoking(key)}>
                    Revoke
                    <span className="sr-only">
                      {" "}
                      {key.name} of {key.application}
                    </span>
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {revoking && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} />}
    </div>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeApiKey(apiKey.id),
    onSuccess: () => {
      queries.invalidateQueries({ queryKey: ["api-keys"] });
      onClose();
    },
  });
  return (
    <Dialog title="Revoke the API key" onClose={onClose}>
      <p>
        Calls of <span className="font-semibold">{apiKey.application}</span> with the key “{apiKey.name}” will
        be refused from now on. This cannot be undone; make the new key first, so that no event is lost.
      </p>
      {revoke.isError && <ErrorPanel error={revoke.error} />}
      <div className="mt-3 flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
          Revoke
        </Button>
      </div>
    </Dialog>
  );
}

function NewKey() {
  const queries = useQueryClient();
  const [application, setApplication] = useState("");
  const [name, setName] = useState("");
  const [tenant, setTenant] = useState("");
  const create = useMutation({
    mutationFn: () => createApiKey({ application: application.trim(), name: name.trim(), tenant }),
    onSuccess: () => {
      setName("");
      queries.invalidateQueries({ queryKey: ["api-keys"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <div className="border-b border-line">
      <form
        onSubmit={submit}
        className="grid items-end gap-2 p-3 sm:grid-cols-2 lg:grid-cols-[14rem_14rem_14rem_auto_1fr]"
      >
        <TenantField value={tenant} onChange={setTenant} />
        <Field label="Application">
          <input
            className="field"
            required
            value={application}
            onChange={(event) => setApplication(event.target.value)}
          />
        </Field>
        <Field label="Name of the key">
          <input
            className="field"
            required
            placeholder="for example 2026-11"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <Button type="submit" look="primary" disabled={create.isPending}>
          Make key
        </Button>
      </form>
      {create.isError && <ErrorPanel error={create.error} />}
      {create.data?.key && (
        <ShownOnce what={`API key of ${create.data.application}`} secret={create.data.key} />
      )}
    </div>
  );
}
