import { type FormEvent, useState } from "react";
import { Button, Field, PageTitle } from "../../components/ui";

/** Purposes that the service accepts, with what they mean. */
export const purposes: Record<string, string> = {
  treatment: "Treatment",
  payment: "Payment",
  operations: "Health care operations",
  patient_request: "Request of the patient",
  legal: "Legal duty",
  audit: "Audit",
  public_health: "Public health",
  emergency: "Emergency",
};

/** Health information is shown once it is said what for. */
export function PurposeGate({ onStated }: { onStated: (purpose: string) => void }) {
  const [purpose, setPurpose] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onStated(purpose);
  };
  return (
    <div className="mx-auto max-w-xl space-y-3 p-4">
      <PageTitle title="Health information" note="this record is protected" />
      <form onSubmit={submit} className="space-y-3 rounded-md border border-line bg-panel p-4">
        <p>
          Say what this record is read for. The purpose is recorded in the ledger with your name, before
          anything is shown.
        </p>
        <Field label="Purpose of use">
          <select
            className="field"
            required
            value={purpose}
            onChange={(event) => setPurpose(event.target.value)}
          >
            <option value="">Choose a purpose</option>
            {Object.entries(purposes).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <Button type="submit" look="primary" disabled={purpose === ""}>
          Record and read
        </Button>
      </form>
    </div>
  );
}
