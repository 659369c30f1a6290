import assert from "node:assert/strict";
import type { Page } from "./browser";
import type { Box } from "./world";

/** The password of the pages, and the one of the application's administrator. */
export const PASSWORD = "M4nage!these-pages";
export const PSA_PASSWORD = `Psa"ary7!Xq`;

/** Longest wait for what takes an appliance minutes on a slow machine: an install, and the application's start. */
export const LONG = { timeout: 300_000 };

/** Puts text into the box that has the focus, as a paste does. */
export async function paste(page: Page, testId: string, text: string): Promise<void> {
  await page.getByTestId(testId).evaluate((box, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}

/** The token of the console for a password of one's own; the wizard is open then. */
export async function unlock(page: Page, box: Box): Promise<void> {
  await page.goto(box.url);
  await paste(page, "digit-1", box.token);
  await page.getByRole("button", { name: "Continue" }).click();
  await choosePassword(page);
}

export async function choosePassword(page: Page): Promise<void> {
  await page.locator("#new-password").fill(PASSWORD);
  await page.locator("#new-password-again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("heading", { name: "Set up this appliance" }).waitFor();
}

/** Opens a page of a box that has a password. */
export async function signIn(page: Page, box: Box, path = "/"): Promise<void> {
  await page.goto(`${box.url}${path}`);
  await page.getByLabel("Management password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByTestId("sign-out").waitFor();
}

/** Signs in once more in the dialog over an open page. */
export async function signInAgain(page: Page): Promise<void> {
  const dialog = page.getByTestId("sign-in-again");
  await dialog.getByLabel("Management password", { exact: true }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.waitFor({ state: "detached" });
}

/** What is typed into the wizard, by the id of its field. */
export function answersOf(box: Box, code: string): Record<string, string> {
  return {
    installCode: code,
    tenantName: box.company,
    adminFirstName: "Ada",
    adminLastName: "Lovelace",
    adminEmail: "ada@example.test",
    adminPassword: PSA_PASSWORD,
    adminPasswordConfirm: PSA_PASSWORD,
    appHostname: box.application,
  };
}

/** Fills the wizard in. The code comes first: only then is there the rest. */
export async function fill(page: Page, answers: Record<string, string>): Promise<void> {
  for (const [id, value] of Object.entries(answers)) {
    const field = page.locator(`#${id}`);
    if (id === "appHostname" && !(await field.isVisible())) await page.getByRole("button", { name: "Advanced" }).click();
    await field.fill(value);
  }
}

/** What the wizard holds. */
export async function filled(page: Page, ids: string[]): Promise<Record<string, string>> {
  const entries = ids.map(async (id) => [id, await page.locator(`#${id}`).inputValue()] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Waits for the checks, and goes on in spite of what stops only because this is no appliance: its disks. */
export async function waiveDisks(page: Page): Promise<void> {
  await checked(page);
  for (const id of ["disk-space", "disk-space-data", "inode-space"]) {
    const waive = page.locator(`#waive-${id}`);
    if (await waive.isVisible()) await waive.check();
  }
  await page.locator('[data-testid="install"]:enabled').waitFor();
}

/** Waits until the checks have said what they found. */
export async function checked(page: Page): Promise<void> {
  await page.locator('[data-testid="verdict"][data-busy="false"]').waitFor();
}

/** Waits for a step of the install. */
export async function step(page: Page, id: string, state: string): Promise<void> {
  await page.locator(`[data-testid="step-${id}"][data-state="${state}"]`).waitFor(LONG);
}

/** Waits until the steps of the install are done. */
export async function stepsDone(page: Page): Promise<void> {
  await page.locator('[data-testid="plan-state"][data-state="complete"]').waitFor(LONG);
  assert.equal(await page.locator('[data-testid="steps"] > li[data-state="done"]').count(), 12, "all twelve steps are done");
}

/** Waits for the first line of the status page. */
export async function headline(page: Page, tone: string): Promise<void> {
  await page.locator(`[data-testid="headline"][data-tone="${tone}"]`).waitFor(LONG);
}

/** Marks a page, to see later that it was not loaded anew meanwhile. */
export async function mark(page: Page): Promise<void> {
  await page.evaluate(() => void ((window as unknown as { marked?: boolean }).marked = true));
}

export async function isSamePage(page: Page): Promise<void> {
  assert.ok(await page.evaluate(() => (window as unknown as { marked?: boolean }).marked), "the page was loaded anew");
}
