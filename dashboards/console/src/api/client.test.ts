import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const stored = new Map<string, string>();
vi.stubGlobal("sessionStorage", {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => stored.set(key, value),
  removeItem: (key: string) => stored.delete(key),
});
// Both read the storage when they are loaded.
const { credentials } = await import("../session/credentials");
const { call, withQuery } = await import("./client");

const user = { id: "u", email: "a@example.org", role: "viewer", tenant: "*" } as const;
const signedIn = (token: string) => credentials.signIn({ token, expires_at: "2026-11-23T12:00:00Z", user });

const answer = (status: number, body: unknown) =>
  new Response(body === null ? null : JSON.stringify(body), { status });

describe("calls", () => {
  const fetched = vi.fn<typeof fetch>();
  beforeEach(() => {
    vi.stubGlobal("fetch", fetched);
    signedIn("t1");
  });
  afterEach(() => {
    fetched.mockReset();
    credentials.signOut();
  });

  it("carry the token and only the parameters that have a value", async () => {
    fetched.mockResolvedValue(answer(200, { ok: true }));
    await call("/x", { query: { a: 1, b: "", c: undefined, d: null, e: false } });
    const [path, init] = fetched.mock.calls[0] ?? [];
    expect(path).toBe("/x?a=1&e=false");
    expect(init?.headers).toMatchObject({ authorization: "Bearer t1" });
    expect(withQuery("/y")).toBe("/y");
  });

  it("read nothing from an answer without content", async () => {
    fetched.mockResolvedValue(answer(204, null));
    expect(await call("/x", { method: "DELETE" })).toBeUndefined();
  });

  it("fail with the service's own problem", async () => {
    const problem = {
      type: "/problems/validation",
      title: "No",
      detail: "why",
      errors: [{ pointer: "?a", message: "b" }],
    };
    fetched.mockResolvedValue(answer(400, problem));
    await expect(call("/x")).rejects.toMatchObject({ status: 400, slug: "validation", message: "why" });
  });

  it("fail readably without an answer and with one that is no JSON", async () => {
    fetched.mockRejectedValueOnce(new TypeError("failed to fetch"));
    await expect(call("/x")).rejects.toMatchObject({ status: 0, slug: "offline" });
    fetched.mockResolvedValueOnce(new Response("<html>", { status: 502 }));
    await expect(call("/x")).rejects.toMatchObject({ status: 502 });
  });

  it("end the session on 401, but not a newer one and not for a wrong password", async () => {
    fetched.mockResolvedValue(answer(401, {}));
    await expect(call("/login", { method: "POST", anonymous: true })).rejects.toMatchObject({ status: 401 });
    expect(credentials.current()?.token).toBe("t1");

    fetched.mockImplementationOnce(async () => {
      signedIn("t2");
      return answer(401, {});
    });
    await expect(call("/x")).rejects.toMatchObject({ status: 401 });
    expect(credentials.current()?.token).toBe("t2");

    await expect(call("/x")).rejects.toMatchObject({ status: 401 });
    expect(credentials.current()).toBeNull();
    expect(credentials.expired).toBe(true);
    expect(stored.size).toBe(0);
  });

  it("pass a cancellation on as it is", async () => {
    const controller = new AbortController();
    fetched.mockImplementationOnce(async () => {
      controller.abort();
      throw new DOMException("aborted", "AbortError");
    });
    await expect(call("/x", { signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
  });
});
