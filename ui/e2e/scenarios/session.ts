import assert from "node:assert/strict";
import { type Page, withContext } from "../browser";
import { looksWell } from "../checks";
import { answersOf, checked, fill, filled, signInAgain, unlock } from "../operator";
import { World } from "../world";

/** The session ends while the wizard is filled in: what was typed is there after signing in over it. */
export async function session(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  const answers = answersOf(box, await world.code());
  await withContext(async (context) => {
    const page = await context.newPage();
    await unlock(page, box);
    await fill(page, answers);
    // The time of a session is that of its cookie.
    await context.clearCookies();
    await page.getByTestId("continue").click();
    await page.getByTestId("sign-in-again").waitFor();
    await looksWell(page, "session-ended");
    await signInAgain(page);
    await checked(page);
    await page.getByRole("link", { name: "Change the answers" }).click();
    assert.deepEqual(await kept(page, answers), answers);
    await loadedAnew(page, answers);
  });
  world.leave();
}

/** Another load of the page asks for what is secret, and for nothing else. */
async function loadedAnew(page: Page, answers: Record<string, string>): Promise<void> {
  await page.getByTestId("continue").click();
  await checked(page);
  await page.reload();
  await page.getByText("Type the code and the password once more").waitFor();
  await looksWell(page, "wizard-secrets-missing");
  const secrets = { installCode: "", adminPassword: "", adminPasswordConfirm: "" };
  assert.deepEqual(await kept(page, answers), { ...answers, ...secrets });
}

async function kept(page: Page, answers: Record<string, string>): Promise<Record<string, string>> {
  await page.locator("#installCode").waitFor();
  if (!(await page.locator("#appHostname").isVisible())) await page.getByRole("button", { name: "Advanced" }).click();
  return filled(page, Object.keys(answers));
}
