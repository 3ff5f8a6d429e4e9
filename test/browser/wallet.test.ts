/**
 * The wallet in a real browser, on a whole installation: two people, each with a browser of their
 * own, ask each other for money and pay. What the pages say is compared with what the ledger did.
 */
import { DEMO_PEOPLE } from "@tideway/api-identity";
import { until } from "@tideway/kernel";
import type { Client } from "pg";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { install } from "../system/harness.ts";
import type { Installation } from "../system/harness.ts";
import { findChromium, launchChromium, newVisitor } from "./chromium.ts";
import type { Visitor } from "./chromium.ts";
import { hasFocus, tabAndEnter, tabAndType, tabTo } from "./keyboard.ts";
import { expectAccessible, openAlbum } from "./looks.ts";
import type { Album } from "./looks.ts";
import {
  activity,
  facts,
  requestMoney,
  reviewPayment,
  signIn,
  waitForBalance,
  waitForText,
} from "./wallet-pages.ts";

const [ADA, BEN] = DEMO_PEOPLE;
const PAYMENT_ADDRESS = /\/payments\/pay_/;
const chromiumPath = findChromium();

describe.skipIf(chromiumPath === null)("the wallet", () => {
  let album: Album;
  let tideway: Installation;
  let ledger: Client;
  let browser: Browser;
  let ada: Visitor;
  let ben: Visitor;
  /** Payments that the ledger knows of before a test begins. */
  let paidBefore: number;

  beforeAll(async () => {
    album = openAlbum("wallet");
    tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
    ledger = await tideway.database("tideway_ledger");
    browser = await launchChromium(chromiumPath ?? "");
    ada = await newVisitor(browser, tideway.publicUrl);
    ben = await newVisitor(browser, tideway.publicUrl);
  });

  afterAll(async () => {
    album.close();
    try {
      await browser?.close();
      await ledger?.end();
    } finally {
      await tideway?.stop();
    }
  });

  beforeEach(async () => {
    paidBefore = await countPayments(ledger);
  });

  const paidNow = async (): Promise<number> => (await countPayments(ledger)) - paidBefore;

  test("a wrong password is told; signing in needs no mouse", async () => {
    const { page } = ada;
    await page.goto("/");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await expectAccessible(page, "sign-in");
    await signIn(page, { email: ADA.email, password: "not-the-password" });
    const alert = page.getByRole("alert");
    await alert.getByText("E-mail address or password is wrong.").waitFor();
    expect(await alert.innerText()).toContain("CREDENTIALS_WRONG");

    await page.reload();
    await tabAndType(page, page.getByLabel("E-mail address"), ADA.email);
    await tabAndType(page, page.getByLabel("Password", { exact: true }), "tideway-demo");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Add demo money" }).waitFor();
    expect(await page.getByText("Your payments will be here").isVisible()).toBe(true);
  });

  test("both add demo money and see it", async () => {
    await ben.page.goto("/");
    await signIn(ben.page, BEN);
    for (const { page } of [ada, ben]) {
      await page.getByRole("button", { name: "Add demo money" }).click();
      await waitForBalance(page, "1,000.00 EUR");
    }
  });

  test("one asks, the other pays by the link after a look at it, and both see it", async () => {
    const link = await requestMoney(ada.page, { amount: "25", note: "Concert tickets" });
    expect(link).toContain(`${tideway.publicUrl}/pay/inv_`);
    expect(ada.page.url()).toBe(link);
    const code = await ada.page.getByRole("button", { name: /^QR code/ }).boundingBox();
    expect(code?.width).toBeGreaterThanOrEqual(240);
    await ada.page.getByText("Waiting for the payer.").waitFor();
    await album.look(ada.page, "invoice");
    await ada.page.evaluate("window.hasStayed = true");

    await ben.page.goto(link);
    const pay = ben.page.getByRole("button", { name: "Pay 25.00 EUR" });
    await pay.waitFor();
    await ben.page.getByText("975.00").waitFor();
    expect(await facts(ben.page)).toEqual([
      "To Ada",
      "For Concert tickets",
      expect.stringMatching(/^Valid until \d/),
      "Left afterwards 975.00 EUR",
    ]);
    await album.look(ben.page, "pay");
    expect(await paidNow()).toBe(0);
    await pay.click();
    await ben.page.waitForURL(PAYMENT_ADDRESS);
    await ben.page.getByText("25.00 EUR went to Ada.").waitFor();

    await ada.page.getByText("Paid. 25.00 EUR is in your balance.").waitFor();
    expect(await ada.page.evaluate("window.hasStayed")).toBe(true);
    await goHome(ada.page, "1,025.00 EUR");
    await goHome(ben.page, "975.00 EUR");
    expect((await activity(ada.page))[0]).toMatch(/^From Ben Concert tickets \+25\.00 EUR paid/);
    expect((await activity(ben.page))[0]).toMatch(/^To Ada Concert tickets −25\.00 EUR paid/);
    expect(await paidNow()).toBe(1);
  });

  test("money sent by e-mail is reviewed first and then arrives", async () => {
    await ada.page.goto("/send");
    await ada.page.getByLabel("To", { exact: true }).fill(BEN.email);
    await ada.page.getByLabel("Amount", { exact: true }).fill("12.50");
    await ada.page.getByText("This is Ben.").waitFor();
    await album.look(ada.page, "send");
    await ada.page.getByLabel("Note").fill("Lunch on Friday");
    await ada.page.getByRole("button", { name: "Review" }).click();
    await ada.page.getByRole("heading", { name: "Review" }).waitFor();
    await ada.page.getByText("1,012.50").waitFor();
    expect(await facts(ada.page)).toEqual([
      `To Ben ${BEN.email}`,
      "Note Lunch on Friday",
      "Fee None",
      "Arrives At once",
      "Left afterwards 1,012.50 EUR",
    ]);
    await album.look(ada.page, "review");
    expect(await paidNow()).toBe(0);
    await ada.page.getByRole("button", { name: "Send 12.50 EUR" }).click();
    await ada.page.getByText("12.50 EUR went to Ben.").waitFor();

    await goHome(ada.page, "1,012.50 EUR");
    await goHome(ben.page, "987.50 EUR");
    expect((await activity(ben.page))[0]).toMatch(/^From Ada Lunch on Friday \+12\.50 EUR paid/);
    await ben.page.getByRole("link", { name: /Lunch on Friday/ }).click();
    await ben.page.getByText("12.50 EUR came from Ada.").waitFor();
    await album.look(ben.page, "activity-detail");
    expect(await paidNow()).toBe(1);
  });

  test("an invoice that was paid cannot be paid again, not even from a page that missed it", async () => {
    const link = await requestMoney(ada.page, { amount: "3", note: "Coffee" });
    await ben.page.goto(link);
    const late = await ben.context.newPage();
    await late.goto(link);
    await late.getByRole("button", { name: "Pay 3.00 EUR" }).waitFor();
    // The late page hears nothing new of the invoice, as after a lost connection.
    await late.route(/\/api\/payments\/invoices\/[^/]+$/, (route) => route.abort());
    await ben.page.getByRole("button", { name: "Pay 3.00 EUR" }).click();
    await ben.page.getByText("3.00 EUR went to Ada.").waitFor();

    await late.getByRole("button", { name: "Pay 3.00 EUR" }).click();
    await late.getByRole("alert").getByText("This invoice is paid.").waitFor();
    expect(await late.getByRole("alert").innerText()).toContain("You were not charged.");
    await late.unrouteAll();
    await late.reload();
    await late.getByText("You paid it.").waitFor();
    expect(await late.getByRole("button", { name: /^Pay/ }).count()).toBe(0);
    await late.close();
    await goHome(ben.page, "984.50 EUR");
    expect(await paidNow()).toBe(1);
  });

  test("nobody pays themselves: one's own link shows the request, one's own address is refused", async () => {
    const link = await requestMoney(ada.page, { amount: "4", note: "For myself" });
    await ada.page.goto("/scan");
    await ada.page.getByLabel("Payment link").fill(link);
    await ada.page.getByRole("button", { name: "Open" }).click();
    await ada.page.getByRole("heading", { name: "Your request" }).waitFor();
    await ada.page.getByText("Waiting for the payer.").waitFor();
    expect(await ada.page.getByRole("button", { name: /^Pay/ }).count()).toBe(0);

    await ada.page.goto("/send");
    await ada.page.getByLabel("To", { exact: true }).fill(ADA.email);
    await ada.page.getByLabel("Amount", { exact: true }).fill("4");
    await ada.page.getByRole("button", { name: "Review" }).click();
    await ada.page.getByText("That is you. Choose somebody else.").waitFor();
    expect(new URL(ada.page.url()).pathname).toBe("/send");
    await goHome(ada.page, "1,015.50 EUR");
    expect(await paidNow()).toBe(0);
  });

  test("more than the balance is told before it is asked for, and refused when it is", async () => {
    const link = await requestMoney(ada.page, { amount: "5000", note: "A boat" });
    await ben.page.goto(link);
    await ben.page.getByText("You have 984.50 EUR. Add money first").waitFor();
    expect(await ben.page.getByRole("button", { name: "Pay 5,000.00 EUR" }).isDisabled()).toBe(
      true,
    );
    await ben.page.goto("/send");
    await ben.page.getByLabel("To", { exact: true }).fill(ADA.email);
    await ben.page.getByLabel("Amount", { exact: true }).fill("984.51");
    await ben.page.getByRole("button", { name: "Review" }).click();
    await ben.page.getByText("You have 984.50 EUR.").waitFor();
    expect(new URL(ben.page.url()).pathname).toBe("/send");
    expect(await paidNow()).toBe(0);

    // Reviewed while the money was there, sent when another page had spent some of it.
    await reviewPayment(ben.page, { to: ADA.email, amount: "984.50", note: "All of it" });
    const other = await ben.context.newPage();
    await reviewPayment(other, { to: ADA.email, amount: "0.50", note: "A part of it" });
    await other.getByRole("button", { name: "Send 0.50 EUR" }).click();
    await other.getByText("0.50 EUR went to Ada.").waitFor();
    await other.close();
    await ben.page.getByRole("button", { name: "Send 984.50 EUR" }).click();
    const alert = ben.page.getByRole("alert");
    await alert.getByText("There is not enough money for this payment.").waitFor();
    expect(await alert.innerText()).toContain("FUNDS_INSUFFICIENT");
    await goHome(ben.page, "984.00 EUR");
    expect(await paidNow()).toBe(1);
  });

  test("a reload, before sending or while the answer is lost, does not pay twice", async () => {
    const { page } = ben;
    await reviewPayment(page, { to: ADA.email, amount: "4", note: "Reloaded" });
    await page.reload();
    await page.getByRole("button", { name: "Send 4.00 EUR" }).waitFor();
    expect(await paidNow()).toBe(0);

    // The request reaches the service and is carried out; its answer never reaches the page.
    const carriedOut = Promise.withResolvers<number>();
    await page.route("**/api/payments/payments", async (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      const answer = await route.fetch();
      carriedOut.resolve(answer.status());
    });
    await page.getByRole("button", { name: "Send 4.00 EUR" }).click();
    expect(await carriedOut.promise).toBe(201);
    await page.reload();
    await page.getByText("We do not know yet whether it was paid").waitFor();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.getByRole("button", { name: "Check again" }).click();
    await page.getByText("4.00 EUR went to Ada.").waitFor();
    await page.reload();
    await page.getByText("4.00 EUR went to Ada.").waitFor();
    await goHome(page, "980.00 EUR");
    expect((await activity(page)).filter((row) => row.includes("Reloaded"))).toHaveLength(1);
    expect(await paidNow()).toBe(1);
  });

  test("a payment needs no mouse", async () => {
    const { page } = ada;
    await goHome(page, "1,020.00 EUR");
    await tabAndEnter(page, page.getByRole("link", { name: "Send", exact: true }));
    await page.getByRole("heading", { name: "Send" }).waitFor();
    await tabAndType(page, page.getByLabel("To", { exact: true }), BEN.email);
    await tabAndType(page, page.getByLabel("Amount", { exact: true }), "1.25");
    await tabAndType(page, page.getByLabel("Note"), "No mouse");
    await page.keyboard.press("Enter");
    const review = page.getByRole("heading", { name: "Review" });
    await review.waitFor();
    await until(() => hasFocus(review), { deadlineMs: 5_000, what: "the focus on the new screen" });
    await tabTo(page, page.getByRole("button", { name: "Send 1.25 EUR" }));
    await page.keyboard.press("Enter");
    await page.getByText("1.25 EUR went to Ben.").waitFor();
    await tabAndEnter(page, page.getByRole("link", { name: "Done" }));
    await waitForBalance(page, "1,018.75 EUR");
    expect(await paidNow()).toBe(1);
  });

  test("home, the request form, the requests and the account hold in every look", async () => {
    await goHome(ada.page, "1,018.75 EUR");
    await album.look(ada.page, "home");
    await ada.page.goto("/request");
    await ada.page.getByLabel("Amount", { exact: true }).waitFor();
    await album.look(ada.page, "request");
    await ada.page.goto("/requests");
    await ada.page.getByRole("link", { name: /Concert tickets/ }).waitFor();
    await album.look(ada.page, "requests");
    await ada.page.goto("/account");
    await ada.page.getByText(ADA.email).waitFor();
    await album.look(ada.page, "account");
  });

  test("what the pages showed is what the ledger holds, and no script complained", async () => {
    await goHome(ben.page, "981.25 EUR");
    const { rows } = await ledger.query<{ balance: string }>(
      `select (credits_posted - debits_posted)::text as balance from accounts
       where code = 210 and asset = 'EUR' order by balance desc`,
    );
    expect(rows.map(({ balance }) => balance).sort()).toEqual(["101875", "98125"]);
    await waitForText(ben.page.locator(".tw-money").first(), "981.25 EUR");
    expect([...ada.complaints, ...ben.complaints]).toEqual([]);
  });
});

async function goHome(page: Page, balance: string): Promise<void> {
  await page.goto("/");
  await waitForBalance(page, balance);
}

/** Payments between people that the ledger has moved money for. */
async function countPayments(ledger: Client): Promise<number> {
  const { rows } = await ledger.query<{ count: number }>(
    "select count(*)::int as count from transfers where code = 'payment'",
  );
  return rows[0]?.count ?? 0;
}
