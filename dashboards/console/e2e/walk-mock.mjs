// The steps that need a mock: refusals, an expired session, revealing, empty results.
import { viewerCredentials } from "./mock-api.mjs";
import { signIn } from "./walk.mjs";

const expect = (holds, message) => {
  if (!holds) throw new Error(message);
};

/** Follows `walk`; the page is signed in. */
export async function walkMockOnly(watched, target) {
  const { page } = watched;
  const { api } = target.mock;

  await page.getByRole("button", { name: /Resume/ }).click();
  await page.getByText(/37 records were not shown/).waitFor();
  // Leaving the feed and coming back loses nothing.
  await page.getByRole("link", { name: "Explorer" }).click();
  await page.getByRole("table", { name: "Records" }).waitFor();
  await page.goBack();
  await page.getByText(/37 records were not shown/).waitFor();

  // Filters live in the address: a shared link shows the same.
  await page.goto(`${target.url}/explorer?provider=anthropic&has_pii=true&min_cost=0.01&status=abc`);
  await page.getByText("not applied: status=abc").waitFor();
  await page.locator("tbody a").first().waitFor();
  await watched.shoot("mock-explorer-filtered");
  await page.getByRole("button", { name: "Remove the filter provider" }).click();
  await page.waitForURL((url) => !url.searchParams.has("provider"));

  // Scrolling to the end fetches the next page by itself.
  await page.goto(`${target.url}/explorer?application=loan-desk`);
  await page.getByText("100 records so far").waitFor();
  await page
    .getByRole("region", { name: "Records" })
    .evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.getByText("200 records so far").waitFor();

  // Back from a record leads to the same place of the same list.
  const list = page.getByRole("region", { name: "Records" });
  await list.evaluate((element) => element.scrollTo(0, 3000));
  await page.locator('[data-row="record"] a').first().waitFor();
  await page
    .getByRole("link", { name: /^2026-/ })
    .nth(20)
    .click();
  await page.getByRole("tab", { name: "Conversation" }).waitFor();
  await page.goBack();
  await page.getByText("200 records so far").waitFor();
  const scrolledPx = await list.evaluate((element) => element.scrollTop);
  expect(scrolledPx === 3000, `the list came back at ${scrolledPx} px instead of 3000`);

  await page.goto(`${target.url}/explorer?q=nothing-like-this`);
  await page.getByText("No record matches these filters").waitFor();
  await watched.shoot("mock-explorer-empty");

  const redacted = api.records.find((record) => record.pii_total > 1 && record.overridden);
  await page.goto(`${target.url}/decisions/${redacted.event_id}`);
  await page.getByRole("button", { name: "Reveal values" }).click();
  await page.getByRole("textbox", { name: "Reason" }).fill("Case C-4417, complaint of the customer");
  await watched.shoot("mock-reveal-dialog");
  await page.getByRole("button", { name: "Record and reveal" }).click();
  await page.getByText("Removed values are shown").waitFor();
  await watched.shoot("mock-revealed");
  await page.getByRole("button", { name: "Add an outcome" }).click();
  await page.getByRole("combobox", { name: "Outcome" }).fill("corrected");
  await page.getByRole("button", { name: "Record", exact: true }).click();
  await page.getByRole("cell", { name: "corrected" }).waitFor();

  const unpriced = api.records.find(
    (record) => record.unpriced_reason === "unknown_model" && record.status === 200,
  );
  await page.goto(`${target.url}/decisions/${unpriced.event_id}`);
  await page.getByText("unpriced: unknown model").first().waitFor();
  await watched.shoot("mock-unpriced");

  const broken = api.records.find((record) => record.interrupted && record.streamed);
  await page.goto(`${target.url}/decisions/${broken.event_id}`);
  await page
    .getByText(/the stream broke off/i)
    .first()
    .waitFor();
  await watched.shoot("mock-interrupted");

  watched.expected.add(404);
  await page.goto(`${target.url}/decisions/00000000-0000-7000-8000-000000000000`);
  await page.getByRole("alert").waitFor();
  await watched.shoot("mock-not-found");
  watched.expected.delete(404);

  // The session ends in the middle of work; signing in leads back to the same place.
  watched.expected.add(401);
  const place = `${target.url}/metrics?range=7d&group_by=application`;
  await page.goto(place);
  await page.getByRole("heading", { name: /^Groups/ }).waitFor();
  api.expired = true;
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByText("Your session ended").waitFor();
  await watched.shoot("mock-session-ended");
  await page.getByLabel("E-mail").fill(target.email);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("E-mail or password is wrong").waitFor();
  await signIn(page, target);
  await page.getByRole("heading", { name: /^Groups/ }).waitFor();
  expect(page.url() === place, `back at ${page.url()} instead of ${place}`);
  watched.expected.delete(401);

  await makeKey(watched, target);

  await page.setViewportSize({ width: 800, height: 1000 });
  await page.goto(`${target.url}/decisions/${redacted.event_id}`);
  await page.getByRole("tab", { name: "Conversation" }).waitFor();
  await watched.shoot("mock-narrow-decision");

  // A viewer is not offered what the service would refuse.
  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, { ...target, ...viewerCredentials });
  await page.getByRole("tab", { name: "Conversation" }).waitFor();
  for (const name of ["Reports", "Access log", "Administration"]) {
    expect((await page.getByRole("link", { name }).count()) === 0, `a viewer is offered ${name}`);
  }
  for (const name of ["Reveal values", "Create report", "Add an outcome"]) {
    expect((await page.getByRole("button", { name }).count()) === 0, `a viewer is offered ${name}`);
  }
}

/** Makes an API key, which is shown once, and revokes it. */
async function makeKey(watched, target) {
  const { page } = watched;
  await page.goto(`${target.url}/admin?tab=keys`);
  await page.getByLabel("Tenant").last().selectOption({ label: "Northgate Bank" });
  await page.getByLabel("Application").fill("loan-desk");
  await page.getByLabel("Name of the key").fill("2026-12");
  await page.getByRole("button", { name: "Make key" }).click();
  await page.getByText(/copy it now/).waitFor();
  await watched.shoot("mock-new-key");
  await page.getByRole("button", { name: "Revoke 2026-12 of loan-desk" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("button", { name: "Revoke 2026-12 of loan-desk" }).waitFor({ state: "detached" });
}
