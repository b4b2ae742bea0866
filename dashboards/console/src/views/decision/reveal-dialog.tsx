import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fetchLog } from "../../api/calls";
import { Dialog } from "../../components/dialog";
import { ErrorPanel } from "../../components/error-panel";
import { Button, Field } from "../../components/ui";

const shortestReason = 10;

interface RevealDialogProps {
  eventId: string;
  onClose: () => void;
  onRevealed: (values: Record<string, string | null>) => void;
}

export function RevealDialog({ eventId, onClose, onRevealed }: RevealDialogProps) {
  const [reason, setReason] = useState("");
  const reveal = useMutation({
    mutationFn: () => fetchLog(eventId, undefined, reason.trim()),
    onSuccess: (log) => onRevealed(log.revealed ?? {}),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reveal.mutate();
  };
  return (
    <Dialog title="Reveal removed values" onClose={onClose}>
      <form onSubmit={submit} className="space-y-3">
        <p>The read is recorded in the ledger with your name and this reason before any value is shown.</p>
        <Field label="Reason" hint={`At least ${shortestReason} characters, for example the case number.`}>
          <textarea
            className="field"
            rows={3}
            required
            minLength={shortestReason}
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </Field>
        {reveal.isError && <ErrorPanel error={reveal.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            look="primary"
            disabled={reveal.isPending || reason.trim().length < shortestReason}
          >
            {reveal.isPending ? "Recording…" : "Record and reveal"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
