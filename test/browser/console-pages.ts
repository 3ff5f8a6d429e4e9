/** The console as operators use it: by its words and roles, never by its code. */
import { DEMO_OPERATOR } from "@tideway/api-admin";
import { until } from "@tideway/kernel";
import type { Locator, Page } from "playwright-core";
import { normal } from "./wallet-pages.ts";

/** Fills the sign-in form that is open, and sends it. */
export async function signInOperator(
  page: Page,
  password: string = DEMO_OPERATOR.password,
): Promise<void> {
  await page.getByLabel("Name", { exact: true }).fill(DEMO_OPERATOR.name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** What a lane says of itself: role, revision, share and numbers. */
export async function laneText(page: Page, role: "stable" | "candidate"): Promise<string> {
  const lane = page.getByRole("list", { name: "Lanes" }).getByRole("listitem");
  return normal(await lane.filter({ hasText: role }).first().innerText());
}

/** The log of decisions, newest first. */
export async function decisions(page: Page): Promise<string[]> {
  const log = page.locator("section", { has: page.getByRole("heading", { name: "Decisions" }) });
  return (await log.getByRole("listitem").allInnerTexts()).map(normal);
}

/** How many people a lane was seen to serve, as the evidence shows it. */
export async function peopleSeen(page: Page, lane: "stable" | "candidate"): Promise<number> {
  const figure = page.locator("dl", { hasText: "People seen" }).locator("span");
  const text = normal(await figure.filter({ hasText: lane }).first().innerText());
  return Number(text.replace(/[^0-9]/g, ""));
}

/** Answers the question that is open, with a reason where one is given. */
export async function confirm(page: Page, button: string, reason?: string): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.getByText("What changes").waitFor();
  if (reason !== undefined) await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
}

/** Waits for what the header says about the age of the page's data. */
export async function waitForFreshness(page: Page, words: RegExp): Promise<void> {
  const freshness: Locator = page.locator(".freshness");
  await until(async () => words.test(normal(await freshness.innerText())), {
    deadlineMs: 30_000,
    intervalMs: 100,
    what: `data that is ${String(words)}`,
  });
}
