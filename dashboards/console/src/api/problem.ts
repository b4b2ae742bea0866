/** An RFC 9457 problem document as the services answer it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors: { pointer: string; message: string }[];
}

/** Every failure of a call: an answer that is not 2xx, or no answer at all (status 0). */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }

  /** The last part of the problem's type: "validation", "not-found", ... */
  get slug(): string {
    return this.problem.type.split("/").at(-1) ?? "";
  }
}

/** Reads a problem out of a failed answer; a body that is no problem document still yields a usable one. */
export function problemFrom(status: number, body: unknown): Problem {
  const fields = isRecord(body) ? body : {};
  return {
    type: typeof fields.type === "string" ? fields.type : "/problems/unknown",
    title: typeof fields.title === "string" ? fields.title : `The server answered ${status}`,
    status,
    detail: typeof fields.detail === "string" ? fields.detail : "",
    errors: Array.isArray(fields.errors) ? fields.errors.filter(isFieldError) : [],
  };
}

/** What the reader can do about a failure, or an empty string when only the detail helps. */
export function fixFor(problem: Problem): string {
  const slug = problem.type.split("/").at(-1) ?? "";
  const bySlug: Record<string, string> = {
    validation: "Correct the values named here and try again.",
    unauthorized: "Sign in again.",
    forbidden: "Ask an administrator for a role that may do this.",
    "not-found": "Check the address; the record may belong to a tenant you cannot read.",
    "too-large": "Narrow the range or the filters.",
    unavailable: "The store is not reachable right now. Nothing is lost; try again in a moment.",
    "rate-limited": "Wait a minute before the next try.",
    "purpose-required": "State what the record is read for.",
    conflict: "The state changed meanwhile. Reload and try again.",
    internal: "Try again; if it stays, give the time and this text to whoever runs the service.",
    offline: "Check that the service is running and that this computer can reach it.",
  };
  return bySlug[slug] ?? "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFieldError(value: unknown): value is { pointer: string; message: string } {
  return isRecord(value) && typeof value.pointer === "string" && typeof value.message === "string";
}
