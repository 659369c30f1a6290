import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { DESKTOP, lookAs, type Page, PHONE, SCREENSHOTS, type Theme } from "./browser";

const axeSource = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Every way a page is looked at: both themes, on a desk and on a phone. */
const VIEWS = (["light", "dark"] as Theme[]).flatMap((theme) => [DESKTOP, PHONE].map((width) => ({ theme, width })));

/** What holds of every page: nothing serious for axe, nothing wider than the screen; and a picture for a person. */
export async function looksWell(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  for (const view of VIEWS) {
    await lookAs(page, view);
    const where = `${name} (${view.theme}, ${view.width} px)`;
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${view.theme}-${view.width}.png`), fullPage: true, animations: "disabled" });
    // What axe judges depends on the theme, hardly on the width.
    if (view.width === DESKTOP) await isAccessible(page, where);
    const overhang = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overhang <= 0, `${where} is ${overhang} px wider than the screen`);
  }
  await lookAs(page, { theme: "light", width: DESKTOP });
}

/** Fails on what axe calls serious or critical. */
async function isAccessible(page: Page, where: string): Promise<void> {
  // The page allows no script but its own; the debugger may evaluate all the same.
  await page.evaluate(await axeSource);
  const found = (await page.evaluate(() => (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe.run({ resultTypes: ["violations"] }))) as AxeResults;
  const bad = found.violations.filter((violation) => violation.impact === "serious" || violation.impact === "critical");
  const told = bad.map((violation) => `${violation.id}: ${violation.help}\n${violation.nodes.map((node) => `    ${node.html}\n    ${node.failureSummary ?? ""}`).join("\n")}`);
  assert.equal(bad.length, 0, `${where}: axe finds\n${told.join("\n")}`);
}
