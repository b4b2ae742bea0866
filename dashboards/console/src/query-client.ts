import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api/problem";
import { credentials } from "./session/credentials";

/** Only trouble that may pass is tried again: no answer, 502, 503, 504. */
function mayPass(error: unknown): boolean {
  return error instanceof ApiError && [0, 502, 503, 504].includes(error.status);
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && mayPass(error),
    },
  },
});

// What one user could read must not be shown to the next.
let reader = credentials.current()?.user.id;
credentials.subscribe(() => {
  const next = credentials.current()?.user.id;
  if (next !== reader) queryClient.clear();
  reader = next;
});
