// A believable, entirely made-up month: three companies, the same on every run.

/** The mock's "now". The browser's clock is set to it, so that every picture is the same. */
export const nowMs = Date.parse("2026-11-23T12:00:00Z");
const dayMs = 86_400_000;

/** A small generator of repeatable numbers (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const whole = (from, to) => from + Math.floor(next() * (to - from + 1));
  const pick = (list) => list[whole(0, list.length - 1)];
  const hex = (length) => Array.from({ length }, () => whole(0, 15).toString(16)).join("");
  return { next, whole, pick, hex, chance: (share) => next() < share };
}

export const tenants = [
  { id: "5b0f6a3e-6f0e-4d3c-9a51-0c1d2e3f4a5b", name: "Northgate Bank" },
  { id: "8c1e7d42-1b2a-4c5d-8e9f-102132435465", name: "St. Aldhelm Hospital" },
  { id: "c2d3e4f5-0a1b-4c2d-9e3f-5a6b7c8d9e0f", name: "Harker & Lowe LLP" },
];

const applications = [
  {
    tenant: 0,
    name: "loan-desk",
    decisions: ["credit_limit", "loan_precheck"],
    users: ["m.ortiz", "k.lindqvist", "a.bello"],
  },
  { tenant: 0, name: "fraud-triage", decisions: ["transaction_review"], users: ["j.novak", "p.sato"] },
  { tenant: 0, name: "support-chat", decisions: ["customer_reply"], users: ["bot"] },
  {
    tenant: 1,
    name: "discharge-notes",
    decisions: ["discharge_summary", "medication_check"],
    users: ["dr.amari", "dr.weiss"],
    phi: true,
  },
  { tenant: 1, name: "intake-triage", decisions: ["urgency"], users: ["nurse.kelly"], phi: true },
  { tenant: 2, name: "contract-review", decisions: ["clause_risk"], users: ["e.harker", "t.lowe"] },
  { tenant: 2, name: "research-memo", decisions: ["case_search"], users: ["s.iyer"] },
];

// Prices in 10^-10 dollars per token.
const models = [
  {
    provider: "openai",
    model: "gpt-4o-2024-08-06",
    asked: "gpt-4o",
    operation: "chat",
    input: 25_000,
    output: 100_000,
  },
  {
    provider: "openai",
    model: "gpt-4.1-mini-2025-04-14",
    asked: "gpt-4.1-mini",
    operation: "responses",
    input: 4_000,
    output: 16_000,
  },
  {
    provider: "anthropic",
    model: "claude-sonnet-4-5-20250929",
    asked: "claude-sonnet-4-5",
    operation: "messages",
    input: 30_000,
    output: 150_000,
  },
  {
    provider: "azure",
    model: "gpt-4o-2024-11-20",
    asked: "gpt-4o-eu",
    operation: "chat",
    input: 25_000,
    output: 100_000,
  },
  {
    provider: "openai",
    model: "text-embedding-3-small",
    asked: "text-embedding-3-small",
    operation: "embeddings",
    input: 200,
    output: 0,
  },
  {
    provider: "ollama",
    model: "qwen2.5-legal:14b",
    asked: "qwen2.5-legal:14b",
    operation: "chat",
    unpriced: "unknown_model",
  },
];

const entities = ["EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN", "CREDIT_CARD", "US_SSN", "IP_ADDRESS"];
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const dollars = (units) => {
  const digits = String(units).padStart(11, "0");
  return `${digits.slice(0, -10)}.${digits.slice(-10)}`;
};

function makeUuid(random, timeMs) {
  const time = timeMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.hex(3)}-9${random.hex(3)}-${random.hex(12)}`;
}

const iso = (timeMs, micros) =>
  new Date(timeMs).toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`);

function makeRecord(random, timeMs, index) {
  const application = random.pick(applications);
  const model = application.tenant === 2 && random.chance(0.35) ? models[5] : models[random.whole(0, 4)];
  const failed = random.chance(0.035);
  const streamed = model.operation !== "embeddings" && random.chance(0.5);
  const interrupted = !failed && streamed && random.chance(0.03);
  const durationMs = random.whole(180, 900) + Math.floor(random.next() ** 5 * 30_000);
  const inputTokens = failed ? null : random.whole(90, 4200);
  const outputTokens = failed ? null : model.output === 0 ? 0 : random.whole(15, 900);
  const cached = inputTokens && random.chance(0.3) ? Math.floor(inputTokens / 2) : 0;
  const pii = {};
  const tokens = [];
  if (!failed && random.chance(0.4)) {
    for (let count = random.whole(1, 3); count > 0; count -= 1) {
      const entity = random.pick(entities);
      pii[entity] = (pii[entity] ?? 0) + 1;
      const id = Array.from({ length: 16 }, () => crockford[random.whole(0, 31)]).join("");
      tokens.push({ entity, token: `[[${entity}:k1:${id}]]` });
    }
  }
  const usage = failed
    ? {}
    : Object.fromEntries(
        Object.entries({
          input_text: inputTokens - cached,
          cache_read: cached,
          output_text: outputTokens,
        }).filter(([, count]) => count > 0),
      );
  const unpricedReason = failed ? "" : (model.unpriced ?? "");
  const units = failed || unpricedReason ? null : inputTokens * model.input + outputTokens * model.output;
  const session = `${application.name}-${Math.floor(index / 60)}`;
  const flagged = random.chance(0.012);
  return {
    event_id: makeUuid(random, timeMs),
    kind: "event",
    occurred_at: iso(timeMs, random.whole(0, 999)),
    edge_at: iso(timeMs + durationMs + 12, random.whole(0, 999)),
    tenant: tenants[application.tenant].id,
    application: application.name,
    environment: "production",
    decision_type: random.pick(application.decisions),
    user_id: random.pick(application.users),
    session_id: session,
    subject_key: random.hex(32),
    provider: model.provider,
    operation: model.operation,
    model: failed ? "" : model.model,
    model_requested: model.asked,
    status: failed ? random.pick([429, 500, 503]) : 200,
    is_error: failed,
    error_type: failed ? "api_error" : "",
    streamed,
    interrupted,
    finish_reasons: failed || interrupted ? [] : ["stop"],
    duration_ms: durationMs,
    first_token_ms: streamed ? Math.floor(durationMs / 4) : null,
    usage_state: failed ? "not_applicable" : interrupted ? "usage_incomplete" : "usage_reported",
    usage,
    input_tokens: inputTokens ?? 0,
    output_tokens: outputTokens ?? 0,
    cost: units === null ? null : dollars(units),
    currency: "USD",
    unpriced_reason: unpricedReason,
    pii,
    pii_total: tokens.length,
    phi: application.phi === true,
    flagged,
    overridden: flagged || random.chance(0.02),
    ledger: { shard: index % 4, index: Math.floor(index / 4) },
    // Beyond the contract: what the detail view is made from.
    hidden: { tokens, model, units, seed: index },
  };
}

/** Decisions over the last 30 days, fewer at night and at week-ends, newest first. */
export function makeRecords(count = 3000) {
  const random = generator(20261123);
  const times = [];
  while (times.length < count) {
    const timeMs = nowMs - Math.floor(random.next() * 30 * dayMs);
    const date = new Date(timeMs);
    const weekend = date.getUTCDay() % 6 === 0;
    const office = date.getUTCHours() >= 7 && date.getUTCHours() < 18;
    if (random.chance((weekend ? 0.25 : 1) * (office ? 1 : 0.2))) times.push(timeMs);
  }
  times.sort((left, right) => left - right);
  return times.map((timeMs, index) => makeRecord(random, timeMs, index)).reverse();
}

/** One more record for the live feed. */
export function makeLive(index) {
  const random = generator(7_000_000 + index);
  return makeRecord(random, nowMs + index * 700, 3000 + index);
}
