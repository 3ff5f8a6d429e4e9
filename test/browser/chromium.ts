/** The browser of the machine, driven as a person would; without one the tests say how to get it. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext, Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const USUAL_PATHS = [
  "/usr/bin/chromium",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
/** Tests run as root in containers, and must not reach for anything but the installation. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** How long a person would wait for anything on a page, in milliseconds. */
const WAIT_MS_MAX = 20_000;

/** Where Chromium or Chrome is installed, or null; where it is missing that is printed. */
export function findChromium(): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const inPath = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = [...USUAL_PATHS, ...inPath].find(isExecutable) ?? null;
  if (found === null) {
    console.error(
      "Skipped: the browser tests need Chromium or Chrome, and none is installed. On Debian: " +
        "apt-get install chromium. On macOS: brew install --cask chromium.",
    );
  }
  return found;
}

/** Starts it with a new, empty user folder, which goes when it is closed. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGUMENTS });
}

export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Scripts that broke and requests that the page's own policy forbade, as they were told. */
  readonly complaints: readonly string[];
}

/** A person with cookies and storage of their own, at a desk; motion is reduced. */
export async function newVisitor(browser: Browser, baseURL: string): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL,
    locale: "en-GB",
    timezoneId: "UTC",
    colorScheme: "light",
    reducedMotion: "reduce",
    viewport: { width: 1440, height: 900 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(WAIT_MS_MAX);
  const page = await context.newPage();
  return { context, page, complaints: listen(page) };
}

function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // Answers of 400 and above are told by the browser too; the tests ask the page about those.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isAnswer) complaints.push(message.text());
  });
  return complaints;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
