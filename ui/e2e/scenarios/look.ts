import assert from "node:assert/strict";
import { type Page, withContext } from "../browser";
import { looksWell } from "../checks";
import { pretend, type Pretended } from "../fixture/server";

/** The newest line is in sight until one scrolls up; a search brings what it finds into sight. */
async function followsAndFinds(page: Page): Promise<void> {
  const log = page.getByTestId("log-lines");
  await log.getByText("n=11999", { exact: false }).waitFor();
  const drawn = await log.evaluate((box) => box.querySelectorAll("[class*=line]").length);
  assert.ok(drawn < 200, `${drawn} of 10000 lines are drawn`);
  await log.press("Home");
  await log.getByText("n=2000", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Go to the newest line" }).click();
  await log.getByText("n=11999", { exact: false }).waitFor();
  await page.getByLabel("Search the log").fill("n=7777");
  await log.locator("mark", { hasText: "n=7777" }).waitFor();
}

/** Every page of a signed-in operator with fixture answers: for whoever works on the pages (`npm run look`). */
export async function look(): Promise<void> {
  const appliance = await pretend(process.env["PAGES"] ?? "dist");
  try {
    await withContext(async (context) => {
      const page = await context.newPage();
      const said: string[] = [];
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      await page.goto(`${appliance.url}/workloads`);
      await page.getByTestId("workload").first().waitFor();
      await looksWell(page, "workloads");
      await page.getByRole("link", { name: /temporal-worker-/ }).click();
      await followsAndFinds(page);
      await looksWell(page, "pod");
      await page.goto(`${appliance.url}/workloads?namespace=msp&deployment=temporal-worker`);
      await page.getByTestId("workload").first().waitFor();
      await looksWell(page, "deployment");
      await page.goto(`${appliance.url}/manage`);
      await page.getByTestId("license").waitFor();
      await looksWell(page, "manage");
      for (const state of ["healthy", "blocked", "unreachable"] as const satisfies Pretended["state"][]) {
        appliance.state = state;
        await page.goto(`${appliance.url}/status`);
        await page.getByTestId("headline").waitFor();
        await looksWell(page, `status-${state}`);
      }
      assert.deepEqual(said, []);
    });
  } finally {
    appliance.close();
  }
}
