import assert from "node:assert/strict";
import { type Page, withContext } from "../browser";
import { pretend, type Pretended } from "../fixture/server";

/** What goes wrong while a page is open costs nothing that was typed, and is said. */
export async function disturbed(): Promise<void> {
  const appliance = await pretend(process.env["PAGES"] ?? "dist");
  try {
    await withContext(async (context) => {
      const page = await context.newPage();
      await refusedAddress(page, appliance);
      await endedSession(page, appliance);
      await lostConnection(page, appliance);
    });
  } finally {
    appliance.close();
  }
}

/** A refusal stands beside its field, and what was typed stays. */
async function refusedAddress(page: Page, appliance: Pretended): Promise<void> {
  await page.goto(`${appliance.url}/manage`);
  const address = page.getByLabel("Address", { exact: true });
  await address.fill("http://a b");
  await page.getByRole("button", { name: "Change the address…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Change the address" }).click();
  await page.getByTestId("app-url-error").filter({ hasText: "An address has no spaces." }).waitFor();
  assert.equal(await address.inputValue(), "http://a b");
}

/** The password is asked for over the page; the request that met the end is made again by itself. */
async function endedSession(page: Page, appliance: Pretended): Promise<void> {
  appliance.signedOut = true;
  await page.getByLabel("Install code", { exact: true }).fill("AB-CD EF");
  await page.getByRole("button", { name: "Redeem the code" }).click();
  const dialog = page.getByTestId("sign-in-again");
  await dialog.getByLabel("Management password", { exact: true }).fill("whatever it was");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await page.getByTestId("license").getByTestId("done").waitFor();
  assert.equal(await page.getByLabel("Address", { exact: true }).inputValue(), "http://a b");
}

/** An appliance that falls silent no longer looks well, and comes back by itself. */
async function lostConnection(page: Page, appliance: Pretended): Promise<void> {
  await page.goto(`${appliance.url}/status`);
  const headline = page.getByTestId("headline");
  await page.locator('[data-testid="headline"][data-tone="good"]').waitFor();
  appliance.silent = true;
  appliance.cut();
  await page.locator('[data-testid="headline"][data-tone="unknown"]').waitFor();
  await page.locator('[data-testid="freshness"][data-kind="lost"]').waitFor();
  assert.equal(await page.getByText("Healthy", { exact: true }).count(), 0, "nothing is called healthy now");
  await headline.getByText("this is what it said last").waitFor();
  appliance.silent = false;
  await page.locator('[data-testid="headline"][data-tone="good"]').waitFor();
}
