import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "react-router";
import { fetchBreakGlass, reviewBreakGlass } from "../../api/calls";
import type { BreakGlass } from "../../api/types";
import { ErrorPanel } from "../../components/error-panel";
import { Badge, Button, Time } from "../../components/ui";
import { words } from "../../lib/number";
import { useTenantChoice } from "../../session/hooks";

const shortestNote = 10;

/** Emergency reveals; those that nobody has signed off stand first. Nothing is shown while there are none. */
export function BreakGlassPanel() {
  const [tenant] = useTenantChoice();
  const list = useQuery({
    queryKey: ["break-glass", tenant],
    queryFn: ({ signal }) => fetchBreakGlass({ tenant }, signal),
  });
  if (list.isError) return <ErrorPanel error={list.error} onRetry={() => list.refetch()} />;
  if (!list.data || list.data.items.length === 0) return null;
  return (
    <section className="rounded-md border border-line bg-panel" aria-label="Emergency reveals">
      <h2 className="px-3 py-2 font-semibold">
        Emergency reveals {list.data.open > 0 && <Badge tone="warn">{list.data.open} to be signed off</Badge>}
      </h2>
      <div className="overflow-x-auto">
        <table className="grid-table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">Record</th>
              <th scope="col">Purpose</th>
              <th scope="col">Reason</th>
              <th scope="col">Review</th>
            </tr>
          </thead>
          <tbody>
            {list.data.items.map((made) => (
              <tr key={made.id}>
                <td>
                  <Time at={made.at} />
                </td>
                <td>{made.user_email ?? "(deleted)"}</td>
                <td>
                  <Link className="link font-mono text-xs" to={`/decisions/${made.event_id}`}>
                    {made.event_id}
                  </Link>
                </td>
                <td>{words(made.purpose)}</td>
                <td className="max-w-80 truncate" title={made.reason ?? ""}>
                  {made.reason ?? ""}
                </td>
                <td>
                  <Review made={made} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Review({ made }: { made: BreakGlass }) {
  const queries = useQueryClient();
  const [note, setNote] = useState("");
  const review = useMutation({
    mutationFn: (verdict: string) => reviewBreakGlass(made.id, verdict, note.trim()),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["break-glass"] }),
  });
  if (made.review) {
    return (
      <>
        {words(made.review.verdict)}, {made.review.user_email ?? "(deleted)"}, <Time at={made.review.at} />
      </>
    );
  }
  if (!made.may_review) return <span className="text-muted">waits for somebody else</span>;
  const submit = (event: FormEvent) => event.preventDefault();
  const isShort = note.trim().length < shortestNote || review.isPending;
  return (
    <form onSubmit={submit} className="flex items-center gap-2">
      <input
        className="field"
        aria-label="What was found"
        placeholder="What was found"
        maxLength={500}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      <Button disabled={isShort} onClick={() => review.mutate("justified")}>
        Justified
      </Button>
      <Button disabled={isShort} onClick={() => review.mutate("unjustified")}>
        Not justified
      </Button>
      {review.isError && <ErrorPanel error={review.error} />}
    </form>
  );
}
