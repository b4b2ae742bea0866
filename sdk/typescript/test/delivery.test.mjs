import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { AuditLayer, ConfigurationError } from "audit-layer";
import { settings, startEdge } from "./harness.mjs";

let edge;
let spoolDir;
const layers = [];

before(async () => {
  edge = await startEdge();
});
after(() => edge.stop());
beforeEach(() => {
  spoolDir = mkdtempSync(path.join(tmpdir(), "audit-layer-"));
});
afterEach(async () => {
  await edge.mode("ok");
  await Promise.all(layers.splice(0).map((layer) => layer.close(500)));
  await edge.clear();
  rmSync(spoolDir, { recursive: true });
});

function layer(more) {
  const made = new AuditLayer(settings(edge, more));
  layers.push(made);
  return made;
}

function fill(audit, count, more = {}) {
  for (let number = 0; number < count; number++) {
    audit.record({ provider: "own", request: { body: `n${number}` }, ...more });
  }
}

async function sequences() {
  return (await edge.seen()).events.map((event) => event.source.sequence);
}

const upTo = (count) => Array.from({ length: count }, (_, number) => number);

/** Runs a script with a layer called `audit`; gives its exit code. */
async function child(script, { address = edge.address, spool = "", kill = false } = {}) {
  const text = `
    import { AuditLayer } from "audit-layer";
    const audit = new AuditLayer({ url: ${JSON.stringify(address)}, apiKey: "k", application: "tests",
      lingerMs: 30000, exitMs: 3000, firstPauseMs: 10, longestPauseMs: 50, spoolDir: ${JSON.stringify(spool)} || undefined });
    const fill = (count) => { for (let n = 0; n < count; n++) audit.record({ provider: "own", request: { body: "x" } }); };
    ${script}`;
  const running = spawn(process.execPath, ["--input-type=module", "-e", text], {
    cwd: path.dirname(fileURLToPath(import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  running.stderr.on("data", (data) => {
    stderr += data;
  });
  if (kill) {
    await once(createInterface(running.stdout), "line");
    running.kill("SIGKILL");
  }
  const [code] = await once(running, "close");
  return { code, stderr };
}

test("events go in batches and are numbered from 0", async () => {
  const audit = layer();
  fill(audit, 50);
  assert.ok(await audit.flush());
  assert.deepEqual(await sequences(), upTo(50));
  const { recorded, delivered, pending } = audit.counts;
  assert.deepEqual({ recorded, delivered, pending }, { recorded: 50, delivered: 50, pending: 0 });
});

test("only what was not taken is sent again, and a lost answer records nothing twice", async () => {
  for (const mode of ["flaky", "hang-up"]) {
    await edge.clear();
    await edge.mode(mode);
    const audit = layer();
    fill(audit, 8);
    assert.ok(await audit.flush(), mode);
    const { events, conflicts } = await edge.seen();
    assert.equal(events.length, 8);
    assert.deepEqual(conflicts, []);
    assert.ok(audit.counts.retries >= 1);
  }
});

test("refused events are counted and take no other with them", async () => {
  const audit = layer();
  fill(audit, 2);
  fill(audit, 1, { tags: { edge: "refuse" } });
  fill(audit, 2);
  await audit.flush();
  assert.deepEqual(await sequences(), [0, 1, 3, 4]);
  assert.equal(audit.counts.refused, 1);
  await edge.mode("refuse");
  fill(audit, 4);
  await audit.flush();
  assert.equal(audit.counts.refused, 5);
});

test("a full queue drops, counts and leaves a gap", async () => {
  await edge.mode("busy");
  const audit = layer({ queueEvents: 5 });
  fill(audit, 8);
  assert.equal(audit.counts.dropped, 3);
  await edge.mode("ok");
  assert.ok(await audit.flush());
  fill(audit, 1);
  await audit.flush();
  assert.deepEqual(await sequences(), [0, 1, 2, 3, 4, 8]);
});

test("dropped at the end shows by a closing event", async () => {
  await edge.mode("busy");
  const audit = layer({ queueEvents: 2 });
  fill(audit, 6);
  await edge.mode("ok");
  const counts = await audit.close();
  const closing = (await edge.waitFor(3))[2];
  assert.equal(closing.source.sequence, 6);
  assert.deepEqual(closing.tags, { "aal.capture": "closing" });
  assert.deepEqual([counts.recorded, counts.delivered, counts.dropped], [7, 3, 4]);
});

test("switched off, nothing is recorded and no setting is needed", async () => {
  process.env.AUDIT_LAYER_DISABLED = "1";
  try {
    const audit = new AuditLayer();
    assert.equal(audit.record({ provider: "own", request: { body: "x" } }), undefined);
    assert.equal(audit.counts.recorded, 0);
  } finally {
    delete process.env.AUDIT_LAYER_DISABLED;
  }
});

test("wrong settings and fields are named", () => {
  const good = { url: "http://e", apiKey: "k", application: "a" };
  assert.throws(() => new AuditLayer({ ...good, url: "" }), /AUDIT_LAYER_URL/);
  assert.throws(() => new AuditLayer({ ...good, url: "e:1" }), /http:\/\//);
  assert.throws(() => new AuditLayer({ ...good, queueEvents: 0 }), /queueEvents/);
  assert.throws(() => new AuditLayer({ ...good, policy: "open" }), /fail_closed/);
  assert.throws(() => new AuditLayer({ ...good, linger: 1 }), /linger/);
  const audit = layer();
  assert.throws(() => audit.record({ provider: "own" }), /request and response/);
  assert.throws(() => audit.record({ provider: "own", request: { headers: {} } }), /headers/);
  assert.throws(() => audit.context({ sessionId: "x".repeat(600) }, () => {}), ConfigurationError);
});

test("outcomes are delivered after their event", async () => {
  const audit = layer();
  const eventId = audit.record({ provider: "own", request: { body: "x" } });
  const outcomeId = audit.outcome(eventId, { outcome: "approved", reviewer: "j.doe" });
  assert.ok(await audit.flush());
  const { outcomes } = await edge.seen();
  assert.deepEqual(outcomes[outcomeId], {
    path: `/api/v1/audit/logs/${eventId}/outcomes`,
    outcome: "approved",
    reviewer: "j.doe",
  });
});

test("contexts follow awaits and do not mix", async () => {
  const audit = layer();
  const one = (number) =>
    audit.context({ userId: `u-${number}`, tags: { a: "1" } }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return audit.context({ tags: { b: "2" } }, async () => {
        audit.record({ provider: "own", request: { body: String(number) } });
      });
    });
  await Promise.all(upTo(8).map(one));
  for (const event of await edge.waitFor(8)) {
    assert.equal(event.user_id, `u-${event.request.body}`);
    assert.deepEqual(event.tags, { a: "1", b: "2" });
  }
});

test("a long body is cut and says so", async () => {
  const body = "ä".repeat(300_000);
  layer({ maxEventBytes: 200_000 }).record({
    provider: "own",
    request: { body: "short" },
    response: { status: 200, body },
  });
  const [event] = await edge.waitFor(1);
  assert.ok(Buffer.byteLength(JSON.stringify(event)) <= 200_000);
  assert.ok(body.startsWith(event.response.body) && event.response.body.length > 30_000);
  assert.equal(event.tags["aal.response.bytes"], "600000");
});

test("the spool keeps events while the edge is away and empties afterwards", async () => {
  await edge.mode("busy");
  const audit = layer({ spoolDir, queueEvents: 10 });
  for (let round = 0; round < 5; round++) {
    fill(audit, 10);
    await audit.flush(200);
  }
  assert.equal(audit.counts.dropped, 0);
  assert.equal(audit.counts.spooled + audit.counts.pending, 50);
  await edge.mode("ok");
  assert.ok(await audit.flush());
  assert.deepEqual(await sequences(), upTo(50));
  assert.deepEqual(
    readdirSync(spoolDir).filter((name) => name.endsWith(".ndjson")),
    [],
  );
});

test("a full spool keeps what it holds, and what has no room is counted and shows as a gap", async () => {
  await edge.mode("busy");
  // About 300 bytes an event: a handful of 50 fits.
  const audit = layer({ spoolDir, spoolBytes: 4_096, queueEvents: 10 });
  for (let round = 0; round < 5; round++) {
    fill(audit, 10);
    await audit.flush(200);
  }
  const { recorded, spooled, pending, dropped } = audit.counts;
  assert.equal(recorded, 50);
  assert.ok(spooled > 0 && spooled < 40, `${spooled} spooled`);
  assert.ok(dropped > 0, "some had no room");
  assert.equal(spooled + pending + dropped, 50);
  const onDisk = readdirSync(spoolDir).filter((name) => name.endsWith(".ndjson"));
  const bytes = onDisk.reduce((sum, name) => sum + statSync(path.join(spoolDir, name)).size, 0);
  assert.ok(bytes <= 4_096, `${bytes} bytes on disk`);
  await edge.mode("ok");
  assert.ok(await audit.flush());
  const arrived = await sequences();
  assert.equal(arrived.length, 50 - dropped);
  assert.ok(arrived.length < arrived.at(-1) + 1 || arrived.at(-1) < 49, "the gap shows in the numbers");
});

test("nothing of an event is said in warnings", async () => {
  const said = [];
  await edge.mode("refuse");
  const audit = layer({ warn: (message) => said.push(message) });
  audit.record({ provider: "own", userId: "private-user", request: { body: "very-private-words" } });
  await audit.flush();
  assert.ok(said.length > 0);
  assert.doesNotMatch(said.join(), /private/);
});

test("calls do not wait for an edge that stalls", async () => {
  await edge.mode("stall");
  const audit = layer({ queueEvents: 100, lingerMs: 0 });
  fill(audit, 501);
  assert.deepEqual([audit.counts.recorded, audit.counts.dropped, audit.counts.pending], [501, 401, 100]);
  const counts = await audit.close(100);
  assert.equal(counts.pending, 0);
});

test("the end of the process delivers, also when it never waits", async () => {
  assert.equal((await child("fill(5);")).code, 0);
  assert.deepEqual(await sequences(), upTo(5));
});

test("without an edge the process ends soon and says how many were lost", async () => {
  const { code, stderr } = await child("fill(3);", { address: "http://127.0.0.1:9" });
  assert.equal(code, 0);
  assert.match(stderr, /3 events were dropped/);
});

test("process.exit spools what cannot be sent any more, and a later process delivers it", async () => {
  assert.equal((await child("fill(4); process.exit(3);", { spool: spoolDir })).code, 3);
  assert.deepEqual(await sequences(), []);
  await child("fill(1);", { spool: spoolDir });
  assert.equal((await edge.waitFor(5)).length, 5);
});

test("a killed process with a spool shows its loss as a gap", async () => {
  const script = "fill(3); await audit.flush(); fill(4); console.log('ready'); setInterval(() => {}, 1000);";
  await child(script, { spool: spoolDir, kill: true });
  assert.deepEqual(await sequences(), [0, 1, 2]);
  await child("fill(1);", { spool: spoolDir });
  const events = await edge.waitFor(5);
  const { instance } = events[0].source;
  const killed = events.filter((event) => event.source.instance === instance);
  assert.deepEqual(
    killed.map((event) => event.source.sequence),
    [0, 1, 2, 7],
  );
  assert.deepEqual(killed.at(-1).tags, { "aal.capture": "closing" });
  assert.deepEqual(readdirSync(spoolDir), []);
});
