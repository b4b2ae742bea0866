import { call } from "./client";
import type { Account, ApiKey, Application, ContentMode, Role } from "./types";

export const fetchUsers = (signal: AbortSignal) => call<{ users: Account[] }>("/api/v1/users", { signal });

export const createUser = (user: { email: string; role: Role; tenant: string }) =>
  call<Account>("/api/v1/users", { method: "POST", body: user });

export const updateUser = (id: string, change: { role?: Role; disabled?: boolean }) =>
  call<Account>(`/api/v1/users/${encodeURIComponent(id)}`, { method: "PATCH", body: change });

export const fetchApiKeys = (signal: AbortSignal) =>
  call<{ api_keys: ApiKey[] }>("/api/v1/api-keys", { signal });

export const createApiKey = (key: { application: string; name: string; tenant: string }) =>
  call<ApiKey>("/api/v1/api-keys", { method: "POST", body: key });

export const revokeApiKey = (id: string) =>
  call<void>(`/api/v1/api-keys/${encodeURIComponent(id)}`, { method: "DELETE" });

export const fetchApplications = (signal: AbortSignal) =>
  call<{ applications: Application[] }>("/api/v1/applications", { signal });

export const putApplication = (application: {
  name: string;
  tenant: string;
  phi: boolean;
  content_mode: ContentMode | null;
  policy: unknown;
}) => call<Application>("/api/v1/applications", { method: "POST", body: application });
