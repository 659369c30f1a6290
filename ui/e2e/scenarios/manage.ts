import assert from "node:assert/strict";
import { request } from "playwright-core";
import { type Page, withContext } from "../browser";
import { looksWell } from "../checks";
import { LONG, PASSWORD, PSA_PASSWORD, signIn, signInAgain } from "../operator";
import { type Box, World } from "../world";

const CHANGED = "Ch4nged!these-pages";

/** What an operator changes on a running box, each with the answer of what runs behind it. */
export async function manage(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  await says(world, "appliance-license-status", { ok: true, row: { license_token: token(9_999_999_999), edition_choice: "ee", last_checkin_at: "2026-01-01T00:00:00Z" } });
  await withContext(async (context) => {
    const page = await context.newPage();
    await signIn(page, box, "/manage");
    await page.getByTestId("license").getByText("Enterprise").waitFor();
    await looksWell(page, "box-manage");
    await endedElsewhere(page, box, world);
    await licence(page, world);
    await address(page, box);
    await administrator(page);
    await password(page);
    await everywhere(page);
  });
  world.leave();
}

/** A licence key as far as anybody here looks into one. */
function token(expires: number): string {
  return `e30.${Buffer.from(JSON.stringify({ exp: expires })).toString("base64url")}.c2ln`;
}

/** What a script of the application answers from now on. */
async function says(world: World, script: string, answer: unknown): Promise<void> {
  await world.ask("script", script, JSON.stringify(answer), "0");
}

/** Another device ends every session while a form is filled in: nothing that was typed is lost. */
async function endedElsewhere(page: Page, box: Box, world: World): Promise<void> {
  await says(world, "appliance-redeem-claim-code", { ok: false, code: "consumed_claim_code" });
  await page.getByLabel("Address", { exact: true }).fill("http://typed-before.example.test");
  await page.getByLabel("Install code", { exact: true }).fill("AB-CD EF");
  const device = await request.newContext({ baseURL: box.url, extraHTTPHeaders: { origin: box.url } });
  for (const [path, data] of [["/api/auth/login", { password: PASSWORD }], ["/api/auth/logout-all", {}]] as const) {
    const answer = await device.post(path, { data });
    assert.ok(answer.ok(), `${path}: ${answer.status()} ${await answer.text()}`);
  }
  await device.dispose();
  await page.getByRole("button", { name: "Redeem the code" }).click();
  await page.getByTestId("sign-in-again").waitFor();
  await looksWell(page, "manage-session-ended");
  await signInAgain(page);
  // The request that met the end was made again by itself, and refused by the application.
  await page.getByTestId("claim-code-error").waitFor();
  assert.equal(await page.getByLabel("Install code", { exact: true }).inputValue(), "AB-CD EF");
  assert.equal(await page.getByLabel("Address", { exact: true }).inputValue(), "http://typed-before.example.test");
}

async function licence(page: Page, world: World): Promise<void> {
  const card = page.getByTestId("license");
  await card.getByLabel("A licence key", { exact: true }).check();
  await says(world, "appliance-apply-license-key", { ok: false, code: "tenant_mismatch" });
  await card.getByLabel("Licence key", { exact: true }).fill(token(1_999_999_999));
  await card.getByRole("button", { name: "Apply the key" }).click();
  await page.getByTestId("license-key-error").waitFor();
  await says(world, "appliance-apply-license-key", { ok: true, result: {} });
  await card.getByRole("button", { name: "Apply the key" }).click();
  await card.getByTestId("done").waitFor();
}

/** Another name of the same machine: refused where it is none, then in use on the status page too. */
async function address(page: Page, box: Box): Promise<void> {
  const other = box.application.replace("127.0.0.1", "localhost");
  const card = page.getByTestId("address");
  const field = page.getByLabel("Address", { exact: true });
  for (const typed of ["http://two words", other]) {
    await field.fill(typed);
    await card.getByRole("button", { name: "Change the address…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Change the address" }).click();
    await (typed === other ? card.getByTestId("done") : page.getByTestId("app-url-error")).waitFor();
    assert.equal(await field.inputValue(), typed);
  }
  await looksWell(page, "manage-changed");
}

async function administrator(page: Page): Promise<void> {
  const card = page.getByTestId("administrator");
  await card.getByText("ada@example.test").waitFor();
  await card.getByLabel("New password", { exact: true }).fill(PSA_PASSWORD);
  await card.getByLabel("New password again", { exact: true }).fill(PSA_PASSWORD);
  await card.getByLabel("Your management password", { exact: true }).fill("not the password");
  await card.getByRole("button", { name: "Set the new password" }).click();
  await page.getByTestId("psa-current-error").waitFor();
  await card.getByLabel("Your management password", { exact: true }).fill(PASSWORD);
  await card.getByRole("button", { name: "Set the new password" }).click();
  await card.locator('[data-testid="reset-operation"][data-state="succeeded"]').waitFor(LONG);
}

/** There and back, so that the next who signs in finds the password as it was. */
async function password(page: Page): Promise<void> {
  const card = page.getByTestId("management-password");
  for (const [current, next] of [[PASSWORD, CHANGED], [CHANGED, PASSWORD]] as const) {
    await card.getByLabel("Current password", { exact: true }).fill(current);
    await card.getByLabel("New password", { exact: true }).fill(next);
    await card.getByLabel("New password again", { exact: true }).fill(next);
    await card.getByRole("button", { name: "Change the password" }).click();
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#current")?.value === "");
    await card.getByTestId("done").waitFor();
  }
}

async function everywhere(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign out everywhere…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
}
