/**
 * Where a session's timeline is. Two tenants may use the same session id, so the path says whose it is
 * (`of`), without choosing that tenant for the rest of the console.
 */
export function sessionPath(session: { session_id: string; tenant: string }, eventId?: string): string {
  const parameters = new URLSearchParams({ of: session.tenant });
  if (eventId) parameters.set("event", eventId);
  return `/sessions/${encodeURIComponent(session.session_id)}?${parameters}`;
}
