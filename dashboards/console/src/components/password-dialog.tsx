import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { changePassword, signIn } from "../api/calls";
import { credentials } from "../session/credentials";
import { useUser } from "../session/hooks";
import { Dialog } from "./dialog";
import { ErrorPanel } from "./error-panel";
import { Button, Field } from "./ui";

export function PasswordDialog({ onClose }: { onClose: () => void }) {
  const user = useUser();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [repeated, setRepeated] = useState("");
  const change = useMutation({
    mutationFn: async () => {
      await changePassword(current, next);
      // The change ends every session of this user, also this one; a new one begins at once.
      credentials.signIn(await signIn(user.email, next));
    },
  });
  const differs = repeated !== "" && repeated !== next;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!differs) change.mutate();
  };

  return (
    <Dialog title="Change password" onClose={onClose}>
      {change.isSuccess ? (
        <p role="status">The password was changed.</p>
      ) : (
        <form onSubmit={submit} className="space-y-3">
          <Field label="Current password">
            <input
              className="field"
              type="password"
              autoComplete="current-password"
              required
              value={current}
              onChange={(event) => setCurrent(event.target.value)}
            />
          </Field>
          <Field label="New password">
            <input
              className="field"
              type="password"
              autoComplete="new-password"
              required
              value={next}
              onChange={(event) => setNext(event.target.value)}
            />
          </Field>
          <Field label="New password again" fault={differs ? "The two do not match." : ""}>
            <input
              className="field"
              type="password"
              autoComplete="new-password"
              required
              aria-invalid={differs}
              value={repeated}
              onChange={(event) => setRepeated(event.target.value)}
            />
          </Field>
          {change.isError && <ErrorPanel error={change.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" look="primary" disabled={change.isPending || differs}>
              Change password
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
