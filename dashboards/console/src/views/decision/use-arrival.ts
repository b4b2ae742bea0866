import { useEffect, useState } from "react";
import { fetchLogs } from "../../api/calls";

const lookAgainMs = 1_500;
const mostLooks = 20;

export type Arrival = "none" | "awaited" | "late";

/**
 * An outcome travels through the log before it can be read. Looks for it in the list of outcomes (reading
 * the decision itself again and again would leave as many access records) and says once when it is stored.
 */
export function useArrival(outcomeId: string | null, tenant: string, onStored: () => void): Arrival {
  const [arrival, setArrival] = useState<Arrival>("none");
  useEffect(() => {
    if (outcomeId === null) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let looks = 0;
    const look = async () => {
      looks += 1;
      const query = { kind: "outcome", tenant, limit: 50 };
      // A look that fails is a look that found nothing.
      const page = await fetchLogs(query, controller.signal).catch(() => null);
      if (controller.signal.aborted) return;
      if (page?.items.some((item) => item.event_id === outcomeId)) {
        setArrival("none");
        onStored();
      } else if (looks >= mostLooks) setArrival("late");
      else timer = setTimeout(look, lookAgainMs);
    };
    setArrival("awaited");
    look();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [outcomeId, tenant, onStored]);
  return arrival;
}
