import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { breakGlass, fetchLog } from "../../api/calls";
import { ApiError } from "../../api/problem";
import type { LogDetail } from "../../api/types";
import { Dialog } from "../../components/dialog";
import { ErrorPanel } from "../../components/error-panel";
import { Button, Field } from "../../components/ui";

const shortestReason = 10;

interface RevealDialogProps {
  eventId: string;
  purpose: string | undefined;
  onClose: () => void;
  onRevealed: (answer: LogDetail) => void;
}

export function RevealDialog({ eventId, purpose, onClose, onRevealed }: RevealDialogProps) {
  const [reason, setReason] = useState("");
  const reveal = useMutation({
    mutationFn: () => fetchLog(eventId, { purpose, reveal: reason.trim() }),
    onSuccess: onRevealed,
  });
  const emergency = useMutation({
    mutationFn: () => breakGlass(eventId, reason.trim(), "emergency"),
    onSuccess: onRevealed,
  });
  const isShort = reason.trim().length < shortestReason;
  const isForbidden = reveal.error instanceof ApiError && reveal.error.status === 403;
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
        {(isForbidden || purpose !== undefined) && (
          <div className="space-y-2 rounded-md bg-warn-soft px-3 py-2 text-warn">
            <p>
              In an emergency everything but credentials is shown at once, whatever the policy says of
              ordinary days. It stands on a list until somebody else has signed it off.
            </p>
            {emergency.isError && <ErrorPanel error={emergency.error} />}
            <Button disabled={emergency.isPending || isShort} onClick={() => emergency.mutate()}>
              {emergency.isPending ? "Recording…" : "Break the glass"}
            </Button>
          </div>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={reveal.isPending || isShort}>
            {reveal.isPending ? "Recording…" : "Record and reveal"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
