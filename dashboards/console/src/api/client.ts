import { credentials } from "../session/credentials";
import { ApiError, problemFrom } from "./problem";

export type QueryValue = string | number | boolean | undefined | null;
export type Query = Record<string, QueryValue>;

interface CallOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** Sign-in itself: a 401 is then a wrong password, not an expired session. */
  anonymous?: boolean;
}

/** `/path?a=1` without the keys whose value is empty. */
export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    parameters.set(key, String(value));
  }
  const encoded = parameters.toString();
  return encoded ? `${path}?${encoded}` : path;
}

async function send(path: string, options: CallOptions, accept: string): Promise<Response> {
  const headers: Record<string, string> = { accept };
  const token = credentials.current()?.token;
  if (token && !options.anonymous) headers.authorization = `Bearer ${token}`;
  if (options.body !== undefined) headers["content-type"] = "application/json";
  const init: RequestInit = { method: options.method ?? "GET", headers };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;

  let response: Response;
  try {
    response = await fetch(withQuery(path, options.query), init);
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    const problem = problemFrom(0, {
      type: "/problems/offline",
      title: "No answer from the service",
      detail: "The request did not reach the service or the connection broke off.",
    });
    throw new ApiError(problem);
  }
  if (response.ok) return response;

  const body: unknown = await response.json().catch(() => null);
  // A token that was refused while another one was stored meanwhile says nothing about the new one.
  if (response.status === 401 && !options.anonymous && credentials.current()?.token === token) {
    credentials.expire();
  }
  throw new ApiError(problemFrom(response.status, body));
}

/** Calls the API and reads JSON. Throws {@link ApiError} for every failure. */
export async function call<Answer>(path: string, options: CallOptions = {}): Promise<Answer> {
  const response = await send(path, options, "application/json");
  if (response.status === 204) return undefined as Answer;
  return (await response.json()) as Answer;
}

/** Calls the API and reads text, for proofs and checkpoints. */
export async function callText(path: string, options: CallOptions = {}): Promise<string> {
  const response = await send(path, options, "text/plain, application/json;q=0.5");
  return response.text();
}

/** Fetches a file with the session's token (a plain link could not carry it). */
export async function callBlob(path: string, options: CallOptions = {}): Promise<Blob> {
  const response = await send(path, options, "*/*");
  return response.blob();
}
