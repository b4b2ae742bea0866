// Erasures, legal holds, retention and prunes of the mock.

const at = "2026-06-30T09:00:00.000000Z";
const user = "01990000-0000-7000-8000-000000000001";

const erasure = (number, tenant, more) => ({
  id: `01990000-0000-7000-8000-0000000000e${number}`,
  tenant,
  target: "person",
  stage: "waiting",
  open: true,
  requested_at: at,
  requested_by: user,
  not_before: "2026-07-30T09:00:00.000000Z",
  identity_check: "passport seen",
  reason: "asked by letter",
  overridden: false,
  consents: [],
  decisions: [],
  subject_key_ids: [],
  records: 0,
  keys_destroyed_at: null,
  reports_withdrawn: [],
  steps: [],
  trouble: null,
  certificate: null,
  ...more,
});

const prune = (number, tenant, more) => ({
  id: `01990000-0000-7000-8000-0000000000f${number}`,
  tenant,
  stage: "planned",
  open: true,
  requested_at: at,
  requested_by: user,
  reason: "retention is over",
  approved_at: null,
  approved_by: null,
  records: 18_231,
  held: 12,
  more: false,
  oldest: "2025-06-01T00:00:00.000000Z",
  youngest: "2025-12-28T23:59:59.000000Z",
  shares: [
    { application: "loan-desk", class: "standard", records: 18_000, before: "2025-12-29T00:00:00.000000Z" },
    { application: "triage", class: "phi", records: 231, before: "2020-06-29T00:00:00.000000Z" },
  ],
  trouble: null,
  ...more,
});

/** Answers the calls about subjects; undefined for all others. */
export class MockSubjects {
  #tenant;
  #rules = [];

  constructor(tenant) {
    this.#tenant = tenant;
  }

  answer(method, pathname, body) {
    const ok = (value) => ({ status: 200, body: value });
    switch (`${method} ${pathname}`) {
      case "GET /api/v1/erasures":
        return ok({ items: this.#erasures(), next_before: null });
      case "GET /api/v1/legal-holds":
        return ok({ items: this.#holds() });
      case "GET /api/v1/retention":
        return ok({
          items: this.#rules,
          minimums: [
            { class: "standard", days: 183 },
            { class: "phi", days: 2192 },
          ],
        });
      case "GET /api/v1/prunes":
        return ok({ items: this.#prunes(), next_before: null });
      case "POST /api/v1/prunes":
        return ok(prune(9, body.tenant, { stage: "planned" }));
      case "PUT /api/v1/retention":
        this.#rules = [{ application: null, ...body, set_at: at, set_by: user }];
        return ok(this.#rules[0]);
      default:
        return undefined;
    }
  }

  #erasures() {
    return [
      erasure(1, this.#tenant, { consents: [{ at, by: user }] }),
      erasure(2, this.#tenant, {
        stage: "held",
        decisions: [{ at, outcome: "held", legal_holds: [user], by: null }],
      }),
      erasure(3, this.#tenant, {
        stage: "done",
        open: false,
        records: 17,
        keys_destroyed_at: at,
        certificate: { issued_at: at, sha256: "0".repeat(64), report: null },
      }),
      erasure(4, this.#tenant, { stage: "emptying", trouble: "clickhouse did not answer within 30000 ms" }),
    ];
  }

  #prunes() {
    return [
      prune(1, this.#tenant, { requested_by: `${user.slice(0, -1)}7` }),
      prune(2, this.#tenant, {
        stage: "removing",
        trouble: "3 of the records must stay by a legal hold or a rule that came since",
      }),
      prune(3, this.#tenant, { stage: "done", open: false, held: 0 }),
    ];
  }

  #holds() {
    const hold = { tenant: this.#tenant, application: null, placed_at: at, placed_by: user, active: true };
    const open = { released_at: null, released_by: null, release_reason: null };
    return [
      { ...hold, ...open, id: `${user.slice(0, -1)}2`, scope: "person", reason: "litigation 4711" },
      {
        ...hold,
        id: `${user.slice(0, -1)}3`,
        scope: "application",
        application: "loan-desk",
        reason: "audit",
        active: false,
        released_at: at,
        released_by: user,
        release_reason: "audit is over",
      },
    ];
  }
}
