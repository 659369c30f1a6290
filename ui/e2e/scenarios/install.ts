import assert from "node:assert/strict";
import { type Page, withContext } from "../browser";
import { looksWell } from "../checks";
import { answersOf, checked, choosePassword, fill, headline, LONG, PASSWORD, paste, step, stepsDone, waiveDisks } from "../operator";
import { type Box, World } from "../world";

/** A box as it was delivered, from the token to users who can log in; what is typed wrong on the way is said. */
export async function install(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  await withContext(async (context) => {
    const page = await context.newPage();
    await token(page, box);
    await password(page);
    await wizard(page, box, (await world.ask("code", "expired")) as string);
    await checks(page, world);
    await refusedByTheBox(page, box);
    await page.getByTestId("install").click();
    await refusedCode(page, box, await world.code());
    await followed(page, box);
    await healthy(page, box);
    await signedOut(page);
  });
  world.leave();
}

/** Twenty boxes, typed wrong, then pasted right. */
async function token(page: Page, box: Box): Promise<void> {
  await page.goto(box.url);
  await page.getByRole("heading", { name: "Enter the setup token" }).waitFor();
  assert.equal(await page.getByLabel(/^Digit \d+ of 20$/).count(), 20);
  await looksWell(page, "token");
  await page.getByTestId("digit-1").focus();
  await page.keyboard.type("00001111222233334444");
  await page.keyboard.press("Enter");
  await page.locator('[data-testid="refusal"][data-code="wrong_token"]').waitFor();
  await looksWell(page, "token-refused");
  await paste(page, "digit-1", ` ${box.token} `);
  await page.getByRole("button", { name: "Continue" }).click();
}

async function password(page: Page): Promise<void> {
  await page.getByRole("heading", { name: "Choose a management password" }).waitFor();
  await page.locator("#new-password").fill("weak");
  await page.locator("#new-password-again").fill("other");
  await page.locator("#new-password-again-error").waitFor();
  assert.ok(await page.getByRole("button", { name: "Set the password" }).isDisabled());
  await looksWell(page, "choose-password");
  await choosePassword(page);
}

/** The code comes first; then everything that is missing is said beside its field. */
async function wizard(page: Page, box: Box, code: string): Promise<void> {
  await looksWell(page, "wizard");
  assert.equal(await page.getByLabel("Company name").count(), 0, "nothing is asked before the code");
  await page.locator("#installCode").fill("ab");
  await page.locator("#adminEmail").fill("ada");
  await page.getByTestId("continue").click();
  for (const id of ["installCode", "tenantName", "adminFirstName", "adminLastName", "adminEmail", "adminPassword"]) {
    await page.getByTestId(`${id}-error`).waitFor();
  }
  await looksWell(page, "wizard-errors");
  await fill(page, { ...answersOf(box, code), appHostname: "http://two words" });
  await page.getByTestId("continue").click();
  await page.getByTestId("appHostname-error").waitFor();
  await page.locator("#appHostname").fill(box.application);
  assert.ok(await page.locator("#appHostname").isVisible(), "a section stays open while one corrects what is in it");
  // Only the box knows how long a name may be.
  await page.locator("#tenantName").fill("Example ".repeat(30));
  await page.getByTestId("continue").click();
}

/** What stops is named with its fix, and is looked at again on request. */
async function checks(page: Page, world: World): Promise<void> {
  await world.ask("host", "small");
  await page.getByTestId("check-again").click();
  const memory = page.locator('[data-testid="check-memory-total"][data-tone="danger"]');
  await memory.getByText("Give the machine at least 6 GiB of memory").waitFor();
  assert.ok(await page.getByTestId("install").isDisabled());
  await looksWell(page, "checks-stop");
  await world.ask("host", "large");
  await page.getByTestId("check-again").click();
  await memory.waitFor({ state: "detached" });
  await waiveDisks(page);
  await looksWell(page, "checks-review");
}

/** What only the box can tell leads back to its field. */
async function refusedByTheBox(page: Page, box: Box): Promise<void> {
  await page.getByTestId("install").click();
  await page.getByTestId("tenantName-error").waitFor();
  await page.locator("#tenantName").fill(box.company);
  await page.getByTestId("continue").click();
  await checked(page);
  await waiveDisks(page);
}

/** The install stops with the portal's words, and goes on with another code; nothing else is asked again. */
async function refusedCode(page: Page, box: Box, code: string): Promise<void> {
  await page.getByRole("heading", { name: "Installing Alga PSA" }).waitFor();
  const stopped = page.locator('[data-testid="stopped"][data-step="redeem-install-code"]');
  await stopped.waitFor(LONG);
  await looksWell(page, "install-stopped");
  const other = await page.context().newPage();
  await other.goto(`${box.url}/status`);
  await other.locator('[data-testid="blocker"][data-id="install-code"]').waitFor();
  await looksWell(other, "status-install-stopped");
  await other.close();
  await page.locator("#another-code").fill(code);
  await page.getByRole("button", { name: "Continue with this code" }).click();
  await stopped.waitFor({ state: "detached" });
}

/** Each step is seen going by; at the end the page leads into the application. */
async function followed(page: Page, box: Box): Promise<void> {
  await step(page, "storage", "done");
  await stepsDone(page);
  await page.getByTestId("starting").or(page.getByTestId("ready")).waitFor();
  await looksWell(page, "install-starting");
  await page.getByTestId("ready").waitFor(LONG);
  assert.equal(await page.getByRole("link", { name: "Open Alga PSA" }).getAttribute("href"), box.application);
  await looksWell(page, "install-ready");
}

/** Loaded anew, the address shows the status: all well, and where users log in. */
async function healthy(page: Page, box: Box): Promise<void> {
  await page.goto(box.url);
  await headline(page, "good");
  await page.getByTestId("login-probe").getByText(box.application).waitFor();
  assert.equal(await page.getByTestId("open-psa").getAttribute("href"), box.application);
  assert.equal(await page.getByTestId("blocker").count(), 0);
  assert.equal(await page.getByText("Nothing.", { exact: true }).count(), 0, "a box that is well asks for nothing");
  await looksWell(page, "status");
}

async function signedOut(page: Page): Promise<void> {
  await page.getByTestId("sign-out").click();
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await page.getByLabel("Management password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("#password-error").waitFor();
  await looksWell(page, "sign-in");
  await page.getByLabel("Management password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await headline(page, "good");
}
