import assert from "node:assert/strict";
import { withContext } from "../browser";
import { looksWell } from "../checks";
import { headline, isSamePage, LONG, mark, signIn } from "../operator";
import { World } from "../world";
import { FAILED_BOOTSTRAP } from "./restart";

/** The bootstrap Job has failed: the page says why, with the end of its log, and one click repairs it. */
export async function firstSetup(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  await withContext(async (context) => {
    const page = await context.newPage();
    await signIn(page, box, "/status");
    await mark(page);
    const blocker = page.locator('[data-testid="blocker"][data-id="bootstrap-job-failed"]');
    await blocker.waitFor(LONG);
    await headline(page, "bad");
    const section = page.getByTestId("bootstrap");
    await section.getByText("gave up").waitFor();
    await section.getByText("The end of its log").click();
    await section.getByText("running migrations").waitFor();
    await blocker.getByText(FAILED_BOOTSTRAP[1]).waitFor();
    await looksWell(page, "status-first-setup-failed");

    await world.ask("bootstrap", "completes");
    await page.getByRole("button", { name: "Repair alga-core…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What was found").waitFor();
    await looksWell(page, "repair");
    await dialog.getByRole("button", { name: "Repair" }).click();
    await blocker.waitFor({ ...LONG, state: "detached" });
    await headline(page, "good");
    assert.equal(await section.count(), 0);
    await isSamePage(page);
  });
  world.leave();
}
