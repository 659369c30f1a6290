import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type Page, withContext } from "../browser";
import { looksWell } from "../checks";
import { headline, isSamePage, LONG, mark, signIn } from "../operator";
import { World } from "../world";

/** Troubles of one moment: of each class its blocker, at most one for a workload. */
interface Round {
  /** Name of the picture. */
  name: string;
  classes: string[];
}

const PODS: Round = { name: "status-blocked", classes: ["image-pull-backoff", "crashloop", "oom-kills", "container-config", "db-credentials-mismatch"] };
const IMAGES: Round = { name: "status-images", classes: ["registry-image-missing", "image-pull-slow", "tls-ghcr", "dns-ghcr", "volume-subpath"] };
const NODE: Round = { name: "status-node", classes: ["disk-space", "memory-pressure", "pid-pressure", "network-unavailable", "node-unschedulable"] };
const FLUX: Round = { name: "status-flux", classes: ["kustomization-not-ready", "flux-suspended", "workload-scaled-down", "workload-missing"] };

/** What is told only after a minute, so that it is made first and looked at last. */
const SLOW = ["pod-unschedulable", "pending-pvc"];

/** Each class of trouble is on the page in the words of the catalogue, with what to do, and goes away with its cause. */
export async function broken(): Promise<void> {
  const world = await World.meet();
  const box = await world.box();
  const catalogue = await meanings();
  await withContext(async (context) => {
    const page = await context.newPage();
    await signIn(page, box, "/status");
    await headline(page, "good");
    await mark(page);
    for (const id of SLOW) await world.ask("make", id);
    await world.ask("registry", "kill");
    await world.ask("ask", "OCIRepository", "alga-appliance");
    await round(page, world, catalogue, PODS);
    await round(page, world, catalogue, IMAGES);
    for (const id of [...SLOW, "flux-source-not-ready"]) await told(page, catalogue, id);
    await looksWell(page, "status-slow");
    await world.ask("registry", "start");
    await world.ask("ask", "OCIRepository", "alga-appliance");
    for (const id of SLOW) await world.ask("mend", id);
    await gone(page, [...SLOW, "flux-source-not-ready"]);
    await round(page, world, catalogue, NODE);
    await releases(page, world, catalogue);
    await silent(page, world);
    await headline(page, "good");
    await isSamePage(page);
  });
  world.leave();
}

async function round(page: Page, world: World, catalogue: Map<string, string>, { name, classes }: Round): Promise<void> {
  for (const id of classes) await world.ask("make", id);
  for (const id of classes) await told(page, catalogue, id);
  await worstFirst(page);
  await looksWell(page, name);
  for (const id of classes) await world.ask("mend", id);
  await gone(page, classes);
}

/** Releases that fail are repaired from the page. */
async function releases(page: Page, world: World, catalogue: Map<string, string>): Promise<void> {
  await world.ask("release", "fail", "temporal", "the chart asks for a namespace that is not there");
  await world.ask("release", "fail", "email-service", "another operation (install/upgrade/rollback) is in progress");
  for (const id of ["helmrelease-failed", "helm-storage-stuck"]) await told(page, catalogue, id);
  await round(page, world, catalogue, FLUX);
  await world.ask("release", "heal", "temporal");
  await world.ask("release", "heal", "email-service");
  await gone(page, ["helmrelease-failed", "helm-storage-stuck"]);
  await headline(page, "good");
}

/** Without its API server nothing is called well, and nothing ill, that is not known to be so. */
async function silent(page: Page, world: World): Promise<void> {
  await world.ask("api", "kill");
  await page.getByTestId("unreachable").waitFor();
  await page.locator('[data-testid="blocker"][data-id="api-unreachable"]').waitFor(LONG);
  const tiers = await page.locator('[data-testid="tiers"] > li').evaluateAll((rows) => rows.map((row) => row.getAttribute("data-signal")));
  assert.deepEqual(new Set(tiers), new Set(["unknown"]));
  for (const word of ["Healthy", "Ready", "Not ready", "Not working"]) {
    assert.equal(await page.getByText(word, { exact: true }).count(), 0, `nothing is called “${word}” now`);
  }
  await looksWell(page, "status-unknown");
  await world.ask("api", "start");
  await page.getByTestId("unreachable").waitFor({ ...LONG, state: "detached" });
}

/** Its blocker says what happened, what that means, and what to do. */
async function told(page: Page, catalogue: Map<string, string>, id: string): Promise<void> {
  const blocker = page.locator(`[data-testid="blocker"][data-id="${id}"]`).first();
  await blocker.waitFor(LONG);
  const text = await blocker.innerText();
  const meaning = catalogue.get(id);
  assert.ok(meaning, `docs/blockers.md has no ${id}`);
  assert.ok(text.includes(meaning), `${id} does not say “${meaning}”:\n${text}`);
  assert.match(text, /What to do: \S/, `${id} does not say what to do:\n${text}`);
  assert.notEqual((await blocker.locator("strong").first().innerText()).trim(), "");
}

async function gone(page: Page, ids: string[]): Promise<void> {
  for (const id of ids) await page.locator(`[data-testid="blocker"][data-id="${id}"]`).first().waitFor({ ...LONG, state: "detached" });
}

/** The worst is the page's first line, and all that is wrong stands before what is still well. */
async function worstFirst(page: Page): Promise<void> {
  const shown = await page.evaluate(() => {
    const top = (id: string) => document.querySelector(`[data-testid="${id}"]`)?.getBoundingClientRect().top ?? NaN;
    return [top("headline"), top("blockers"), top("tiers"), top("components"), top("recent-events")];
  });
  assert.deepEqual(shown, shown.toSorted((a, b) => a - b), "the page's order");
  const severities = await page.getByTestId("blocker").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-severity") ?? ""));
  const rank = severities.map((severity) => ["critical", "warning", "background"].indexOf(severity));
  assert.deepEqual(rank, rank.toSorted((a, b) => a - b), severities.join(", "));
}

/** What each class means, from the catalogue. */
async function meanings(): Promise<Map<string, string>> {
  const text = await readFile("../docs/blockers.md", "utf8");
  const rows = text.split("\n").map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")));
  return new Map(rows.filter((cells) => cells[1]?.startsWith("`")).map((cells) => [cells[1]!.replaceAll("`", ""), cells[4]!]));
}
