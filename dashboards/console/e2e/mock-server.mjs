// The API by the contract, without a backend: for `npm run mock`, `npm run e2e:mock` and `npm run dev`.
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { WebSocketServer } from "ws";
import { credentials, MockApi, MockProblem } from "./mock-api.mjs";
import { makeLive } from "./mock-data.mjs";
import { publicPart } from "./mock-detail.mjs";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};
// Stricter than the real service may be: what works here works there.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const largestBody = 1_000_000;

async function readBody(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > largestBody) throw new MockProblem(413, "too-large", "Too large", "at most 1 MB");
  }
  return text ? JSON.parse(text) : undefined;
}

async function answerCall(api, request, response, url) {
  try {
    const body = await readBody(request);
    const answer = api.answer(request.method, url, request.headers, body);
    const text = answer.text ?? JSON.stringify(answer.body);
    response.writeHead(answer.status, {
      "content-type": answer.text === undefined ? "application/json" : "text/plain",
    });
    response.end(text);
  } catch (problem) {
    if (!(problem instanceof MockProblem)) throw problem;
    response.writeHead(problem.body.status, { "content-type": "application/problem+json" });
    response.end(JSON.stringify(problem.body));
  }
}

function answerFile(response, url) {
  const wanted = join(dist, normalize(url.pathname));
  // As strict as the real service about what is a view and what is a missing file.
  if (url.pathname.includes("%") || (extname(url.pathname) && !existsSync(wanted))) {
    response.writeHead(404, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ title: "Not found", status: 404 }));
    return;
  }
  const found = wanted.startsWith(dist) && existsSync(wanted) && statSync(wanted).isFile();
  const file = found ? wanted : join(dist, "index.html");
  response.writeHead(200, {
    "content-type": types[extname(file)] ?? "application/octet-stream",
    "content-security-policy": policy,
  });
  response.end(readFileSync(file));
}

/** The feed: records in a fixed rhythm, one note of missed ones, resumable by number. */
function serveFeed(socket, rhythmMs) {
  let timer;
  socket.on("close", () => clearInterval(timer));
  socket.once("message", (data) => {
    const hello = JSON.parse(data.toString());
    let next = hello.cursor ? Number(hello.cursor) + 1 : 0;
    const say = (message) => socket.send(JSON.stringify(message));
    say({ type: "ready", cursor: String(next - 1) });
    timer = setInterval(() => {
      if (next === 12) say({ type: "missed", count: 37, cursor: String(next) });
      const item = publicPart(makeLive(next));
      const wanted = Object.entries(hello.filters ?? {}).every(([key, value]) => item[key] === value);
      if (wanted) say({ type: "record", cursor: String(next), item });
      next += 1;
    }, rhythmMs);
  });
}

/** Starts the mock on a free port (or `port`) and tells where. */
export async function startMock({ port = 0, rhythmMs = 60 } = {}) {
  const api = new MockApi();
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://mock");
    if (url.pathname.startsWith("/api/")) {
      answerCall(api, request, response, url).catch((failure) => {
        console.error(failure);
        response.destroy();
      });
    } else answerFile(response, url);
  });
  const feed = new WebSocketServer({ server, path: "/ws/feed" });
  feed.on("connection", (socket) => serveFeed(socket, rhythmMs));
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    for (const socket of feed.clients) socket.terminate();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url, api, credentials, close };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await startMock({ port: Number(process.env.AAL_MOCK_PORT ?? 8080), rhythmMs: 700 });
  console.log(
    `mock API and console on ${url}; sign in as ${credentials.email} with "${credentials.password}"`,
  );
}
