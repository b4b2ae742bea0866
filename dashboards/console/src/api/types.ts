/**
 * Shapes of the query API's answers. Times are RFC 3339 in UTC, money is a decimal string that must never
 * become a float, ids are UUID strings.
 */

export type Role = "admin" | "compliance_officer" | "viewer";

export interface User {
  id: string;
  email: string;
  role: Role;
  /** A tenant's UUID, or "*" for every tenant. */
  tenant: string;
}

export interface LoginAnswer {
  token: string;
  expires_at: string;
  user: User;
}

export interface Tenant {
  id: string;
  name: string;
}

/** Counts by name: usage buckets, or redactions by entity. */
export type Counts = Record<string, number>;

export interface LedgerPosition {
  shard: number;
  index: number;
}

export interface LogSummary {
  event_id: string;
  kind: string;
  occurred_at: string;
  edge_at: string;
  tenant: string;
  application: string;
  environment: string;
  decision_type: string;
  user_id: string;
  session_id: string;
  subject_key: string | null;
  provider: string;
  operation: string;
  model: string;
  model_requested: string;
  /** 0 or null: the provider never answered. */
  status: number | null;
  is_error?: boolean;
  error_type: string;
  streamed: boolean;
  interrupted: boolean;
  finish_reasons: string[];
  duration_ms: number | null;
  first_token_ms: number | null;
  usage_state: string;
  usage: Counts;
  input_tokens: number | null;
  output_tokens: number | null;
  cost: string | null;
  currency: string;
  unpriced_reason: string;
  pii: Counts;
  pii_total: number;
  phi: boolean;
  flagged: boolean;
  overridden: boolean;
  ledger: LedgerPosition;
  /** Outcome, access, duplicate, conflict: the event it belongs to. */
  target_event_id?: string;
  /** Of a record of kind outcome. */
  outcome?: string;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export interface CapturedRequest {
  method?: string;
  url?: string;
  /** Text as sent, or JSON already parsed. */
  body?: unknown;
}

export interface CapturedResponse {
  status?: number;
  content_type?: string;
  body?: unknown;
}

export interface CostDetail {
  input: string | null;
  output: string | null;
  total: string | null;
  currency: string | null;
  price_version: string | null;
  rule: string | null;
  unpriced_reason: string;
}

export interface Redaction {
  token: string;
  entity: string;
  /** How sure the detector was. */
  band?: string;
  rule?: string;
  field?: string;
  slot?: number | null;
  pointer?: string;
}

export interface Outcome {
  event_id: string;
  recorded_at: string;
  outcome: string;
  reviewer: string | null;
  override: boolean;
  flag: boolean;
  note: string | null;
}

export interface Source {
  sdk?: string;
  version?: string;
  instance?: string;
  epoch?: number | string;
  sequence?: number;
}

export interface LedgerDetail extends LedgerPosition {
  chain?: string;
  leaf_hash: string;
  prev_leaf_hash: string;
  /** `unknown`: the anchor store does not answer. */
  state: "appended" | "sealed" | "unknown";
  /** The newest epoch that covers the record. */
  epoch?: number | null;
  tree_size?: number | null;
  receipt?: unknown;
}

export interface LogDetail extends Omit<LogSummary, "ledger"> {
  request: CapturedRequest | null;
  response: CapturedResponse | null;
  /** Input and output as one text, for what the console cannot read itself. */
  text?: string;
  attributes: Record<string, unknown> | null;
  cost_detail: CostDetail | null;
  redactions: Redaction[];
  outcomes: Outcome[];
  source: Source | null;
  ledger: LedgerDetail;
  /** The texts are gone because the person they are about was erased. */
  erased?: boolean;
  /** Why a record is withheld, rejected or a gap. */
  reason?: string | null;
  /** The stored header: the facts that the leaf binds. */
  header?: Record<string, unknown>;
  /** Only after `reveal`: the removed value by its token or field; null when its key was erased. */
  revealed?: Record<string, string | null>;
  /** After `reveal`: what the application's policy keeps closed for the reader's role. */
  not_revealed?: { slot: number; kind: string }[];
  /** What is stored of the texts. */
  content?: ContentMode | null;
  /** Texts that are sealed as a whole; revealing opens them. */
  sealed_texts?: string[];
}

/** An emergency reveal, and who looked at it. */
export interface BreakGlass {
  id: string;
  event_id: string;
  tenant: string;
  user_email?: string | null;
  purpose: string;
  at: string;
  reason?: string | null;
  review: { user_email?: string | null; at: string; verdict: string } | null;
  may_review: boolean;
}

export interface NewOutcome {
  outcome: string;
  reviewer?: string;
  override?: boolean;
  flag?: boolean;
  note?: string;
}

export interface SessionSummary {
  session_id: string;
  tenant: string;
  application: string;
  first_at: string;
  last_at: string;
  calls: number;
  errors: number;
  input_tokens: number;
  output_tokens: number;
  /** Null: nothing was priced, or the currencies differ. */
  cost: string | null;
  currency?: string | null;
  unpriced: number;
  flagged: number;
  pii_total: number;
  user_id: string;
}

export interface SessionDetail {
  session_id: string;
  totals: Partial<SessionSummary>;
  items: LogSummary[];
  /** The session is longer than what is shown. */
  truncated?: boolean;
}

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface MetricValues {
  calls: number;
  errors: number;
  latency_ms: Percentiles | null;
  first_token_ms: Percentiles | null;
  tokens: Counts;
  input_tokens: number;
  output_tokens: number;
  cost: string | null;
  currency?: string | null;
  unpriced: number;
  redactions: Counts;
  flagged: number;
  overrides: number;
}

export interface MetricPoint extends MetricValues {
  t: string;
}

export interface MetricSeries {
  group: Record<string, string>;
  points: MetricPoint[];
}

export interface Metrics {
  from: string;
  to: string;
  interval: string;
  group_by: string[] | string;
  series: MetricSeries[];
  /** Without any call only `calls` and `errors` are there. */
  totals: Pick<MetricValues, "calls" | "errors"> & Partial<MetricValues>;
}

export type ReportFormat = "pdf" | "csv" | "json" | "bundle";

export interface ReportFile {
  format: string;
  bytes: number;
  sha256: string;
}

export interface ReportJob {
  id: string;
  type: "decision" | "range" | "bundle";
  title: string;
  status: string;
  created_at: string;
  created_by: string;
  finished_at: string | null;
  error: string | null;
  files: ReportFile[];
}

export interface NewReport {
  type: "decision" | "range" | "bundle";
  title?: string;
  format?: ReportFormat[];
  event_id?: string;
  from?: string;
  to?: string;
  tenant?: string;
  filters?: Record<string, string>;
  /** Bundles: hand over texts and ciphertexts. */
  content?: boolean;
}

export type Verdict = "pass" | "fail" | "unproven";

export interface VerifyAnswer {
  verdict: Verdict;
  checks: { name: string; verdict: Verdict; detail: string }[];
}

/** Something that was found wrong with the ledger. */
export interface Incident {
  state: "open" | "ended";
  component: string;
  code: string;
  /** What it concerns: tenant, shard, index ... */
  about: Record<string, unknown>;
  reason?: string | null;
  begun_at: string;
  ended_at: string | null;
  event_id: string;
}

/** A source that numbers its events. */
export interface NumberedSource {
  tenant: string;
  source_id: string;
  application: string;
  instance: string;
  epoch: number;
  records: number;
  missing: number;
  repeated: number;
  /** The first of them. */
  gaps: { first: number; last: number }[];
}

export interface LedgerFinding {
  severity: "refuted" | "unproven";
  /** Absent when it concerns the log as a whole. */
  chain?: string;
  index?: number;
  event_id?: string;
  what: string;
}

export interface LedgerVerdict {
  verdict: "CONTENT" | "IDENTITY" | "TIME" | "WITNESS" | "SCOPE" | "ERASURE" | "REPORT";
  status: Verdict;
  is_required: boolean;
  checked: number;
  refuted: number;
  unproven: number;
  /** The first of them. */
  findings: LedgerFinding[];
}

/** A verification of the whole ledger, running or ended. */
export interface Verification {
  id: string;
  tenant: string | null;
  started_at: string;
  finished_at: string | null;
  state: "running" | "done" | "cancelled" | "failed";
  policy: { origin: string; sha256: string };
  known_head: { epoch: number; checkpoint: string } | null;
  /** Of an earlier verification: the log must lead to it, too. */
  earlier_head: { verification: string; epoch: number } | null;
  progress: {
    epochs: number;
    epochs_read: number;
    chains: number;
    chains_read: number;
    records: number;
    records_read: number;
  };
  outcome: "proven" | "refuted" | "unreadable" | "unproven" | null;
  report: {
    records: number;
    chains: number;
    not_yet_sealed: number;
    unreadable: string[];
    verdicts: LedgerVerdict[];
  } | null;
  error: string | null;
}

export interface CheckpointSummary {
  epoch: number;
  sealed_at: string;
  chains: number;
  leaves: number;
  manifest_hash: string;
}

export interface Checkpoints {
  /** Null without a trust policy. */
  origin: string | null;
  latest: { epoch: number; checkpoint: string; manifest: string } | null;
  items: CheckpointSummary[];
}

export interface CheckpointDetail {
  epoch: number;
  manifest: string;
  checkpoint: string;
  /** One line for each chain; only for those who may read every tenant. */
  heads?: string;
}

export interface Account extends User {
  disabled: boolean;
  created_at: string;
  /** Only in the answer to making it without a password, and only that once. */
  password?: string;
}

export interface ApiKey {
  id: string;
  application: string;
  tenant: string;
  name: string;
  created_at: string;
  revoked_at: string | null;
  /** Only in the answer to making it. */
  key?: string;
}

/** What is stored of an application's texts. */
export type ContentMode = "redacted" | "sealed" | "digest";

export interface Application {
  tenant: string;
  name: string;
  phi: boolean;
  /** Null: sealed where there is health information, else redacted. */
  content_mode: ContentMode | null;
  policy?: Record<string, unknown>;
  /** After a change: from when on it holds; null when nothing changed. */
  effective_from?: string | null;
}
