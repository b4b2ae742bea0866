import { ApiError, fixFor, problemFrom } from "../api/problem";
import { Button } from "./ui";

/** A failure in the service's own words, what to do about it, and a way to try again. */
export function ErrorPanel({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem =
    error instanceof ApiError
      ? error.problem
      : problemFrom(0, {
          title: "The console failed",
          detail: error instanceof Error ? error.message : String(error),
        });
  const fix = fixFor(problem);
  return (
    <div role="alert" className="m-3 max-w-4xl rounded-md border border-bad bg-bad-soft px-3 py-2">
      <p className="font-semibold text-bad">
        {problem.title}
        {problem.status > 0 && <span className="ml-2 font-normal">({problem.status})</span>}
      </p>
      {problem.detail && <p>{problem.detail}</p>}
      {problem.errors.length > 0 && (
        <ul className="mt-1 list-inside list-disc">
          {problem.errors.map((fault) => (
            <li key={fault.pointer + fault.message}>
              <code className="font-mono text-xs">{fault.pointer}</code> {fault.message}
            </li>
          ))}
        </ul>
      )}
      {fix && <p className="mt-1 text-muted">{fix}</p>}
      {onRetry && (
        <Button className="mt-2" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A page of which nothing but the failure can be shown. */
export function ErrorPage({ title, error, onRetry }: { title: string; error: unknown; onRetry: () => void }) {
  return (
    <>
      <h1 className="px-4 pt-4 text-base font-semibold">{title}</h1>
      <ErrorPanel error={error} onRetry={onRetry} />
    </>
  );
}
