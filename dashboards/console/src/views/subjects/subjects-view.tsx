import { useSearchParams } from "react-router";
import { type Tab, Tabs } from "../../components/tabs";
import { EmptyState, PageTitle } from "../../components/ui";
import { useIsOfficer } from "../../session/hooks";
import { ErasuresTab } from "./erasures-tab";
import { ExportTab } from "./export-tab";
import { HoldsTab } from "./holds-tab";
import { PruningTab } from "./pruning-tab";
import { RetentionTab } from "./retention-tab";

const tabs: readonly Tab[] = [
  { id: "erasures", label: "Erasure" },
  { id: "export", label: "Export" },
  { id: "holds", label: "Legal holds" },
  { id: "retention", label: "Retention" },
  { id: "pruning", label: "Pruning" },
];

/** People's rights: their data exported or erased, and what stands against it. */
export function SubjectsView() {
  const isOfficer = useIsOfficer();
  const [parameters, setParameters] = useSearchParams();
  const chosen = tabs.find((tab) => tab.id === parameters.get("tab"))?.id ?? "erasures";
  if (!isOfficer) return <EmptyState title="This needs the role of administrator or compliance officer" />;
  const choose = (tab: string) =>
    setParameters((before) => {
      const after = new URLSearchParams(before);
      after.set("tab", tab);
      return after;
    });
  return (
    <div className="space-y-3 p-4">
      <PageTitle title="Subjects" note="every step is a record in the ledger" />
      <section className="rounded-md border border-line bg-panel">
        <Tabs tabs={tabs} chosen={chosen} onChoose={choose} label="Subjects">
          {chosen === "erasures" && <ErasuresTab />}
          {chosen === "export" && <ExportTab />}
          {chosen === "holds" && <HoldsTab />}
          {chosen === "retention" && <RetentionTab />}
          {chosen === "pruning" && <PruningTab />}
        </Tabs>
      </section>
    </div>
  );
}
