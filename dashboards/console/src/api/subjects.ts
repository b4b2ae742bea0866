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
