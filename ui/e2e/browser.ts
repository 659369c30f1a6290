import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

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

/** A context with a profile of its own, closed and removed when `use` is done. */
export async function withContext<T>(use: (context: BrowserContext) => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), "alga-browser-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: EXECUTABLE, headless: true, args: FLAGS, viewport: { width: DESKTOP, height: 900 }, colorScheme: "light", locale: "en-GB", acceptDownloads: true });
  context.setDefaultTimeout(PATIENCE_MS);
  try {
    return await use(context);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** Looks at a page as `view` says. */
export async function lookAs(page: Page, { theme, width }: View): Promise<void> {
  await page.setViewportSize({ width, height: width === PHONE ? 740 : 900 });
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
}

export type { Browser, BrowserContext, Page };
