// A recording edge and the fake provider as child processes, for one test file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");

/** Shaped like nothing: the tests look for it in events. */
export const PROVIDER_KEY = ["provider", "secret", "0123456789"].join("-");

async function program(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(createInterface(child.stdout), "line");
  return {
    address: JSON.parse(line).address,
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

export function startProvider() {
  const directory = process.env.AAL_BIN_DIR;
  if (!directory) throw new Error("AAL_BIN_DIR is not set; run make test-typescript");
  return program(path.join(directory, "aal-fake-provider"), ["--listen", "127.0.0.1:0"]);
}

export async function startEdge() {
  const { address, stop } = await program(process.env.PYTHON ?? "python3", [
    path.join(ROOT, "tests/sdk-conformance/recording_edge.py"),
  ]);
  const edge = {
    address,
    stop,
    /** Everything that was recorded, events in the order of their numbers. */
    async seen() {
      return (await fetch(`${address}/_edge/events`)).json();
    },
    async mode(mode) {
      await fetch(`${address}/_edge/mode`, { method: "PUT", body: JSON.stringify({ mode }) });
    },
    async clear() {
      await edge.mode("ok");
      await fetch(address, { method: "DELETE" });
    },
    /** The events, once there are so many. */
    async waitFor(count) {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const { events } = await edge.seen();
        if (events.length >= count) return events;
        if (Date.now() > deadline) throw new Error(`${events.length} of ${count} events`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
  return edge;
}

export function settings(edge, more = {}) {
  return {
    url: edge.address,
    apiKey: "aal_test",
    application: "tests",
    lingerMs: 20,
    firstPauseMs: 10,
    longestPauseMs: 50,
    warn: () => {},
    ...more,
  };
}
