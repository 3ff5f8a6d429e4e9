/** How a screen looks: narrow and wide, light and dark, photographed and checked. */
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { until } from "@tideway/kernel";
import type { Page } from "playwright-core";
import { expect } from "vitest";

const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1440, height: 900 };
const LOOKS = [
  { size: WIDE, scheme: "light" },
  { size: WIDE, scheme: "dark" },
  { size: NARROW, scheme: "dark" },
  { size: NARROW, scheme: "light" },
] as const;
/** The rules of these two looks hold for the others: each width and each theme is among them. */
const AXE_LOOKS = ["1440-dark", "360-light"];

export interface Album {
  /**
   * Looks at the screen in both widths and both themes, as it is now: it is photographed, nothing
   * sticks out of the narrow one, and axe finds nothing serious. Leaves the page wide and light.
   */
  look(page: Page, screen: string): Promise<void>;
  /** Throws the pictures away, or says where they are when TIDEWAY_SCREENSHOTS is set. */
  close(): void;
}

export function openAlbum(name: string): Album {
  const folder = mkdtempSync(join(tmpdir(), `tw-${name}-`));
  return {
    look: (page, screen) => lookAt(page, folder, screen),
    close: () => {
      if (process.env["TIDEWAY_SCREENSHOTS"]) console.error(`Screenshots: ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function lookAt(page: Page, folder: string, screen: string): Promise<void> {
  for (const { size, scheme } of LOOKS) {
    const look = `${size.width}-${scheme}`;
    await wear(page, size, scheme);
    const path = join(folder, `${screen}-${look}.png`);
    await page.screenshot({ path, fullPage: true });
    expect(existsSync(path) && statSync(path).size, `${screen} ${look}`).toBeGreaterThan(1_000);
    expect(await widthNeeded(page), `width of ${screen} at ${look}`).toBeLessThanOrEqual(
      size.width,
    );
    if (AXE_LOOKS.includes(look)) await expectAccessible(page, `${screen} ${look}`);
  }
  await wear(page, WIDE, "light");
}

/** Changes size and theme, and waits until the page is drawn that way. */
async function wear(page: Page, size: typeof WIDE, scheme: "light" | "dark"): Promise<void> {
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  const worn = `document.documentElement.dataset.mantineColorScheme === "${scheme}" &&
    innerWidth === ${size.width} && document.fonts.status === "loaded"`;
  await until(() => page.evaluate<boolean>(worn), {
    deadlineMs: 10_000,
    what: `${size.width} px, ${scheme}`,
  });
  // Two frames: one in which the page lays itself out anew, one in which its charts do.
  await page.evaluate(
    "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))",
  );
}

/** How many pixels the page is wide; more than the window means that it scrolls sideways. */
export function widthNeeded(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth");
}

/** Fails with what axe found of serious or critical impact. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, nodes }) => {
      return { id, impact, at: nodes.map((node) => node.html.slice(0, 200)) };
    });
  expect(grave, `axe on ${what}`).toEqual([]);
}
