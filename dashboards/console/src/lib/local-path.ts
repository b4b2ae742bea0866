/** Where to go after signing in: a path of this console and nothing that leads elsewhere. */
export function localPath(next: string | null): string {
  const fallback = "/explorer";
  if (!next || !/^\/(?![/\\])/.test(next)) return fallback;
  return next.startsWith("/sign-in") ? fallback : next;
}
