import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { createUser, fetchUsers, updateUser } from "../../api/admin";
import type { Account, Role } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, Field, Spinner, Time } from "../../components/ui";
import { roleLabels } from "../../lib/roles";
import { useTenantName, useUser } from "../../session/hooks";
import { ShownOnce, TenantField } from "./parts";

const roles: readonly Role[] = ["admin", "compliance_officer", "viewer"];

export function UsersTab() {
  const users = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => fetchUsers(signal) });
  return (
    <>
      <NewUser />
      {users.isPending && <Spinner label="Reading users" />}
      {users.isError && <ErrorPanel error={users.error} onRetry={() => users.refetch()} />}
      {users.data && <UserTable users={users.data.users} />}
    </>
  );
}

function UserTable({ users }: { users: readonly Account[] }) {
  const me = useUser();
  const tenantName = useTenantName();
  const queries = useQueryClient();
  const update = useMutation({
    mutationFn: ({ id, ...change }: { id: string; role?: Role; disabled?: boolean }) =>
      updateUser(id, change),
    onSettled: () => queries.invalidateQueries({ queryKey: ["users"] }),
  });
  return (
    <div className="overflow-x-auto">
      {update.isError && <ErrorPanel error={update.error} />}
      <table className="grid-table">
        <thead>
          <tr>
            <th scope="col">E-mail</th>
            <th scope="col">Role</th>
            <th scope="col">Tenant</th>
            <th scope="col">Since (UTC)</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.id}>
              <td>{user.email}</td>
              <td>
                <select
                  className="field !h-6 !w-44"
                  aria-label={`Role of ${user.email}`}
                  value={user.role}
                  disabled={user.id === me.id || update.isPending}
                  onChange={(event) => update.mutate({ id: user.id, role: event.target.value as Role })}
                >
                  {roles.map((role) => (
                    <option key={role} value={role}>
                      {roleLabels[role]}
                    </option>
                  ))}
                </select>
              </td>
              <td>{user.tenant === "*" ? "Every tenant" : tenantName(user.tenant)}</td>
              <td>
                <Time at={user.created_at} precision="minute" />
              </td>
              <td>
                {user.disabled ? <Badge tone="bad">disabled</Badge> : <Badge tone="good">enabled</Badge>}
              </td>
              <td className="num">
                {user.id === me.id ? (
                  <span className="text-muted">you</span>
                ) : (
                  <Button
                    className="!h-6"
                    disabled={update.isPending}
                    onClick={() => update.mutate({ id: user.id, disabled: !user.disabled })}
                  >
                    {user.disabled ? "Enable" : "Disable"}
                    <span className="sr-only"> {user.email}</span>
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NewUser() {
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [tenant, setTenant] = useState("");
  const create = useMutation({
    mutationFn: () => createUser({ email: email.trim(), role, tenant }),
    onSuccess: () => {
      setEmail("");
      queries.invalidateQueries({ queryKey: ["users"] });
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
        className="grid items-end gap-2 p-3 sm:grid-cols-2 lg:grid-cols-[18rem_12rem_14rem_auto_1fr]"
      >
        <Field label="E-mail">
          <input
            className="field"
            type="email"
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        </Field>
        <Field label="Role">
          <select className="field" value={role} onChange={(event) => setRole(event.target.value as Role)}>
            {roles.map((name) => (
              <option key={name} value={name}>
                {roleLabels[name]}
              </option>
            ))}
          </select>
        </Field>
        <TenantField value={tenant} onChange={setTenant} withAll />
        <Button type="submit" look="primary" disabled={create.isPending}>
          Add user
        </Button>
      </form>
      {create.isError && <ErrorPanel error={create.error} />}
      {create.data?.password && (
        <ShownOnce what={`First password of ${create.data.email}`} secret={create.data.password} />
      )}
    </div>
  );
}
