// The steps that work against any system that holds some decisions.

const answerMs = 20_000;
const reportMs = 90_000;

/** Signs in, visits every view, and leaves a picture of each. */
export async function walk(watched, target, scheme) {
  const { page } = watched;
  const shoot = (name) => watched.shoot(`${scheme}-${name}`);
  page.setDefaultTimeout(answerMs);

  await page.goto(target.url);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await shoot("1-sign-in");
  await signIn(page, target);

  await page.getByRole("table", { name: "Records" }).waitFor();
  await page.locator("tbody a").first().waitFor();
  await shoot("3-explorer");

  await visitDecision(watched, shoot);
  await visitSession(page, shoot);

  await page.getByRole("link", { name: "Metrics" }).click();
  const calls = page.getByRole("img", { name: "Calls and errors over time" });
  const widen = page.getByRole("button", { name: "Look at the last 365 days" });
  await calls.or(widen).first().waitFor();
  if (await widen.isVisible()) await widen.click();
  await calls.waitFor();
  await page.locator(".u-over").first().hover();
  await shoot("7-metrics");
  await page.getByLabel("Group by").selectOption("model");
  await page.getByRole("heading", { name: /^Groups/ }).waitFor();
  await shoot("8-metrics-by-model");
  await page.getByRole("heading", { name: /^Groups/ }).scrollIntoViewIfNeeded();
  await shoot("8-metrics-breakdown");

  await visitReports(page, shoot, scheme);

  await page.getByRole("link", { name: "Ledger" }).click();
  await page.getByRole("heading", { name: "Ledger" }).waitFor();
  await page.getByText("signed").first().waitFor();
  await shoot("a-ledger");
  await page.getByRole("button", { name: "Verify everything" }).click();
  await page.getByRole("table", { name: "Verdicts" }).waitFor({ timeout: 90_000 });
  for (const verdict of ["CONTENT", "IDENTITY", "TIME", "WITNESS", "SCOPE", "ERASURE", "REPORT"]) {
    await page.getByRole("rowheader", { name: verdict }).waitFor();
  }
  await page.getByText("Nothing contradicts the ledger").waitFor();
  await page.getByText("this server's policy").scrollIntoViewIfNeeded();
  await shoot("a-ledger-verdicts");
  await page.getByRole("button", { name: "Make evidence bundle" }).click();
  await page.getByRole("button", { name: /^Download evidence bundle/ }).waitFor({ timeout: 90_000 });
  await page.getByRole("heading", { name: "Evidence bundle" }).scrollIntoViewIfNeeded();
  await shoot("a-ledger-bundle");

  await page.getByRole("link", { name: "Access log" }).click();
  await page.getByRole("heading", { name: "Access log" }).waitFor();
  await page.locator("tbody tr").first().waitFor();
  await shoot("b-access");

  await visitSubjects(watched, shoot);

  await visitAdministration(page, shoot);

  await page.getByRole("link", { name: "Live feed" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  if (target.mock) await page.locator("tbody a").nth(14).waitFor();
  await shoot("2-live-feed");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("paused").waitFor();
}

/** Every tab; and that a person of whom nothing is stored is told so. */
export async function visitSubjects(watched, shoot) {
  const { page } = watched;
  await page.getByRole("link", { name: "Subjects" }).click();
  await page.getByRole("button", { name: "Request erasure" }).waitFor();
  await page.locator("main").getByLabel("Tenant").selectOption({ index: 1 });
  await page.getByLabel("Id of the person").fill("nobody-of-this-name");
  await page.getByLabel("How the identity was checked").fill("passport seen at the desk");
  await page.getByLabel("Reason").fill("asked by letter");
  watched.expected.add(404);
  await page.getByRole("button", { name: "Request erasure" }).click();
  await page.getByText("nothing is stored under this id").waitFor();
  watched.expected.delete(404);
  await shoot("b-subjects-erasure");
  await page.getByRole("tab", { name: "Export" }).click();
  await page.getByRole("button", { name: "Make the export" }).waitFor();
  await shoot("b-subjects-export");
  await page.getByRole("tab", { name: "Legal holds" }).click();
  await page.getByText("placed and released by compliance officers").waitFor();
  await shoot("b-subjects-holds");
  await page.getByRole("tab", { name: "Retention" }).click();
  await page.locator("main").getByLabel("Tenant").selectOption({ index: 1 });
  await page.getByLabel(/^Days/).fill("365");
  await page.getByRole("button", { name: "Save rule" }).click();
  await page.getByText("365 days").waitFor();
  await shoot("b-subjects-retention");
  await page.getByRole("tab", { name: "Pruning" }).click();
  // The tab before has a tenant to choose, too.
  await page.getByRole("button", { name: "What would go?" }).waitFor();
  await page.locator("main").getByLabel("Tenant").selectOption({ index: 1 });
  await page.getByRole("button", { name: "What would go?" }).click();
  await page.getByText(/would go|past its retention/).waitFor();
  await shoot("b-subjects-pruning");
}

export async function signIn(page, target) {
  await page.getByLabel("E-mail").fill(target.email);
  await page.getByLabel("Password").fill(target.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function visitDecision(watched, shoot) {
  const { page } = watched;
  // One with removed values shows most; any other will do. Health information is sealed and shows a question first.
  const redacted = page
    .locator('[data-row="record"]')
    .filter({ has: page.locator('[data-mark="redacted"]') })
    .filter({ hasNot: page.locator('[data-mark="phi"]') });
  const records = page.locator('[data-row="record"]');
  await records.first().waitFor();
  const chosen = (await redacted.count()) > 0 ? redacted.first() : records.first();
  watched.expected.add(428);
  await chosen.locator("a").first().click();
  const question = page.getByRole("heading", { name: "Health information" });
  const conversation = page.getByRole("tab", { name: "Conversation" });
  await question.or(conversation).first().waitFor();
  if (await question.isVisible()) {
    await page.getByLabel("Purpose of use").selectOption("audit");
    await page.getByRole("button", { name: "Record and read" }).click();
  }
  await conversation.waitFor();
  watched.expected.delete(428);
  await shoot("4-decision");
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByRole("list", { name: "Checks" }).waitFor();
  await shoot("4-decision-verified");
  await page.getByRole("tab", { name: "Raw request" }).click();
  await page.getByRole("button", { name: "Copy" }).waitFor();
  await shoot("4-decision-raw");
}

async function visitSession(page, shoot) {
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
  await page.locator("tbody a").first().waitFor();
  await shoot("5-sessions");
  await page.locator("tbody a").first().click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  await shoot("6-session");
}

async function visitAdministration(page, shoot) {
  const link = page.getByRole("link", { name: "Administration" });
  // Only administrators have it.
  if ((await link.count()) === 0) return;
  await link.click();
  await page.getByRole("columnheader", { name: "Role" }).waitFor();
  await shoot("c-admin-users");
  await page.getByRole("tab", { name: "API keys" }).click();
  await page.getByRole("columnheader", { name: "Key id" }).waitFor();
  await shoot("c-admin-keys");
  await page.getByRole("tab", { name: "Applications" }).click();
  await page.getByRole("button", { name: "Save application" }).waitFor();
  await shoot("c-admin-applications");
}

async function visitReports(page, shoot, scheme) {
  await page.getByRole("link", { name: "Reports" }).click();
  await page.getByRole("heading", { name: "New report" }).waitFor();
  const title = `Walk through the console (${scheme})`;
  await page.getByLabel("Title").fill(title);
  await page.getByRole("button", { name: "Create report" }).click();
  const row = page.getByRole("row").filter({ hasText: title }).first();
  const pdf = row.getByRole("button", { name: /PDF/ });
  await pdf.waitFor({ timeout: reportMs });
  const [download] = await Promise.all([page.waitForEvent("download"), pdf.click()]);
  if ((await download.failure()) !== null) throw new Error("the report's PDF could not be downloaded");
  await shoot("9-reports");
}
