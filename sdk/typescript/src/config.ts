/** Every setting, its default and its limits. Environment variables fill in what is not given. */

import { ConfigurationError } from "./errors.js";

const MIB = 1024 * 1024;

/** How an `AuditLayer` behaves. */
export interface Settings {
  /** Address of the edge without path. `AUDIT_LAYER_URL` */
  url: string;
  /** The application's API key. `AUDIT_LAYER_API_KEY` */
  apiKey: string;
  /** The application the key belongs to. `AUDIT_LAYER_APPLICATION` */
  application: string;
  /** `production`, ... `AUDIT_LAYER_ENVIRONMENT` */
  environment: string | undefined;
  /** `false`, or `AUDIT_LAYER_DISABLED=1`: nothing is recorded and every call goes straight through. */
  enabled: boolean;
  /** `fail_closed`: no call without an acknowledged intent. `AUDIT_LAYER_POLICY` */
  policy: "fail_open" | "fail_closed";
  /** Name of this process for sequence numbers; random when absent. */
  instance: string | undefined;
  /** Events that may wait in memory, and their bytes. */
  queueEvents: number;
  queueBytes: number;
  /** An event is sent no later than this after it was recorded, and in batches of at most so many. */
  lingerMs: number;
  batchEvents: number;
  batchBytes: number;
  /** Longest event; must not exceed the edge's `limits.event_bytes`. Longer bodies are cut and say so. */
  maxEventBytes: number;
  /** One HTTP request to the edge. */
  timeoutMs: number;
  /** How long `fail_closed` waits for the intent's acknowledgement. */
  intentMs: number;
  /** Back-off: full jitter below a ceiling that doubles from the first to the longest. */
  firstPauseMs: number;
  longestPauseMs: number;
  /** How long the end of the process may wait for deliveries. */
  exitMs: number;
  /** Directory for events that cannot be delivered now; one per host. `AUDIT_LAYER_SPOOL_DIR` */
  spoolDir: string | undefined;
  spoolBytes: number;
  /** Where the one line a minute about the edge's state goes; never content. */
  warn: (message: string) => void;
}

const DEFAULTS: Settings = {
  url: "",
  apiKey: "",
  application: "",
  environment: undefined,
  enabled: true,
  policy: "fail_open",
  instance: undefined,
  queueEvents: 10_000,
  queueBytes: 64 * MIB,
  lingerMs: 1_000,
  batchEvents: 500,
  batchBytes: 8 * MIB,
  maxEventBytes: 4 * MIB,
  timeoutMs: 10_000,
  intentMs: 5_000,
  firstPauseMs: 100,
  longestPauseMs: 30_000,
  exitMs: 5_000,
  spoolDir: undefined,
  spoolBytes: 256 * MIB,
  warn: (message) => process.emitWarning(message, "AuditLayer"),
};

const ENVIRONMENT = {
  url: "AUDIT_LAYER_URL",
  apiKey: "AUDIT_LAYER_API_KEY",
  application: "AUDIT_LAYER_APPLICATION",
  environment: "AUDIT_LAYER_ENVIRONMENT",
  policy: "AUDIT_LAYER_POLICY",
  spoolDir: "AUDIT_LAYER_SPOOL_DIR",
} as const;

const AT_LEAST_ONE = [
  "queueEvents",
  "queueBytes",
  "batchEvents",
  "batchBytes",
  "maxEventBytes",
  "timeoutMs",
  "intentMs",
  "spoolBytes",
] as const;
const NOT_NEGATIVE = ["lingerMs", "firstPauseMs", "longestPauseMs", "exitMs"] as const;

/** Checked settings. A `ConfigurationError` names the key and the fix; a disabled layer needs none. */
export function settingsFrom(given: Partial<Settings>, environ: NodeJS.ProcessEnv = process.env): Settings {
  const unknown = Object.keys(given).find((name) => !(name in DEFAULTS));
  if (unknown) throw new ConfigurationError(`unknown setting "${unknown}"; see the type Settings`);
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  const fromEnvironment = Object.entries(ENVIRONMENT)
    .map(([name, variable]) => [name, environ[variable]])
    .filter(([, value]) => value);
  const settings = {
    ...DEFAULTS,
    ...Object.fromEntries(fromEnvironment),
    ...Object.fromEntries(defined),
  } as Settings;
  if (/^(1|true|yes|on)$/i.test(environ.AUDIT_LAYER_DISABLED?.trim() ?? "")) settings.enabled = false;
  if (settings.enabled) check(settings);
  return settings;
}

function check(settings: Settings): void {
  for (const name of ["url", "apiKey", "application"] as const) {
    if (!settings[name]) {
      throw new ConfigurationError(`${name} is missing; give it to AuditLayer or set ${ENVIRONMENT[name]}`);
    }
  }
  if (!/^https?:\/\//.test(settings.url)) {
    throw new ConfigurationError("url does not begin with http:// or https://");
  }
  if (!/^[\x20-\x7e]+$/.test(settings.apiKey)) {
    throw new ConfigurationError("apiKey holds characters that no header may hold");
  }
  if (settings.policy !== "fail_open" && settings.policy !== "fail_closed") {
    throw new ConfigurationError(`policy is "${settings.policy}"; it is fail_open or fail_closed`);
  }
  for (const name of AT_LEAST_ONE) {
    if (!(settings[name] >= 1)) throw new ConfigurationError(`${name} is less than 1`);
  }
  for (const name of NOT_NEGATIVE) {
    if (!(settings[name] >= 0)) throw new ConfigurationError(`${name} is negative`);
  }
}
