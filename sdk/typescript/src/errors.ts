/** What set-up can throw, and the one thing that a call can throw: a refusal under `fail_closed`. */

/** Base of all errors of this package. */
export class AuditError extends Error {
  override name = "AuditError";
}

/** A setting or field is missing or wrong; the message names it and the fix. */
export class ConfigurationError extends AuditError {
  override name = "ConfigurationError";
}

/** `wrap` was given something that has no `fetch` it could put itself around. */
export class WrapError extends AuditError {
  override name = "WrapError";
}

/** `fail_closed`: the intent was not acknowledged, so the provider was not called. */
export class AuditUnavailable extends AuditError {
  override name = "AuditUnavailable";
}
