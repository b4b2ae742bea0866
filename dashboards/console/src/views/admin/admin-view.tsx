import { useSearchParams } from "react-router";
import { type Tab, Tabs } from "../../components/tabs";
import { EmptyState, PageTitle } from "../../components/ui";
import { useMay } from "../../session/hooks";
import { ApplicationsTab } from "./applications-tab";
import { KeysTab } from "./keys-tab";
import { UsersTab } from "./users-tab";

const tabs: readonly Tab[] = [
  { id: "users", label: "Users" },
  { id: "keys", label: "API keys" },
  { id: "applications", label: "Applications" },
];

/** Who may use the layer: people, and the applications that send to it. */
export function AdminView() {
  const isAdmin = useMay("admin");
  const [parameters, setParameters] = useSearchParams();
  const chosen = tabs.find((tab) => tab.id === parameters.get("tab"))?.id ?? "users";
  if (!isAdmin) return <EmptyState title="Administration needs the role of administrator" />;
  const choose = (tab: string) =>
    setParameters((before) => {
      const after = new URLSearchParams(before);
      after.set("tab", tab);
      return after;
    });
  return (
    <div className="space-y-3 p-4">
      <PageTitle title="Administration" note="every change is a record in the ledger" />
      <section className="rounded-md border border-line bg-panel">
        <Tabs tabs={tabs} chosen={chosen} onChoose={choose} label="Administration">
          {chosen === "users" && <UsersTab />}
          {chosen === "keys" && <KeysTab />}
          {chosen === "applications" && <ApplicationsTab />}
        </Tabs>
      </section>
    </div>
  );
}
