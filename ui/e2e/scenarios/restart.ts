import assert from "node:assert/strict";
import { withContext } from "../browser";
import { looksWell } from "../checks";
import { answersOf, fill, isSamePage, mark, step, stepsDone, unlock, waiveDisks } from "../operator";
import { World } from "../world";

/** What the log of the first setup says, which fails after the install. */
export const FAILED_BOOTSTRAP = ["running migrations", "ERROR: relation tenants does not exist", "migration 0042 failed"] as const;

/** The server is killed in the middle of an install and comes back: the page says so, and goes on by itself. */
export async function restart(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  // What comes after the steps is for `first-setup`.
  await world.ask("bootstrap", "fails");
  await world.ask("log", ...FAILED_BOOTSTRAP);
  await withContext(async (context) => {
    const page = await context.newPage();
    await unlock(page, box);
    await fill(page, answersOf(box, await world.code()));
    await page.getByTestId("continue").click();
    await waiveDisks(page);
    await page.getByTestId("install").click();
    // The longest of the steps.
    await step(page, "storage", "running");
    await mark(page);
    const lost = page.getByTestId("connection-lost");
    await world.ask("server", "kill");
    await lost.getByText(/^Connection lost, last seen \d/).waitFor();
    assert.equal(await page.getByTestId("connection").getAttribute("data-state"), "lost");
    await world.ask("server", "start");
    await page.getByTestId("notice").getByText(/Setup was interrupted at .* during .*, continuing/).waitFor();
    await lost.waitFor({ state: "detached" });
    await looksWell(page, "install-interrupted");
    await stepsDone(page);

    await world.ask("server", "kill");
    await lost.waitFor();
    await looksWell(page, "install-lost");
    await world.ask("server", "start");
    await lost.waitFor({ state: "detached" });
    await isSamePage(page);
  });
  world.leave();
}
