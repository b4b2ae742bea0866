import { createBrowserRouter, Navigate } from "react-router";
import { NotFound, RouteFailure } from "./components/route-failure";
import { Shell } from "./components/shell";
import { Spinner } from "./components/ui";
import { AccessView } from "./views/access/access-view";
import { AdminView } from "./views/admin/admin-view";
import { DecisionView } from "./views/decision/decision-view";
import { ExplorerView } from "./views/explorer/explorer-view";
import { FeedView } from "./views/feed/feed-view";
import { LedgerView } from "./views/ledger/ledger-view";
import { ReportsView } from "./views/reports/reports-view";
import { SessionView } from "./views/sessions/session-view";
import { SessionsView } from "./views/sessions/sessions-view";
import { SignInView } from "./views/sign-in-view";
import { SubjectsView } from "./views/subjects/subjects-view";

export const router = createBrowserRouter([
  { path: "/sign-in", element: <SignInView /> },
  {
    element: <Shell />,
    errorElement: <RouteFailure />,
    HydrateFallback: () => <Spinner />,
    children: [
      { index: true, element: <Navigate to="/explorer" replace /> },
      { path: "feed", element: <FeedView /> },
      { path: "explorer", element: <ExplorerView /> },
      { path: "decisions/:eventId", element: <DecisionView /> },
      { path: "sessions", element: <SessionsView /> },
      { path: "sessions/timeline", element: <SessionView /> },
      {
        path: "metrics",
        // The charts are the heaviest part; nobody who only reads records has to fetch them.
        lazy: async () => ({ Component: (await import("./views/metrics/metrics-view")).MetricsView }),
      },
      { path: "reports", element: <ReportsView /> },
      { path: "ledger", element: <LedgerView /> },
      { path: "subjects", element: <SubjectsView /> },
      { path: "access", element: <AccessView /> },
      { path: "admin", element: <AdminView /> },
      { path: "*", element: <NotFound /> },
    ],
  },
]);
