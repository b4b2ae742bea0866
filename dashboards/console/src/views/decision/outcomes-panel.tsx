import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { addOutcome } from "../../api/calls";
import type { LogDetail, NewOutcome } from "../../api/types";
import { Dialog } from "../../components/dialog";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, Field, Panel, Time } from "../../components/ui";
import { shortenPlaceholders } from "../../lib/placeholders";
import { useIsOfficer, useUser } from "../../session/hooks";
import { useArrival } from "./use-arrival";

/** What became of the decision: appended, never rewritten. */
export function OutcomesPanel({ log, onStored }: { log: LogDetail; onStored: () => void }) {
  const isOfficer = useIsOfficer();
  const [adding, setAdding] = useState(false);
  const [addedId, setAddedId] = useState<string | null>(null);
  const arrival = useArrival(addedId, log.tenant, onStored);
  return (
    <Panel
      title="Outcomes"
      actions={isOfficer && <Button onClick={() => setAdding(true)}>Add an outcome</Button>}
    >
      {log.outcomes.length === 0 && arrival === "none" && (
        <p className="px-3 py-2 text-muted">Nothing was reported about what became of this decision.</p>
      )}
      {arrival !== "none" && (
        <p role="status" className="px-3 py-2 text-muted">
          {arrival === "awaited"
            ? "Accepted. It shows here as soon as it is stored in the ledger."
            : "Accepted, but not stored yet: the processor is behind. Reload the page later."}
        </p>
      )}
      {log.outcomes.length > 0 && (
        <div className="overflow-x-auto">
          <table className="grid-table">
            <thead>
              <tr>
                <th scope="col">Recorded (UTC)</th>
                <th scope="col">Outcome</th>
                <th scope="col">Reviewer</th>
                <th scope="col">Note</th>
              </tr>
            </thead>
            <tbody>
              {log.outcomes.map((outcome) => (
                <tr key={outcome.event_id}>
                  <td>
                    <Time at={outcome.recorded_at} />
                  </td>
                  <td>
                    <span className="mr-2 font-medium">{outcome.outcome || "–"}</span>
                    {outcome.override && <Badge tone="warn">override</Badge>}{" "}
                    {outcome.flag && <Badge tone="bad">flag</Badge>}
                  </td>
                  <td title={outcome.reviewer ?? ""}>
                    <Reviewer name={outcome.reviewer} />
                  </td>
                  <td className="!whitespace-normal">
                    {outcome.note ? shortenPlaceholders(outcome.note) : "–"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {adding && (
        <OutcomeDialog
          eventId={log.event_id}
          onClose={() => setAdding(false)}
          onAdded={(id) => {
            setAdding(false);
            setAddedId(id);
          }}
        />
      )}
    </Panel>
  );
}

/** Reviewers are kept by id, so that a person can be erased; one's own id says "you". */
function Reviewer({ name }: { name: string | null }) {
  const user = useUser();
  if (!name) return "–";
  if (name === user.id) return `you (${user.email})`;
  return <span className="inline-block max-w-56 truncate align-bottom">{shortenPlaceholders(name)}</span>;
}

interface OutcomeDialogProps {
  eventId: string;
  onClose: () => void;
  onAdded: (outcomeId: string) => void;
}

function OutcomeDialog({ eventId, onClose, onAdded }: OutcomeDialogProps) {
  const user = useUser();
  const [outcome, setOutcome] = useState("");
  const [note, setNote] = useState("");
  const [override, setOverride] = useState(false);
  const [flag, setFlag] = useState(false);
  const add = useMutation({
    mutationFn: () => {
      const body: NewOutcome = { outcome: outcome.trim(), override, flag };
      if (note.trim()) body.note = note.trim();
      return addOutcome(eventId, body);
    },
    onSuccess: (answer) => onAdded(answer.event_id),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <Dialog title="Add an outcome" onClose={onClose}>
      <form onSubmit={submit} className="space-y-3">
        <Field label="Outcome" hint={`Recorded as reviewed by you, ${user.email}.`}>
          <input
            className="field"
            required
            maxLength={200}
            list="outcome-words"
            value={outcome}
            onChange={(event) => setOutcome(event.target.value)}
          />
          <datalist id="outcome-words">
            {["approved", "declined", "referred", "corrected", "confirmed", "incident"].map((word) => (
              <option key={word} value={word} />
            ))}
          </datalist>
        </Field>
        <label className="flex items-center gap-2">
          <input type="checkbox" checked={override} onChange={(event) => setOverride(event.target.checked)} />
          A person decided otherwise than the model
        </label>
        <label className="flex items-center gap-2">
          <input type="checkbox" checked={flag} onChange={(event) => setFlag(event.target.checked)} />
          Flag this decision for review
        </label>
        <Field label="Note">
          <textarea
            className="field"
            rows={3}
            maxLength={2000}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        </Field>
        {add.isError && <ErrorPanel error={add.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={add.isPending || outcome.trim() === ""}>
            {add.isPending ? "Recording…" : "Record"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
