import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** Where pictures go for a person to look at. */
export const SCREENSHOTS = process.env["SCREENSHOTS"] ?? "../target/screenshots";
const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
/** Longest wait of one locator; the machine that runs this may be busy with other things. */
const PATIENCE_MS = 60_000;

export type Theme = "light" | "dark";

/** How a page is looked at. */
export interface View {
  theme: Theme;
  width: number;
}

export const DESKTOP = 1280;
export const PHONE = 360;

/** A context with a profile of its own, closed and removed when `use` is done. No page of it may throw. */
export async function withContext<T>(use: (context: BrowserContext) => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), "alga-browser-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: EXECUTABLE, headless: true, args: FLAGS, viewport: { width: DESKTOP, height: 900 }, colorScheme: "light", locale: "en-GB", acceptDownloads: true });
  context.setDefaultTimeout(PATIENCE_MS);
  const thrown: string[] = [];
  context.on("weberror", (error) => thrown.push(String(error.error().stack)));
  try {
    const result = await use(context);
    assert.deepEqual(thrown, []);
    return result;
  } catch (error) {
    console.error([...thrown, await left(context)].join("\n"));
    throw error;
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** What the open pages show when something went wrong: in words, and where their pictures lie. */
async function left(context: BrowserContext): Promise<string> {
  await mkdir(SCREENSHOTS, { recursive: true });
  const open = context.pages().filter((page) => page.url() !== "about:blank");
  const pages = open.map(async (page, at) => {
    const path = resolve(SCREENSHOTS, `failed-${process.argv[2] ?? "scenario"}-${at}.png`);
    const picture = await page.screenshot({ path, fullPage: true }).then(() => path, String);
    const text = await page.locator("body").innerText({ timeout: 5_000 }).catch(String);
    return `${page.url()} (picture: ${picture}) says:\n${text}`;
  });
  return (await Promise.all(pages)).join("\n\n");
}

/** Looks at a page as `view` says. */
export async function lookAs(page: Page, { theme, width }: View): Promise<void> {
  await page.setViewportSize({ width, height: width === PHONE ? 740 : 900 });
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
}

export type { Browser, BrowserContext, Page };
