/** The wallet as people use it: by its words and roles, never by its code. */
import { DEMO_PASSWORD } from "@tideway/api-identity";
import { until } from "@tideway/kernel";
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

export interface Credentials {
  readonly email: string;
  readonly password?: string;
}

/** Fills the sign-in form that is open, and sends it. */
export async function signIn(page: Page, { email, password = DEMO_PASSWORD }: Credentials) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Waits until home shows what can be spent, for example "1,000.00 EUR". */
export async function waitForBalance(page: Page, money: string): Promise<void> {
  const hero = page.getByRole("region", { name: "Balances" }).locator(".tw-money").first();
  await waitForText(hero, money);
}

/** Waits until the element says exactly this; the failure tells what it said instead. */
export async function waitForText(element: Locator, text: string): Promise<void> {
  let last = "";
  const isSaid = async (): Promise<boolean> => {
    last = normal((await element.textContent()) ?? "");
    return last === text;
  };
  await until(isSaid, { deadlineMs: 20_000, intervalMs: 50, what: text }).catch(() => {
    expect(last).toBe(text);
  });
}

/** The rows of the activity, newest first, for example "To Ben Lunch −12.50 EUR paid". */
export async function activity(page: Page): Promise<string[]> {
  const rows = page.getByRole("region", { name: "Activity" }).getByRole("link");
  await rows.first().waitFor();
  return (await rows.allInnerTexts()).map(normal);
}

export interface Asked {
  readonly amount: string;
  readonly note: string;
}

/** Makes a request for money and returns its link, copied by a press as one would to send it. */
export async function requestMoney(page: Page, { amount, note }: Asked): Promise<string> {
  await page.goto("/request");
  await page.getByLabel("Asset").selectOption("EUR");
  await page.getByLabel("Amount", { exact: true }).fill(amount);
  await page.getByLabel("What is it for?").fill(note);
  await page.getByRole("button", { name: "Make the request" }).click();
  await page.getByRole("heading", { name: "Your request" }).waitFor();
  await page.getByRole("button", { name: /^Copy link/ }).click();
  await page.getByText("Copied", { exact: true }).waitFor();
  return page.evaluate<string>("navigator.clipboard.readText()");
}

export interface Sending extends Asked {
  readonly to: string;
}

/** Fills the send form and goes on to the review. */
export async function reviewPayment(page: Page, { to, amount, note }: Sending): Promise<void> {
  await page.goto("/send");
  await page.getByLabel("To", { exact: true }).fill(to);
  await page.getByLabel("Asset").selectOption("EUR");
  await page.getByLabel("Amount", { exact: true }).fill(amount);
  await page.getByLabel("Note").fill(note);
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("heading", { name: "Review" }).waitFor();
}

/** The facts of a screen, label and value in one line each. */
export async function facts(page: Page): Promise<string[]> {
  return (await page.locator("dl > div").allInnerTexts()).map(normal);
}

/** Non-breaking spaces and line ends are layout. */
export function normal(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
