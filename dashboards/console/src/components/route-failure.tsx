import { Link, useRouteError } from "react-router";
import { ErrorPanel } from "./error-panel";
import { EmptyState } from "./ui";

export function RouteFailure() {
  const error = useRouteError();
  return (
    <main className="mx-auto max-w-2xl pt-16">
      <ErrorPanel error={error} onRetry={() => window.location.reload()} />
    </main>
  );
}

export function NotFound() {
  return (
    <EmptyState title="There is no such page">
      <Link className="link" to="/explorer">
        Go to the explorer
      </Link>
    </EmptyState>
  );
}
