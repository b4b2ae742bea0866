import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "react-router";
import { requestExport } from "../../api/subjects";
import { ErrorPanel } from "../../components/error-panel";
import { Button, Field } from "../../components/ui";
import { TenantField } from "../admin/parts";

/** One export is one report job; the files are on the Reports page. */
export function ExportTab() {
  const [tenant, setTenant] = useState("");
  const [subject, setSubject] = useState("");
  const [identity, setIdentity] = useState("");
  const [reason, setReason] = useState("");
  const [identifiers, setIdentifiers] = useState("");
  const request = useMutation({
    mutationFn: () =>
      requestExport(subject.trim(), {
        tenant,
        identity_check: identity.trim(),
        reason: reason.trim(),
        identifiers: identifiers
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => line !== ""),
      }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    request.mutate();
  };
  return (
    <form onSubmit={submit} className="grid max-w-3xl gap-3 p-3">
      <p>
        Everything recorded about a person, as PDF, CSV and JSON. Removed values are shown where they equal
        one of the person's own identifiers; all others may be about other people and stay masked.
      </p>
      <TenantField value={tenant} onChange={setTenant} />
      <Field label="Id of the person, as applications send it">
        <input
          className="field"
          required
          maxLength={512}
          autoComplete="off"
          value={subject}
          onChange={(event) => setSubject(event.target.value)}
        />
      </Field>
      <Field label="The person's own addresses, account numbers, names; one a line">
        <textarea
          className="field h-24"
          value={identifiers}
          onChange={(event) => setIdentifiers(event.target.value)}
        />
      </Field>
      <Field label="How the identity was checked">
        <input
          className="field"
          required
          maxLength={2000}
          value={identity}
          onChange={(event) => setIdentity(event.target.value)}
        />
      </Field>
      <Field label="Reason">
        <input
          className="field"
          required
          maxLength={2000}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      </Field>
      <div>
        <Button type="submit" look="primary" disabled={request.isPending}>
          Make the export
        </Button>
      </div>
      {request.isError && <ErrorPanel error={request.error} />}
      {request.isSuccess && (
        <p role="status">
          The export is being made. Its files will be on the <Link to="/reports">Reports</Link> page.
        </p>
      )}
    </form>
  );
}
