import assert from "node:assert/strict";
import { withContext } from "../browser";
import { looksWell } from "../checks";
import { pretend, type Pretended } from "../fixture/server";

/** Every page of a signed-in operator with fixture answers: for whoever works on the pages (`npm run look`). */
export async function look(): Promise<void> {
  const appliance = await pretend("dist");
  try {
    await withContext(async (context) => {
      const page = await context.newPage();
      const said: string[] = [];
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      for (const state of ["healthy", "blocked", "unreachable"] as const satisfies Pretended["state"][]) {
        appliance.state = state;
        await page.goto(`${appliance.url}/status`);
        await page.getByTestId("headline").waitFor();
        await looksWell(page, `status-${state}`);
      }
      appliance.state = "healthy";
      await page.goto(`${appliance.url}/workloads`);
      await page.getByTestId("workload").first().waitFor();
      await looksWell(page, "workloads");
      await page.getByRole("link", { name: /temporal-worker-/ }).click();
      await page.getByText("ERROR could not reach").first().waitFor();
      await looksWell(page, "pod");
      await page.goto(`${appliance.url}/workloads?namespace=msp&deployment=temporal-worker`);
      await page.getByTestId("workload").first().waitFor();
      await looksWell(page, "deployment");
      await page.goto(`${appliance.url}/manage`);
      await page.getByTestId("license").waitFor();
      await looksWell(page, "manage");
      assert.deepEqual(said, []);
    });
  } finally {
    appliance.close();
  }
}
