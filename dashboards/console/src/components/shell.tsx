import { useIsFetching } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Navigate, NavLink, Outlet, useLocation } from "react-router";
import type { Role } from "../api/types";
import { roleLabels } from "../lib/roles";
import { credentials } from "../session/credentials";
import { useExpiry, useSession, useTenantChoice, useTenants } from "../session/hooks";
import { PasswordDialog } from "./password-dialog";
import { Button } from "./ui";

const officers: readonly Role[] = ["admin", "compliance_officer"];

interface Section {
  to: string;
  label: string;
  /** Pages that belong to it though their address is elsewhere. */
  alsoUnder?: string;
  /** Who may see it; everybody when absent. */
  roles?: readonly Role[];
}

const sections: readonly Section[] = [
  { to: "/feed", label: "Live feed" },
  { to: "/explorer", label: "Explorer", alsoUnder: "/decisions/" },
  { to: "/sessions", label: "Sessions" },
  { to: "/metrics", label: "Metrics" },
  { to: "/reports", label: "Reports", roles: officers },
  { to: "/ledger", label: "Ledger" },
  { to: "/subjects", label: "Subjects", roles: officers },
  { to: "/access", label: "Access log", roles: officers },
  { to: "/admin", label: "Administration", roles: ["admin"] },
];

const warnMinutes = 5;

/** The frame of every view for signed-in users; without a session it leads to the sign-in and back. */
export function Shell() {
  const session = useSession();
  const location = useLocation();
  const minutesLeft = useExpiry(warnMinutes);
  const main = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view begins at its top
  useEffect(() => {
    // Some browsers answer with a promise, which is no clean-up.
    main.current?.scrollTo(0, 0);
  }, [location.pathname]);
  if (!session) {
    const here = location.pathname + location.search;
    const query = new URLSearchParams({ next: here });
    return <Navigate to={`/sign-in?${query}`} replace />;
  }
  return (
    <div className="flex h-full flex-col">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-20 focus:bg-panel focus:p-2"
      >
        Skip to content
      </a>
      <Header role={session.user.role} />
      {minutesLeft !== null && (
        <p role="status" className="bg-warn-soft px-4 py-1 text-center text-warn">
          Your session ends in {minutesLeft} {minutesLeft === 1 ? "minute" : "minutes"}; you come back to this
          page after signing in again.
        </p>
      )}
      <main ref={main} id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
        <Outlet />
      </main>
    </div>
  );
}

function Header({ role }: { role: Role }) {
  const { pathname } = useLocation();
  const [tenant] = useTenantChoice();
  const fetching = useIsFetching() > 0;
  const suffix = tenant ? `?tenant=${encodeURIComponent(tenant)}` : "";
  const visible = sections.filter((section) => !section.roles || section.roles.includes(role));
  return (
    <header className="relative flex min-h-11 shrink-0 flex-wrap items-center gap-x-5 gap-y-1 border-b border-line bg-panel px-4">
      <div className="flex items-center gap-2 font-semibold">
        <img src="/favicon.svg" alt="" className="size-5" />
        AI Audit Layer
      </div>
      <nav aria-label="Sections" className="flex min-h-11 self-stretch overflow-x-auto">
        {visible.map((section) => (
          <NavLink
            key={section.to}
            to={section.to + suffix}
            className={({ isActive }) =>
              `flex items-center border-b-2 px-2.5 whitespace-nowrap ${
                isActive || (section.alsoUnder && pathname.startsWith(section.alsoUnder))
                  ? "border-accent font-semibold text-ink"
                  : "border-transparent text-muted hover:text-ink"
              }`
            }
          >
            {section.label}
          </NavLink>
        ))}
      </nav>
      <div className="ml-auto flex items-center gap-3">
        <TenantPicker />
        <UserMenu roleLabel={roleLabels[role]} />
      </div>
      {fetching && (
        <div aria-hidden="true" className="absolute inset-x-0 bottom-[-1px] h-0.5 animate-pulse bg-accent" />
      )}
    </header>
  );
}

function TenantPicker() {
  const tenants = useTenants();
  const [tenant, choose] = useTenantChoice();
  if (tenants.length === 0) return null;
  if (tenants.length === 1 && !tenant) return <span className="text-muted">{tenants[0]?.name}</span>;
  const known = tenant === "" || tenants.some((entry) => entry.id === tenant);
  return (
    <label className="flex items-center gap-2">
      <span className="text-xs text-muted">Tenant</span>
      <select className="field w-44" value={tenant} onChange={(event) => choose(event.target.value)}>
        <option value="">All tenants</option>
        {!known && <option value={tenant}>{tenant}</option>}
        {tenants.map((entry) => (
          <option key={entry.id} value={entry.id}>
            {entry.name}
          </option>
        ))}
      </select>
    </label>
  );
}

function UserMenu({ roleLabel }: { roleLabel: string }) {
  const session = useSession();
  const [changing, setChanging] = useState(false);
  if (!session) return null;
  return (
    <>
      <span className="hidden text-right leading-tight lg:block">
        <span className="block">{session.user.email}</span>
        <span className="block text-xs text-muted">{roleLabel}</span>
      </span>
      <Button look="quiet" onClick={() => setChanging(true)}>
        Password
      </Button>
      <Button look="quiet" onClick={() => credentials.signOut()}>
        Sign out
      </Button>
      {changing && <PasswordDialog onClose={() => setChanging(false)} />}
    </>
  );
}
