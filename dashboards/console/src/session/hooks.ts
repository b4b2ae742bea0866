import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useSearchParams } from "react-router";
import { fetchTenants } from "../api/calls";
import type { Role, Tenant, User } from "../api/types";
import { credentials, type Session } from "./credentials";

export function useSession(): Session | null {
  return useSyncExternalStore(credentials.subscribe, credentials.current);
}

/** The signed-in user; only inside views that need a session. */
export function useUser(): User {
  const session = useSession();
  if (!session) throw new Error("a view for signed-in users was shown without a session");
  return session.user;
}

export function useMay(...roles: Role[]): boolean {
  const session = useSession();
  return session !== null && roles.includes(session.user.role);
}

/** Whether the user may read more than their own records: outcomes, reports and the access log need it. */
export function useIsOfficer(): boolean {
  return useMay("admin", "compliance_officer");
}

/** Ends the session when its token does, and says how many minutes are left near the end. */
export function useExpiry(warnMinutes: number): number | null {
  const session = useSession();
  const [minutesLeft, setMinutesLeft] = useState<number | null>(null);
  useEffect(() => {
    if (!session) return;
    const endsAtMs = Date.parse(session.expires_at);
    if (Number.isNaN(endsAtMs)) return;
    const check = () => {
      const leftMs = endsAtMs - Date.now();
      if (leftMs <= 0) credentials.expire();
      const minutes = Math.ceil(leftMs / 60_000);
      setMinutesLeft(minutes <= warnMinutes ? minutes : null);
    };
    check();
    const timer = setInterval(check, 5_000);
    return () => clearInterval(timer);
  }, [session, warnMinutes]);
  return minutesLeft;
}

const noTenants: Tenant[] = [];

export function useTenants(): Tenant[] {
  const { data } = useQuery({
    queryKey: ["tenants"],
    queryFn: ({ signal }) => fetchTenants(signal),
    staleTime: 5 * 60_000,
  });
  return data?.tenants ?? noTenants;
}

/** The tenant of what concerns no single one, such as a sign-in of somebody who has them all. */
const nilId = "00000000-0000-0000-0000-000000000000";

/** A tenant's name by its id; a short form of the id until the names are here. */
export function useTenantName(): (id: string) => string {
  const tenants = useTenants();
  const names = useMemo(() => new Map(tenants.map((tenant) => [tenant.id, tenant.name])), [tenants]);
  return useCallback(
    (id: string) => names.get(id) ?? (id === nilId ? "installation" : id.slice(0, 8)),
    [names],
  );
}

/** The tenant the address asks for; empty for every tenant the user may read. */
export function useTenantChoice(): [string, (tenant: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const choose = useCallback(
    (tenant: string) =>
      setParameters((before) => {
        const after = new URLSearchParams(before);
        if (tenant) after.set("tenant", tenant);
        else after.delete("tenant");
        return after;
      }),
    [setParameters],
  );
  return [parameters.get("tenant") ?? "", choose];
}
