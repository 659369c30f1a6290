import assert from "node:assert/strict";
import { type Page, withContext } from "../browser";
import { looksWell } from "../checks";
import { LONG, signIn } from "../operator";
import { World } from "../world";

/** What runs on the box: lists, a pod, and its log as it is written. */
export async function workloads(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  await withContext(async (context) => {
    const page = await context.newPage();
    await signIn(page, box, "/workloads");
    await lists(page);
    await log(page, world);
    await deployment(page);
    await crowd(page, world);
  });
  world.leave();
}

/** Deployments and pods of the application, and those whose name one looks for. */
async function lists(page: Page): Promise<void> {
  const pods = page.getByTestId("pods").getByTestId("workload");
  await pods.filter({ hasText: /^Running.*db-0/ }).waitFor();
  const deployments = page.getByTestId("deployments").getByTestId("workload");
  await deployments.filter({ hasText: "alga-core-sebastian" }).getByText("1 of 1 ready").waitFor();
  await looksWell(page, "box-workloads");
  const filter = page.getByLabel("Filter by name", { exact: true });
  await filter.fill("redis");
  await pods.filter({ hasText: "db-0" }).waitFor({ state: "detached" });
  await pods.filter({ hasText: "redis-0" }).waitFor();
  await filter.fill("");
}

/** Lines that are written while one looks are there by themselves, and can be searched. */
async function log(page: Page, world: World): Promise<void> {
  const lines = Array.from({ length: 150 }, (_, at) => `${at % 40 === 7 ? "ERROR no answer from" : "info asked"} temporal:7233 n=${at}`);
  await world.ask("log", ...lines);
  await page.getByRole("link", { name: "redis-0" }).click();
  await page.getByRole("heading", { name: "redis-0" }).waitFor();
  const shown = page.getByTestId("log-lines");
  await shown.getByText("n=149").waitFor();
  const later = [...lines, ...Array.from({ length: 60 }, (_, at) => `info written later n=${150 + at}`)];
  await world.ask("log", ...later);
  await shown.getByText("n=209").waitFor();
  await page.getByLabel("Search the log").fill("n=47");
  await shown.locator("mark", { hasText: "n=47" }).waitFor();
  await looksWell(page, "box-pod");
}

/** A restart takes a confirmation, and its pods are made anew. */
async function deployment(page: Page): Promise<void> {
  await page.getByRole("link", { name: "All workloads of msp" }).click();
  await page.getByRole("link", { name: "email-service", exact: true }).click();
  const pods = page.getByTestId("pods").getByTestId("workload").getByRole("link");
  const before = await pods.first().innerText();
  await page.getByRole("button", { name: "Restart…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
  await page.getByText("The restart has begun").waitFor();
  await page.getByRole("link", { name: before }).waitFor({ ...LONG, state: "detached" });
  await pods.first().waitFor();
  await looksWell(page, "box-deployment");
}

/** More than a hundred are drawn only on request. */
async function crowd(page: Page, world: World): Promise<void> {
  await world.ask("make", "crowd");
  await page.getByRole("link", { name: "Workloads", exact: true }).click();
  await page.getByLabel("Namespace", { exact: true }).selectOption("default");
  await page.getByTestId("deployments").getByText("0 of 130 ready").waitFor(LONG);
  const rows = page.getByTestId("pods").getByTestId("workload");
  await page.getByRole("button", { name: "Show more: 30 are left" }).waitFor(LONG);
  assert.equal(await rows.count(), 100);
  await page.getByRole("button", { name: "Show more: 30 are left" }).click();
  assert.equal(await rows.count(), 130);
}
