import { call, callText, type Query } from "./client";

/** A request for erasure; whom it is about is not in it. */
export interface Erasure {
  id: string;
  tenant: string;
  target: "person" | "event";
  stage: string;
  open: boolean;
  requested_at: string;
  requested_by: string;
  not_before: string;
  identity_check: string;
  reason: string;
  overridden: boolean;
  consents: { at: string; by: string }[];
  decisions: { at: string; outcome: string; legal_holds: string[]; by: string | null }[];
  subject_key_ids: string[];
  records: number;
  keys_destroyed_at: string | null;
  reports_withdrawn: string[];
  steps: { stage: string; left_at: string }[];
  trouble: string | null;
  certificate: { issued_at: string; sha256: string; report: string | null } | null;
}

export interface LegalHold {
  id: string;
  tenant: string;
  application: string | null;
  scope: "person" | "application" | "tenant";
  reason: string;
  placed_at: string;
  placed_by: string;
  active: boolean;
  released_at: string | null;
  release_reason: string | null;
}

export type RetentionClass = "standard" | "phi";

export interface RetentionRule {
  tenant: string;
  application: string | null;
  class: RetentionClass;
  days: number;
  set_at: string;
}

/** Records past their retention that lose everything but their leaf, once two people agree. */
export interface Prune {
  id: string;
  tenant: string;
  stage: string;
  open: boolean;
  requested_at: string;
  requested_by: string;
  reason: string;
  approved_at: string | null;
  approved_by: string | null;
  records: number;
  held: number;
  more: boolean;
  oldest: string | null;
  youngest: string | null;
  shares: { application: string; class: RetentionClass; records: number; before: string }[];
  trouble: string | null;
}

const id = encodeURIComponent;

export const fetchErasures = (query: Query, signal: AbortSignal) =>
  call<{ items: Erasure[]; next_before: string | null }>("/api/v1/erasures", { query, signal });

export const requestErasure = (
  subject: string,
  wanted: { tenant: string; kind: string; identity_check: string; reason: string },
) => call<Erasure>(`/api/v1/subjects/${id(subject)}/erasure`, { method: "POST", body: wanted });

export const overrideErasure = (erasure: string, reason: string) =>
  call<Erasure>(`/api/v1/erasures/${id(erasure)}/override`, { method: "POST", body: { reason } });

export const decideErasure = (erasure: string, outcome: "refused" | "cancelled", reason: string) =>
  call<Erasure>(`/api/v1/erasures/${id(erasure)}/decision`, { method: "POST", body: { outcome, reason } });

export const fetchCertificate = (erasure: string, format: "json" | "note") =>
  callText(`/api/v1/erasures/${id(erasure)}/certificate?format=${format}`);

export const requestExport = (
  subject: string,
  wanted: { tenant: string; identity_check: string; reason: string; identifiers: string[] },
) => call<{ id: string }>(`/api/v1/subjects/${id(subject)}/export`, { method: "POST", body: wanted });

export const fetchHolds = (query: Query, signal: AbortSignal) =>
  call<{ items: LegalHold[] }>("/api/v1/legal-holds", { query, signal });

export const placeHold = (hold: { tenant: string; application?: string; subject?: string; reason: string }) =>
  call<LegalHold>("/api/v1/legal-holds", { method: "POST", body: hold });

export const releaseHold = (hold: string, reason: string) =>
  call<LegalHold>(`/api/v1/legal-holds/${id(hold)}/release`, { method: "POST", body: { reason } });

export const fetchRetention = (query: Query, signal: AbortSignal) =>
  call<{ items: RetentionRule[]; minimums: { class: RetentionClass; days: number }[] }>("/api/v1/retention", {
    query,
    signal,
  });

export const putRetention = (rule: {
  tenant: string;
  application?: string;
  class: RetentionClass;
  days: number;
}) => call<RetentionRule>("/api/v1/retention", { method: "PUT", body: rule });

export const fetchPrunes = (query: Query, signal: AbortSignal) =>
  call<{ items: Prune[]; next_before: string | null }>("/api/v1/prunes", { query, signal });

export const planPrune = (tenant: string) =>
  call<Prune>("/api/v1/prunes", { method: "POST", body: { tenant, dry_run: true } });

export const requestPrune = (tenant: string, reason: string) =>
  call<Prune>("/api/v1/prunes", { method: "POST", body: { tenant, reason } });

export const approvePrune = (prune: string, reason: string) =>
  call<Prune>(`/api/v1/prunes/${id(prune)}/approve`, { method: "POST", body: { reason } });

export const cancelPrune = (prune: string, reason: string) =>
  call<Prune>(`/api/v1/prunes/${id(prune)}/cancel`, { method: "POST", body: { reason } });
