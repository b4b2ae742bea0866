import { generator, nowMs, tenants } from "./mock-data.mjs";

const utc = (timeMs) => new Date(timeMs).toISOString().replace("Z", "000Z");
const dayMs = 86_400_000;

/** Users, API keys and applications of the mock. */
export class MockAdmin {
  #random = generator(4242);
  #users;
  #keys = ["loan-desk", "fraud-triage", "discharge-notes", "contract-review"].map((application, index) => ({
    id: this.#uuid(),
    application,
    tenant: tenants[[0, 0, 1, 2][index]].id,
    name: "2026-09",
    created_at: utc(nowMs - (70 - index) * dayMs),
    revoked_at: index === 1 ? utc(nowMs - 3 * dayMs) : null,
  }));
  #applications = [
    { tenant: tenants[0].id, name: "loan-desk", phi: false, content_mode: "redacted", policy: {} },
    { tenant: tenants[1].id, name: "discharge-notes", phi: true, content_mode: "sealed", policy: {} },
    { tenant: tenants[2].id, name: "contract-review", phi: false, content_mode: "digest", policy: {} },
  ];

  constructor(users) {
    this.#users = users.map((user, index) => ({
      ...user,
      disabled: false,
      created_at: utc(nowMs - (80 - index) * dayMs),
    }));
  }

  #uuid() {
    const { hex } = this.#random;
    return `0190f0aa-${hex(4)}-7${hex(3)}-9${hex(3)}-${hex(12)}`;
  }

  /** The answer to a call, or null when it is none of administration. */
  answer(method, pathname, body) {
    const [, collection, id] =
      /^\/api\/v1\/(users|api-keys|applications)(?:\/([0-9a-f-]+))?$/.exec(pathname) ?? [];
    if (collection === "users") return this.#answerUsers(method, id, body);
    if (collection === "api-keys") return this.#answerKeys(method, id, body);
    if (collection === "applications") return this.#answerApplications(method, body);
    return null;
  }

  #answerUsers(method, id, body) {
    if (method === "GET") return { status: 200, body: { users: this.#users } };
    if (method === "POST") {
      const user = { id: this.#uuid(), disabled: false, created_at: utc(nowMs), ...body };
      this.#users.push(user);
      return { status: 201, body: { ...user, password: "shown-this-once" } };
    }
    const user = this.#users.find((entry) => entry.id === id);
    Object.assign(user, body);
    return { status: 200, body: user };
  }

  #answerKeys(method, id, body) {
    if (method === "GET") return { status: 200, body: { api_keys: this.#keys } };
    if (method === "POST") {
      const key = { id: this.#uuid(), created_at: utc(nowMs), revoked_at: null, ...body };
      this.#keys.push(key);
      return { status: 201, body: { ...key, key: `aal_${key.id}_shown-this-once` } };
    }
    this.#keys.find((entry) => entry.id === id).revoked_at = utc(nowMs);
    return { status: 204, text: "" };
  }

  #answerApplications(method, body) {
    if (method === "GET") return { status: 200, body: { applications: this.#applications } };
    this.#applications.push({ policy: {}, ...body });
    return { status: 201, body };
  }
}
