import { call, callBlob, callText, type Query } from "./client";
import type {
  BreakGlass,
  CheckpointDetail,
  Checkpoints,
  Incident,
  LogDetail,
  LoginAnswer,
  LogSummary,
  Metrics,
  NewOutcome,
  NewReport,
  NumberedSource,
  Page,
  ReportFormat,
  ReportJob,
  SessionDetail,
  SessionSummary,
  Tenant,
  User,
  Verification,
  VerifyAnswer,
} from "./types";

const id = encodeURIComponent;

export const signIn = (email: string, password: string) =>
  call<LoginAnswer>("/api/v1/auth/login", { method: "POST", body: { email, password }, anonymous: true });

export const fetchMe = (signal?: AbortSignal) =>
  call<User | { user: User }>("/api/v1/auth/me", signal ? { signal } : {});

export const changePassword = (current: string, next: string) =>
  call<unknown>("/api/v1/auth/password", { method: "POST", body: { current, new: next } });

export const fetchTenants = (signal: AbortSignal) =>
  call<{ tenants: Tenant[] }>("/api/v1/tenants", { signal });

export const fetchLogs = (query: Query, signal: AbortSignal) =>
  call<Page<LogSummary>>("/api/v1/audit/logs", { query, signal });

/** What a record is read for: health information needs a purpose, removed values a reason. Both are recorded. */
export interface Reading {
  purpose?: string | undefined;
  reveal?: string;
}

export const fetchLog = (eventId: string, reading: Reading = {}, signal?: AbortSignal) =>
  call<LogDetail>(`/api/v1/audit/logs/${id(eventId)}`, {
    query: { ...reading },
    ...(signal ? { signal } : {}),
  });

/** Reveals in an emergency; somebody else has to sign it off. */
export const breakGlass = (eventId: string, reason: string, purpose: string) =>
  call<LogDetail>(`/api/v1/audit/logs/${id(eventId)}/break-glass`, {
    method: "POST",
    body: { reason, purpose },
  });

export const fetchBreakGlass = (query: Query, signal: AbortSignal) =>
  call<{ items: BreakGlass[]; open: number }>("/api/v1/break-glass", { query, signal });

export const reviewBreakGlass = (number: string, verdict: string, note: string) =>
  call<unknown>(`/api/v1/break-glass/${id(number)}/review`, { method: "POST", body: { verdict, note } });

export const fetchProof = (eventId: string) => callText(`/api/v1/audit/logs/${id(eventId)}/proof`);

export const addOutcome = (eventId: string, outcome: NewOutcome) =>
  call<{ event_id: string }>(`/api/v1/audit/logs/${id(eventId)}/outcomes`, { method: "POST", body: outcome });

export const verifyRecord = (eventId: string) =>
  call<VerifyAnswer>("/api/v1/verify", { method: "POST", body: { event_id: eventId } });

export const verifyEverything = () =>
  call<Verification>("/api/v1/verify", { method: "POST", body: { scope: "ledger" } });

export const fetchVerifications = (query: Query, signal: AbortSignal) =>
  call<{ items: Verification[] }>("/api/v1/verify", { query, signal });

export const fetchVerification = (verificationId: string, signal: AbortSignal) =>
  call<Verification>(`/api/v1/verify/${id(verificationId)}`, { signal });

export const cancelVerification = (verificationId: string) =>
  call<Verification>(`/api/v1/verify/${id(verificationId)}`, { method: "DELETE" });

export const fetchSessions = (query: Query, signal: AbortSignal) =>
  call<Page<SessionSummary>>("/api/v1/audit/sessions", { query, signal });

export const fetchSession = (sessionId: string, query: Query, signal: AbortSignal) =>
  call<SessionDetail>(`/api/v1/audit/sessions/${id(sessionId)}`, { query, signal });

export const fetchMetrics = (query: Query, signal: AbortSignal) =>
  call<Metrics>("/api/v1/metrics", { query, signal });

export const createReport = (report: NewReport) =>
  call<ReportJob>("/api/v1/reports/generate", { method: "POST", body: report });

export const fetchReports = (query: Query, signal: AbortSignal) =>
  call<Page<ReportJob>>("/api/v1/reports", { query, signal });

export const fetchReport = (jobId: string, signal: AbortSignal) =>
  call<ReportJob>(`/api/v1/reports/${id(jobId)}`, { signal });

export const fetchReportFile = (jobId: string, format: ReportFormat | string) =>
  callBlob(`/api/v1/reports/${id(jobId)}`, { query: { format } });

export const fetchCheckpoints = (query: Query, signal: AbortSignal) =>
  call<Checkpoints>("/api/v1/checkpoints", { query, signal });

export const fetchCheckpoint = (epoch: number, signal: AbortSignal) =>
  call<CheckpointDetail>(`/api/v1/checkpoints/${epoch}`, { signal });

export const fetchIncidents = (query: Query, signal: AbortSignal) =>
  call<{ items: Incident[]; open: number }>("/api/v1/incidents", { query, signal });

export const fetchSources = (query: Query, signal: AbortSignal) =>
  call<{ items: NumberedSource[] }>("/api/v1/sources", { query, signal });

export const fetchAccessLog = (query: Query, signal: AbortSignal) =>
  call<{ items: Record<string, unknown>[]; next_cursor?: string | null }>("/api/v1/access-log", {
    query,
    signal,
  });
