// Walks through every view in a real browser, photographs it, and fails on anything a user should not see:
// console errors, page errors, failed requests, requests to other hosts, serious accessibility faults.
//
//   npm run e2e:mock                                        against the mock API
//   AAL_CONSOLE_URL=… AAL_EMAIL=… AAL_PASSWORD=… npm run e2e   against a running system
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { nowMs } from "./mock-data.mjs";
import { startMock } from "./mock-server.mjs";
import { walk } from "./walk.mjs";
import { walkMockOnly } from "./walk-mock.mjs";

const shots = fileURLToPath(new URL("./shots", import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const viewport = { width: 1440, height: 900 };
const browserFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** A page that writes down everything that goes wrong on it. */
class Watched {
  faults = [];
  /** Statuses that the step under way provokes on purpose. */
  expected = new Set();
  #origin;

  constructor(page, origin) {
    this.page = page;
    this.#origin = origin;
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      const provoked = [...this.expected].some((status) => message.text().includes(`status of ${status}`));
      if (!provoked) this.#fault(`console ${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.#fault(`page error: ${error.message}`));
    page.on("request", (request) => this.#checkHost(request.url()));
    page.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText ?? "";
      // The console itself cancels what it no longer needs.
      if (reason !== "net::ERR_ABORTED") this.#fault(`request failed: ${request.url()} ${reason}`);
    });
    page.on("response", (response) => {
      const status = response.status();
      if (status >= 400 && !this.expected.has(status)) this.#fault(`${status} from ${response.url()}`);
    });
  }

  #checkHost(url) {
    const { protocol, origin } = new URL(url);
    if (protocol === "blob:" || protocol === "data:") return;
    if (origin !== this.#origin) this.#fault(`request to another host: ${url}`);
  }

  #fault(text) {
    this.faults.push(`${new URL(this.page.url() || "http://start").pathname}: ${text}`);
  }

  /** Photographs the page and checks it for accessibility faults. */
  async shoot(name) {
    await this.page.waitForLoadState("load");
    await this.page.screenshot({ path: `${shots}/${name}.png` });
    await this.page.evaluate(axeSource);
    const violations = await this.page.evaluate(async () => {
      const options = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] };
      const result = await window.axe.run(document, options);
      return result.violations.map(({ id, impact, nodes }) => ({
        id,
        impact,
        where: nodes.map((node) => node.html),
      }));
    });
    for (const { id, impact, where } of violations) {
      this.#fault(
        `accessibility (${impact}) in ${name}: ${id} at ${where.slice(0, 3).join(" | ").slice(0, 400)}`,
      );
    }
    console.log(`  photographed ${name}`);
  }
}

async function open(browser, target, colorScheme) {
  const context = await browser.newContext({
    viewport,
    colorScheme,
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
  });
  if (target.mock) await context.clock.setFixedTime(nowMs);
  return new Watched(await context.newPage(), new URL(target.url).origin);
}

async function chooseTarget() {
  if (process.argv.includes("--mock")) {
    const mock = await startMock();
    return { url: mock.url, ...mock.credentials, mock };
  }
  const { AAL_CONSOLE_URL: url, AAL_EMAIL: email, AAL_PASSWORD: password } = process.env;
  if (!url || !email || !password) {
    throw new Error("set AAL_CONSOLE_URL, AAL_EMAIL and AAL_PASSWORD, or pass --mock");
  }
  return { url, email, password };
}

async function main() {
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  const target = await chooseTarget();
  const executablePath = process.env.AAL_CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, headless: true, args: browserFlags });
  const faults = [];
  try {
    for (const scheme of ["light", "dark"]) {
      console.log(`${scheme}:`);
      const watched = await open(browser, target, scheme);
      try {
        await walk(watched, target, scheme);
        if (target.mock && scheme === "light") await walkMockOnly(watched, target);
      } catch (error) {
        await watched.page.screenshot({ path: `${shots}/failure-${scheme}.png` });
        faults.push(`[${scheme}] the walk stopped at ${watched.page.url()}: ${error.stack ?? error}`);
      }
      await watched.page.context().close();
      faults.push(...watched.faults.map((fault) => `[${scheme}] ${fault}`));
    }
  } finally {
    await browser.close();
    await target.mock?.close();
  }
  for (const fault of [...new Set(faults)]) console.error(`FAULT ${fault}`);
  console.log(faults.length === 0 ? "no faults" : `${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

await main();
