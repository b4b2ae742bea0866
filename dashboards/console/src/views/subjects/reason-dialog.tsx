import { type FormEvent, useState } from "react";
import { Dialog } from "../../components/dialog";
import { ErrorPanel } from "../../components/error-panel";
import { Button, Field } from "../../components/ui";

interface ReasonDialogProps {
  title: string;
  explanation: string;
  action: string;
  isPending: boolean;
  error: unknown;
  onSubmit: (reason: string) => void;
  onClose: () => void;
}

/** Asks why: nothing about people is decided without a reason on record. */
export function ReasonDialog(props: ReasonDialogProps) {
  const [reason, setReason] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.onSubmit(reason.trim());
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form onSubmit={submit} className="space-y-3">
        <p>{props.explanation}</p>
        <Field label="Reason">
          <textarea
            className="field h-20"
            required
            maxLength={2000}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </Field>
        {props.error !== null && <ErrorPanel error={props.error} />}
        <Button type="submit" look="primary" disabled={props.isPending}>
          {props.action}
        </Button>
      </form>
    </Dialog>
  );
}
