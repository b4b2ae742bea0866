import { MockAdmin } from "./mock-admin.mjs";
import { makeRecords, nowMs, tenants } from "./mock-data.mjs";
import { detailOf, publicPart } from "./mock-detail.mjs";
import { metricsOf } from "./mock-metrics.mjs";
import { MockSubjects } from "./mock-subjects.mjs";
import { MockVerifications } from "./mock-verify.mjs";

const password = "correct horse battery";
export const credentials = { email: "admin@example.org", password };
export const viewerCredentials = { email: "viewer@example.org", password };
const accounts = [
  { id: "0190f0aa-0000-7000-8000-000000000001", email: credentials.email, role: "admin", tenant: "*" },
  {
    id: "0190f0aa-0000-7000-8000-000000000002",
    email: "officer@example.org",
    role: "compliance_officer",
    tenant: tenants[0].id,
  },
  {
    id: "0190f0aa-0000-7000-8000-000000000003",
    email: viewerCredentials.email,
    role: "viewer",
    tenant: tenants[0].id,
  },
];
const user = accounts[0];
const tokenOf = (account) => `mock.session.${account.role}`;

export class MockProblem extends Error {
  constructor(status, slug, title, detail, errors = []) {
    super(detail);
    this.body = { type: `/problems/${slug}`, title, status, detail, errors };
  }
}

const utc = (timeMs) => new Date(timeMs).toISOString().replace("Z", "000Z");

/** Everything the mock remembers; a fresh one for each run. */
export class MockApi {
  records = makeRecords();
  outcomes = new Map();
  #admin = new MockAdmin(accounts);
  #subjects = new MockSubjects(tenants[0].id);
  #verifications = new MockVerifications();
  reports = [
    report(1, "range", "October: all decisions of the bank", "done"),
    report(2, "decision", "Decision 0193… for the regulator", "done"),
    {
      ...report(3, "range", "Quarter, by application", "failed"),
      files: [],
      error: "the range holds more rows than one report may (500,000)",
    },
  ];
  /** True makes every call answer 401, as after an hour. */
  expired = false;

  /** Answers one call: `{status, body}` or `{status, text}`; throws MockProblem. */
  answer(method, url, headers, body) {
    const { pathname, searchParams } = url;
    if (pathname === "/api/v1/auth/login") return this.#login(body);
    const caller = accounts.find((account) => headers.authorization === `Bearer ${tokenOf(account)}`);
    if (this.expired || !caller) {
      throw new MockProblem(401, "unauthorized", "Not signed in", "the session has ended");
    }
    if (
      caller.role === "viewer" &&
      /reports|access-log|users|api-keys|applications|outcomes/.test(pathname)
    ) {
      throw new MockProblem(403, "forbidden", "Forbidden", "this needs the role admin or compliance_officer");
    }
    const subjects = this.#subjects.answer(method, pathname, body);
    if (subjects) return subjects;
    if (/\/subjects\/.+\/erasure$/.test(pathname)) {
      throw new MockProblem(
        404,
        "not-found",
        "Not found",
        "nothing is stored under this id, or it was erased",
      );
    }
    const administration = this.#admin.answer(method, pathname, body);
    if (administration) return administration;
    const route = `${method} ${pathname}`;
    const query = Object.fromEntries(searchParams);
    if (route === "GET /api/v1/auth/me") return ok(caller);
    if (route === "GET /api/v1/tenants") return ok({ tenants });
    if (route === "GET /api/v1/audit/logs") return ok(this.#list(query));
    if (route === "GET /api/v1/audit/sessions") return ok(this.#sessions(query));
    if (route === "GET /api/v1/metrics") return ok(metricsOf(this.#filter(query), query));
    if (route === "GET /api/v1/reports") return ok({ items: this.#reportList(), next_cursor: null });
    if (route === "POST /api/v1/reports/generate") return this.#newReport(body);
    if (route === "POST /api/v1/verify") return body.scope ? this.#verifications.begin() : ok(verification);
    if (route === "GET /api/v1/verify") return ok({ items: this.#verifications.newest() });
    const whole = /^\/api\/v1\/verify\/([0-9a-f-]{36})$/.exec(pathname);
    if (whole) return ok(this.#verifications.look());
    if (route === "GET /api/v1/checkpoints") return ok(checkpoints(query));
    if (route === "GET /api/v1/incidents") return ok({ items: [], open: 0 });
    if (route === "GET /api/v1/sources") return ok({ items: [] });
    if (route === "GET /api/v1/break-glass") return ok({ items: [], open: 0 });
    if (route === "GET /api/v1/access-log") return ok({ items: accesses(this.records), next_cursor: null });

    const log = /^\/api\/v1\/audit\/logs\/([0-9a-f-]{36})(\/proof|\/outcomes)?$/.exec(pathname);
    if (log) return this.#log(method, log[1], log[2] ?? "", query, body);
    const session = /^\/api\/v1\/audit\/sessions\/(.+)$/.exec(pathname);
    if (session) return ok(this.#session(decodeURIComponent(session[1])));
    const epoch = /^\/api\/v1\/checkpoints\/(\d+)$/.exec(pathname);
    if (epoch) return ok(checkpoint(Number(epoch[1])));
    const file = /^\/api\/v1\/reports\/([0-9a-f-]{36})$/.exec(pathname);
    if (file && query.format) return { status: 200, text: `mock ${query.format} of ${file[1]}\n` };
    if (file) {
      const job = this.#reportList().find((entry) => entry.id === file[1]);
      if (job) return ok(job);
    }
    throw new MockProblem(404, "not-found", "Not found", `there is no ${route}`);
  }

  #login(body) {
    const account = accounts.find((entry) => entry.email === body?.email && body?.password === password);
    if (!account) throw new MockProblem(401, "unauthorized", "Not signed in", "e-mail or password is wrong");
    this.expired = false;
    return ok({ token: tokenOf(account), expires_at: utc(nowMs + 3_600_000), user: account });
  }

  #filter(query) {
    const fromMs = query.from ? Date.parse(query.from) : Number.NEGATIVE_INFINITY;
    const toMs = query.to ? Date.parse(query.to) : Number.POSITIVE_INFINITY;
    const equal = [
      "tenant",
      "application",
      "environment",
      "operation",
      "decision_type",
      "provider",
      "model",
      "user_id",
      "session_id",
    ];
    if ((query.kind ?? "event") !== "event") return [];
    return this.records.filter((record) => {
      const timeMs = Date.parse(record.occurred_at);
      if (timeMs < fromMs || timeMs >= toMs) return false;
      if (equal.some((key) => query[key] && record[key] !== query[key])) return false;
      if (query.status === "error" || query.status === "ok") {
        if (record.is_error !== (query.status === "error")) return false;
      } else if (query.status && record.status !== Number(query.status)) return false;
      if (query.flagged && String(record.flagged) !== query.flagged) return false;
      if (query.has_pii && String(record.pii_total > 0) !== query.has_pii) return false;
      if (query.min_cost && Number(record.cost ?? -1) < Number(query.min_cost)) return false;
      return !query.q || JSON.stringify(publicPart(record)).includes(query.q);
    });
  }

  #list(query) {
    if (query.kind === "outcome") {
      const items = [...this.outcomes.values()].flat().map((outcome) => ({ ...outcome, kind: "outcome" }));
      return { items, next_cursor: null };
    }
    const found = this.#filter(query);
    const start = Number(query.cursor ?? 0);
    const limit = Number(query.limit ?? 50);
    const items = found.slice(start, start + limit).map(publicPart);
    return { items, next_cursor: start + limit < found.length ? String(start + limit) : null };
  }

  #log(method, eventId, part, query, body) {
    const record = this.records.find((entry) => entry.event_id === eventId);
    if (!record)
      throw new MockProblem(404, "not-found", "Not found", `no record has the event id ${eventId}`);
    const outcomes = this.outcomes.get(eventId) ?? firstOutcomes(record);
    if (part === "/proof") return { status: 200, text: "c2sp.org/tlog-proof@v1\nindex 751\n" };
    if (part === "/outcomes" && method === "POST") {
      const added = {
        event_id: eventId.replace(/^./, "f"),
        recorded_at: utc(nowMs),
        reviewer: user.id,
        override: false,
        flag: false,
        note: null,
        ...body,
      };
      this.outcomes.set(eventId, [...outcomes, added]);
      return { status: 201, body: { event_id: added.event_id } };
    }
    const detail = detailOf(record, outcomes, true);
    if (query.reveal) {
      const values = {
        EMAIL_ADDRESS: "j.doe@example.com",
        PHONE_NUMBER: "+44 20 7946 0958",
        US_SSN: "078-05-1120",
      };
      detail.revealed = Object.fromEntries(
        detail.redactions.map((entry) => [entry.token, values[entry.entity] ?? "(value)"]),
      );
    }
    return ok(detail);
  }

  #grouped(query) {
    const sessions = new Map();
    for (const record of this.#filter(query)) {
      const list = sessions.get(record.session_id) ?? [];
      list.unshift(record);
      sessions.set(record.session_id, list);
    }
    return sessions;
  }

  #sessions(query) {
    const all = [...this.#grouped(query)].map(([id, records]) => sessionOf(id, records));
    const start = Number(query.cursor ?? 0);
    const limit = Number(query.limit ?? 50);
    return {
      items: all.slice(start, start + limit),
      next_cursor: start + limit < all.length ? String(start + limit) : null,
    };
  }

  #session(id) {
    const records = this.#grouped({}).get(id);
    if (!records) throw new MockProblem(404, "not-found", "Not found", `no session is called ${id}`);
    return { session_id: id, totals: sessionOf(id, records), items: records.map(publicPart) };
  }

  /** Each look moves a running job on by one step, so that polling can be seen without waiting. */
  #reportList() {
    const shown = this.reports.map((job) => ({ ...job }));
    for (const job of this.reports) {
      if (job.status === "running")
        Object.assign(job, { status: "done", finished_at: utc(nowMs), files: files(job.type) });
      if (job.status === "queued") job.status = "running";
    }
    return shown;
  }

  #newReport(body) {
    if (body.type === "decision" && !this.records.some((record) => record.event_id === body.event_id)) {
      throw new MockProblem(400, "validation", "The report was not accepted", "no record has this event id", [
        { pointer: "/event_id", message: "names no record you may read" },
      ]);
    }
    const job = {
      ...report(4 + this.reports.length, body.type, body.title ?? "", "queued"),
      files: [],
      finished_at: null,
    };
    this.reports.unshift(job);
    return { status: 202, body: { id: job.id, status: job.status } };
  }
}

const ok = (body) => ({ status: 200, body });

const files = (type) =>
  type === "bundle" ? [{ format: "bundle", bytes: 48_201_728, sha256: "e5".repeat(32) }] : reportFiles;

const reportFiles = [
  { format: "pdf", bytes: 412_331, sha256: "4c".repeat(32) },
  { format: "csv", bytes: 1_208_442, sha256: "9a".repeat(32) },
];

function report(number, type, title, status) {
  const created = nowMs - number * 5_400_000;
  return {
    id: `0193d0aa-0000-7000-8000-${String(number).padStart(12, "0")}`,
    type,
    title,
    status,
    created_at: utc(created),
    created_by: user.email,
    finished_at: utc(created + 9_000),
    error: null,
    files: files(),
  };
}

function firstOutcomes(record) {
  if (!record.flagged && !record.overridden) return [];
  return [
    {
      event_id: record.event_id.replace(/^./, "e"),
      recorded_at: utc(Date.parse(record.occurred_at) + 7_200_000),
      outcome: record.flagged ? "incident" : "declined",
      reviewer: "k.lindqvist@example.org",
      override: record.overridden,
      flag: record.flagged,
      note: "The recommendation left out a guarantee that is on file.",
    },
  ];
}

function sessionOf(id, records) {
  const sum = (pick) => records.reduce((total, record) => total + (pick(record) ?? 0), 0);
  const units = sum((record) => record.hidden.units);
  const digits = String(units).padStart(11, "0");
  return {
    session_id: id,
    tenant: records[0].tenant,
    application: records[0].application,
    first_at: records[0].occurred_at,
    last_at: records.at(-1).occurred_at,
    calls: records.length,
    errors: sum((record) => (record.status >= 400 ? 1 : 0)),
    input_tokens: sum((record) => record.input_tokens),
    output_tokens: sum((record) => record.output_tokens),
    cost: records.some((record) => record.cost !== null)
      ? `${digits.slice(0, -10)}.${digits.slice(-10)}`
      : null,
    unpriced: sum((record) => (record.unpriced_reason ? 1 : 0)),
    flagged: sum((record) => (record.flagged ? 1 : 0)),
    pii_total: sum((record) => record.pii_total),
    user_id: records[0].user_id,
  };
}

const check = (name, detail, verdict = "pass") => ({ name, verdict, detail });
const verification = {
  verdict: "pass",
  checks: [
    check("leaf_hash", "re-hashed 412 stored bytes"),
    check("header", "SHA-256 of the stored header equals the leaf's"),
    check("templates", "4 of 4 salted commitments open"),
    check("ciphertexts", "2 of 2 sealed slots match their hash"),
    check("links", "previous and next leaf name this one"),
    check("inclusion", "10 hashes lead to the head of the chain in epoch 4711"),
    check("checkpoint_signature", "Ed25519, key aal-ledger+7f3a2c11"),
  ],
};

const origin = "audit.example/northgate";
function checkpoint(epoch) {
  const hash = (seed) => Buffer.from(`${seed}`.padStart(32, "k")).toString("base64");
  const manifest = tenants.map(
    (tenant, index) => `chain ${tenant.id}/${index} ${700 + index} ${hash(epoch + index)}`,
  );
  return {
    epoch,
    checkpoint: `${origin}\n${epoch}\n${hash(epoch)}\n\n— ${origin} ${hash(epoch * 7)}${hash(epoch * 3)}\n`,
    manifest: `epoch ${epoch}\nprevious ${hash(epoch - 1)}\n${manifest.join("\n")}\n`,
  };
}

function checkpoints(query) {
  const newest = query.before ? Number(query.before) - 1 : 4711;
  const items = Array.from({ length: 50 }, (_, index) => ({
    epoch: newest - index,
    sealed_at: utc(nowMs - (4711 - newest + index) * 10_000),
    chains: 12,
    leaves: 3000 - index,
    manifest_hash: Buffer.from(`manifest ${newest - index}`.padEnd(32, ".")).toString("hex"),
  }));
  return { origin, latest: checkpoint(4711), items };
}

function accesses(records) {
  return records.slice(0, 25).map((record, index) => ({
    event_id: record.event_id.replace(/^./, "a"),
    kind: "access",
    at: utc(nowMs - index * 460_000),
    tenant: record.tenant,
    actor: user.id,
    actor_email: index % 3 === 0 ? "auditor@example.org" : user.email,
    role: "compliance_officer",
    action: index % 5 === 0 ? "reveal" : "read",
    target_event_id: record.event_id,
    reason: index % 5 === 0 ? "Case C-4417, complaint of the customer" : null,
    ledger: { shard: 0, index },
  }));
}
