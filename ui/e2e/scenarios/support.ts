import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { withContext } from "../browser";
import { looksWell } from "../checks";
import { LONG, signIn } from "../operator";
import { World } from "../world";

/** A support bundle of a box that runs: made, taken away, and deleted. */
export async function support(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  await withContext(async (context) => {
    const page = await context.newPage();
    await signIn(page, box, "/support-bundle");
    await page.getByText("None yet.").waitFor();
    await page.getByTestId("make-bundle").click();
    const made = page.getByTestId("bundle-made");
    await made.waitFor(LONG);
    const [download] = await Promise.all([page.waitForEvent("download"), made.getByRole("link", { name: "Download it" }).click()]);
    const archive = await readFile(await download.path());
    assert.deepEqual([...archive.subarray(0, 2)], [0x1f, 0x8b], "it is no gzip archive");
    const kept = page.getByTestId("bundles");
    await kept.getByRole("link", { name: download.suggestedFilename() }).waitFor();
    await looksWell(page, "support-bundle");
    await kept.getByRole("button", { name: `Delete ${download.suggestedFilename()}` }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("None yet.").waitFor();
  });
  world.leave();
}
