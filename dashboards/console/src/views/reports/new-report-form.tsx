import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useSearchParams } from "react-router";
import { createReport } from "../../api/calls";
import type { NewReport, ReportFormat } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { RangePicker } from "../../components/range-picker";
import { Button, Field, Panel } from "../../components/ui";
import { type FilterKey, type LogFilters, parseFilters, withFilters } from "../../lib/filters";
import { words } from "../../lib/number";
import { leftOutOf, reportFilters, toRequest } from "./to-request";

const formats: readonly ReportFormat[] = ["pdf", "csv", "json", "bundle"];
const offered: readonly FilterKey[] = ["application", "decision_type", "provider", "model"];
const uuidPattern = "[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}";

/** Requests a report; filters that came with the address (from the explorer) are filled in. */
export function NewReportForm() {
  const [parameters, setParameters] = useSearchParams();
  const queries = useQueryClient();
  const [type, setType] = useState<NewReport["type"]>(parameters.has("event") ? "decision" : "range");
  const [title, setTitle] = useState("");
  const [eventId, setEventId] = useState(parameters.get("event") ?? "");
  const [chosen, setChosen] = useState<readonly ReportFormat[]>(["pdf", "csv"]);
  const [filters, setFilters] = useState<LogFilters>(() => {
    const given = parseFilters(parameters).filters;
    return given.range || given.from || given.to ? given : { ...given, range: "30d" };
  });
  const request = useMutation({
    mutationFn: () => createReport(toRequest(type, title, eventId, chosen, filters, Date.now())),
    onSuccess: (job) => {
      queries.invalidateQueries({ queryKey: ["reports"] });
      setTitle("");
      setParameters((before) => {
        const tenant = before.get("tenant");
        return { job: job.id, ...(tenant ? { tenant } : {}) };
      });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    request.mutate();
  };
  const others = reportFilters.filter((key) => filters[key] && !offered.includes(key));
  const leftOut = leftOutOf(filters);
  const without = (keys: readonly FilterKey[]) =>
    setFilters(withFilters(filters, Object.fromEntries(keys.map((key) => [key, undefined]))));

  return (
    <Panel title="New report">
      <form onSubmit={submit} className="space-y-3 p-3">
        <fieldset className="flex gap-4">
          <legend className="mb-1 text-xs font-medium text-muted">Scope</legend>
          {(["range", "decision"] as const).map((value) => (
            <label key={value} className="flex items-center gap-1.5">
              <input type="radio" name="type" checked={type === value} onChange={() => setType(value)} />
              {value === "range" ? "A range of time" : "One decision"}
            </label>
          ))}
        </fieldset>
        <Field label="Title" hint="Stands on the first page.">
          <input
            className="field"
            maxLength={200}
            value={title}
            onChange={(event) => setTitle(event.target.value)}
          />
        </Field>
        {type === "decision" ? (
          <Field label="Event id">
            <input
              className="field font-mono"
              required
              pattern={uuidPattern}
              title="A UUID, as shown in a decision's context."
              value={eventId}
              onChange={(event) => setEventId(event.target.value.trim())}
            />
          </Field>
        ) : (
          <>
            <RangePicker range={filters} onChange={(range) => setFilters(withFilters(filters, range))} />
            {offered.map((key) => (
              <Field key={key} label={words(key).replace(/^./, (letter) => letter.toUpperCase())}>
                <input
                  className="field"
                  placeholder="any"
                  value={filters[key] ?? ""}
                  onChange={(event) => setFilters(withFilters(filters, { [key]: event.target.value }))}
                />
              </Field>
            ))}
            {others.length > 0 && (
              <p className="text-xs text-muted">
                Also: {others.map((key) => `${words(key)} = ${filters[key]}`).join(", ")}{" "}
                <button type="button" className="link" onClick={() => without(others)}>
                  remove
                </button>
              </p>
            )}
            {leftOut.length > 0 && (
              <p role="status" className="rounded bg-warn-soft px-2 py-1 text-xs text-warn">
                Reports cannot be narrowed by {leftOut.map(words).join(", ")}: this one will hold more than
                the explorer showed.
              </p>
            )}
          </>
        )}
        <fieldset className="flex gap-4">
          <legend className="mb-1 text-xs font-medium text-muted">Formats</legend>
          {formats.map((format) => (
            <label key={format} className="flex items-center gap-1.5">
              <input
                type="checkbox"
                checked={chosen.includes(format)}
                onChange={(event) =>
                  setChosen(
                    formats.filter((entry) =>
                      entry === format ? event.target.checked : chosen.includes(entry),
                    ),
                  )
                }
              />
              {format === "bundle" ? "Evidence bundle" : format.toUpperCase()}
            </label>
          ))}
        </fieldset>
        {request.isError && <ErrorPanel error={request.error} />}
        <Button
          type="submit"
          look="primary"
          className="w-full"
          disabled={request.isPending || chosen.length === 0}
        >
          {request.isPending ? "Requesting…" : "Create report"}
        </Button>
      </form>
    </Panel>
  );
}
