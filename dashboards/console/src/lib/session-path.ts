/**
 * Where a session's timeline is. Two tenants may use the same session id, so the address says whose it is
 * (`of`), without choosing that tenant for the rest of the console. The id is a parameter because it may be
 * any text, and a path with dots, slashes or escapes is a file's or nobody's to the server.
 */
export function sessionPath(session: { session_id: string; tenant: string }, eventId?: string): string {
  const parameters = new URLSearchParams({ id: session.session_id, of: session.tenant });
  if (eventId) parameters.set("event", eventId);
  return `/sessions/timeline?${parameters}`;
}
