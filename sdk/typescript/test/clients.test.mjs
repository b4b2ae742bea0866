import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, afterEach, before, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, streamText } from "ai";
import { AuditLayer, AuditUnavailable, WrapError } from "audit-layer";
import Groq from "groq-sdk";
import OpenAI, { AzureOpenAI } from "openai";
import { PROVIDER_KEY, settings, startEdge, startProvider } from "./harness.mjs";

const MESSAGES = [{ role: "user", content: "Is a limit of 5000 € right for customer 9?" }];
const CHAT = { model: "gpt-4o", messages: MESSAGES };
let edge;
let provider;
const layers = [];

before(async () => {
  [edge, provider] = await Promise.all([startEdge(), startProvider()]);
});
after(() => Promise.all([edge.stop(), provider.stop()]));
afterEach(async () => {
  await edge.mode("ok");
  await Promise.all(layers.splice(0).map((layer) => layer.close(500)));
  await edge.clear();
});

function layer(more) {
  const made = new AuditLayer(settings(edge, more));
  layers.push(made);
  return made;
}

function openai(more = {}) {
  return new OpenAI({ apiKey: PROVIDER_KEY, baseURL: `${provider.address}/v1`, maxRetries: 0, ...more });
}

test("openai: the same answer, and the raw exchange", async () => {
  const audit = layer();
  const plain = await openai().chat.completions.create(CHAT);
  const client = audit.wrap(openai());
  const eventId = await audit.context(
    { userId: "u-1", sessionId: "case-17", decisionType: "limit", subject: "customer-9" },
    async (context) => {
      const answer = await client.chat.completions.create(CHAT);
      assert.deepEqual(answer, plain);
      return context.lastEventId;
    },
  );
  const [event] = await edge.waitFor(1);
  assert.equal(event.event_id, eventId);
  assert.equal(event.provider, "openai");
  assert.deepEqual(JSON.parse(event.request.body).messages, MESSAGES);
  assert.equal(JSON.parse(event.response.body).id, plain.id);
  assert.equal(event.response.status, 200);
  assert.deepEqual(
    [event.user_id, event.session_id, event.subject],
    ["u-1", "case-17", { id: "customer-9" }],
  );
  assert.equal(event.source.sequence, 0);
  assert.ok(!JSON.stringify(event).includes(PROVIDER_KEY));
});

test("openai: a stream is its bytes, one that is left is interrupted, withOptions is recorded too", async () => {
  const audit = layer();
  const client = audit.wrap(openai()).withOptions({ timeout: 30_000 });
  let chunks = 0;
  for await (const _ of await client.chat.completions.create({ ...CHAT, stream: true })) chunks += 1;
  for await (const _ of await client.chat.completions.create({ ...CHAT, stream: true })) break;
  const [whole, left] = await edge.waitFor(2);
  assert.equal(whole.response.body.split("data: {").length - 1, chunks);
  assert.match(whole.response.body, /data: \[DONE\]/);
  assert.ok(whole.timing.first_token_ms <= whole.timing.duration_ms);
  assert.equal(whole.interrupted, undefined);
  assert.equal(left.interrupted, true);
});

test("a cut stream throws as before and is interrupted with an error", async () => {
  const audit = layer();
  const cut = { ...CHAT, stream: true, messages: [{ role: "user", content: "[[fake:cut]] long please" }] };
  const failure = async (client) => {
    try {
      for await (const _ of await client.chat.completions.create(cut));
    } catch (error) {
      return error.constructor.name;
    }
    return "none";
  };
  assert.equal(await failure(audit.wrap(openai())), await failure(openai()));
  const [event] = await edge.waitFor(1);
  assert.equal(event.interrupted, true);
  assert.equal(event.error.type, "connection");
  assert.match(event.response.body, /^data: /);
});

test("errors of the provider, and a provider that is not there", async () => {
  const audit = layer();
  const client = audit.wrap(openai());
  const limited = { ...CHAT, messages: [{ role: "user", content: "[[fake:429]]" }] };
  await assert.rejects(client.chat.completions.create(limited), OpenAI.RateLimitError);
  const nobody = audit.wrap(openai({ baseURL: "http://127.0.0.1:9/v1" }));
  await assert.rejects(nobody.chat.completions.create(CHAT), OpenAI.APIConnectionError);
  const [answered, failed] = await edge.waitFor(2);
  assert.equal(answered.response.status, 429);
  assert.equal(answered.error, undefined);
  assert.equal(failed.error.type, "connection");
  assert.equal(failed.response, undefined);
});

test("azure, anthropic and groq", async () => {
  const audit = layer();
  const azure = new AzureOpenAI({
    apiKey: PROVIDER_KEY,
    endpoint: provider.address,
    apiVersion: "2024-10-21",
    maxRetries: 0,
  });
  await audit.wrap(azure).chat.completions.create({ ...CHAT, model: "my-deployment" });
  const anthropic = audit.wrap(
    new Anthropic({ apiKey: PROVIDER_KEY, baseURL: provider.address, maxRetries: 0 }),
  );
  const ask = { model: "claude-test-model", max_tokens: 64, messages: MESSAGES };
  await anthropic.messages.create(ask);
  await anthropic.messages.stream(ask).finalMessage();
  const groq = new Groq({ apiKey: PROVIDER_KEY, baseURL: provider.address, maxRetries: 0 });
  await audit.wrap(groq).chat.completions.create({ ...CHAT, model: "llama-3.3-70b-versatile" });
  const events = await edge.waitFor(4);
  assert.deepEqual(
    events.map((event) => event.provider),
    ["azure", "anthropic", "anthropic", "groq"],
  );
  assert.match(
    events[0].request.url,
    /deployments\/my-deployment\/chat\/completions\?api-version=2024-10-21$/,
  );
  assert.match(events[2].response.body, /event: message_stop/);
  assert.ok(events.every((event) => event.interrupted === undefined && event.response.status === 200));
  assert.ok(!JSON.stringify(events).includes(PROVIDER_KEY));
});

test("the Vercel AI SDK, plain and streamed", async () => {
  const audit = layer();
  const fetch = audit.fetch(undefined, { provider: "openai" });
  const model = createOpenAI({ apiKey: PROVIDER_KEY, baseURL: `${provider.address}/v1`, fetch });
  const { text } = await audit.context({ userId: "u-2" }, () =>
    generateText({ model: model.chat("gpt-4o"), prompt: "hello", maxRetries: 0 }),
  );
  const streamed = streamText({ model: model.chat("gpt-4o"), prompt: "hello", maxRetries: 0 });
  let joined = "";
  for await (const part of streamed.textStream) joined += part;
  const anthropic = createAnthropic({
    apiKey: PROVIDER_KEY,
    baseURL: `${provider.address}/v1`,
    fetch: audit.fetch(undefined, { provider: "anthropic" }),
  });
  await generateText({ model: anthropic("claude-test-model"), prompt: "hello", maxRetries: 0 });
  const [first, second, third] = await edge.waitFor(3);
  assert.equal(JSON.parse(first.response.body).choices[0].message.content, text);
  assert.equal(first.user_id, "u-2");
  assert.ok(joined.length > 0);
  assert.match(second.response.body, /data: \[DONE\]/);
  assert.equal(third.provider, "anthropic");
  assert.ok(!JSON.stringify([first, second, third]).includes(PROVIDER_KEY));
});

test("a plain fetch with every kind of body", async () => {
  const audit = layer();
  const fetch = audit.fetch();
  const url = `${provider.address}/v1/embeddings?api-key=${PROVIDER_KEY}&v=1`;
  const body = JSON.stringify({ model: "m", input: "x" });
  const form = new FormData();
  form.set("model", "whisper-1");
  form.set("file", new Blob([new Uint8Array([0xff, 0xfe])]), "a.wav");
  const stream = new Blob([body]).stream();
  const post = { method: "POST" };
  await (await fetch(url, { ...post, body })).text();
  await (await fetch(url, { ...post, body: new TextEncoder().encode(body) })).arrayBuffer();
  await (await fetch(new Request(url, { ...post, body }))).json();
  await (await fetch(url, { ...post, body: stream, duplex: "half" })).text();
  await (await fetch(`${provider.address}/v1/audio/transcriptions`, { ...post, body: form })).text();
  await (await fetch(url, { ...post, body, headers: { "x-fake-encoding": "gzip" } })).text();
  const events = await edge.waitFor(6);
  for (const at of [0, 1, 2, 3, 5]) assert.equal(events[at].request.body, body, `event ${at}`);
  assert.equal(events[5].response.body, events[0].response.body);
  assert.match(Buffer.from(events[4].request.body_base64, "base64").toString("latin1"), /name="model"/);
  assert.equal(events[0].provider, "127.0.0.1");
  assert.match(events[0].request.url, /\/v1\/embeddings\?v=1$/);
  assert.ok(!JSON.stringify(events).includes(PROVIDER_KEY));
});

test("an aborted call and an answer that nobody reads", async () => {
  const audit = layer();
  const fetch = audit.fetch();
  const stalled = JSON.stringify({
    ...CHAT,
    stream: true,
    messages: [{ role: "user", content: "[[fake:stall]]" }],
  });
  const abort = new AbortController();
  const answer = await fetch(`${provider.address}/v1/chat/completions`, {
    method: "POST",
    body: stalled,
    signal: abort.signal,
  });
  const reading = answer.text();
  abort.abort();
  await assert.rejects(reading, { name: "AbortError" });
  const [event] = await edge.waitFor(1);
  assert.equal(event.interrupted, true);
  assert.equal(event.error.type, "cancelled");
});

test("an answer's properties stay, and a reader with its own buffer works", async () => {
  const audit = layer();
  const url = `${provider.address}/v1/chat/completions`;
  const init = { method: "POST", body: JSON.stringify(CHAT) };
  const plain = await fetch(url, init);
  const answer = await audit.fetch()(url, init);
  for (const name of ["url", "status", "statusText", "ok", "redirected", "type"]) {
    assert.equal(answer[name], plain[name], name);
  }
  const reader = answer.body.getReader({ mode: "byob" });
  let text = "";
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(16));
    if (done) break;
    text += Buffer.from(value).toString();
  }
  assert.equal(text, await plain.text());
  assert.equal((await edge.waitFor(1))[0].response.body, text);
});

test("fail_closed: the intent comes first, and without it there is no call", async () => {
  const audit = layer({ policy: "fail_closed", intentMs: 400 });
  await audit.wrap(openai()).chat.completions.create(CHAT);
  const [intent, completion] = await edge.waitFor(2);
  assert.deepEqual(intent.tags, { "aal.capture": "intent" });
  assert.equal(intent.response, undefined);
  assert.deepEqual(completion.tags, { "aal.intent": intent.event_id });
  await fetch(`${provider.address}/_fake/requests`, { method: "DELETE" });
  for (const mode of ["stall", "busy", "refuse"]) {
    await edge.mode(mode);
    const call = audit.fetch()(`${provider.address}/v1/chat/completions`, { method: "POST", body: "{}" });
    await assert.rejects(call, AuditUnavailable, mode);
  }
  const seen = await (await fetch(`${provider.address}/_fake/requests`)).json();
  assert.deepEqual(
    seen.filter((request) => request.method === "POST"),
    [],
  );
});

test("what cannot be wrapped is refused with a way out; wrapping twice records once", async () => {
  const audit = layer();
  for (const thing of [{}, "text", null, OpenAI]) assert.throws(() => audit.wrap(thing), WrapError);
  const client = openai();
  assert.equal(audit.wrap(audit.wrap(client)), client);
  assert.throws(() => layer().wrap(client), /another AuditLayer/);
  await client.chat.completions.create(CHAT);
  await audit.flush();
  assert.equal((await edge.seen()).events.length, 1);
});

test("the CommonJS build is the same", () => {
  const common = createRequire(import.meta.url)("audit-layer");
  assert.equal(typeof common.AuditLayer, "function");
  assert.notEqual(common.AuditLayer, AuditLayer);
});
