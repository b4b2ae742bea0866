// Runner of the TypeScript SDK: makes the calls of a script and prints what the application saw.
//
// node runner.mjs CALLS.json PROVIDER EDGE [--plain]
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { AuditLayer } from "../../sdk/typescript/dist/esm/index.js";

const [script, provider, edge] = process.argv.slice(2);
const audit = new AuditLayer({
  url: edge,
  apiKey: "aal_test",
  application: "conformance",
  environment: "test",
  enabled: !process.argv.includes("--plain"),
  lingerMs: 20,
});

async function made(call) {
  const fetch = audit.fetch(undefined, { provider: call.provider });
  const init = {
    method: "POST",
    body: call.body,
    headers: { "content-type": "application/json", "accept-encoding": "identity", ...call.headers },
  };
  let response;
  try {
    response = await fetch(call.url.replace("{provider}", provider), init);
  } catch {
    return { error: "connection" };
  }
  const digest = createHash("sha256");
  let bytes = 0;
  let error = null;
  try {
    for await (const chunk of response.body) {
      if (call.leave_early) return { status: response.status, left: true };
      bytes += chunk.length;
      digest.update(chunk);
    }
  } catch {
    error = "connection";
  }
  const content_type = response.headers.get("content-type");
  return { status: response.status, content_type, bytes, sha256: digest.digest("hex"), error };
}

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

function attribution(fields) {
  const known = ["user_id", "session_id", "decision_type", "user_email", "ip_address"];
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [known.includes(name) ? camel(name) : name, value]),
  );
}

const results = [];
for (const call of JSON.parse(readFileSync(script, "utf8"))) {
  const result = await audit.context(attribution(call.context ?? {}), async () => {
    if (!call.record) return made(call);
    audit.record(attribution(call.record));
    return { recorded: true };
  });
  results.push({ name: call.name, result });
}
const counts = await audit.close(20_000);
console.log(JSON.stringify({ results, counts: JSON.stringify(counts) }));
