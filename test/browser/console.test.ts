/**
 * The console in a real browser, on a whole installation under a little real traffic: an operator
 * watches a release of payments, stops it, lets it go on and withdraws it, while control is killed.
 * A release that cannot start tells why. What the pages say is compared with what control answers.
 */
import { rmSync } from "node:fs";
import { until } from "@tideway/kernel";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signInPeople } from "../../platform/cli/src/demo/people.ts";
import { runTraffic } from "../../platform/cli/src/demo/traffic.ts";
import type { TrafficReport } from "../../platform/cli/src/demo/traffic.ts";
import { install, patchedCopy } from "../system/harness.ts";
import type { Installation } from "../system/harness.ts";
import { findChromium, launchChromium, newVisitor } from "./chromium.ts";
import type { Visitor } from "./chromium.ts";
import {
  confirm,
  decisions,
  laneText,
  peopleSeen,
  signInOperator,
  waitForFreshness,
} from "./console-pages.ts";
import { hasFocus, tabAndEnter, tabTo } from "./keyboard.ts";
import { expectAccessible, openAlbum } from "./looks.ts";
import type { Album } from "./looks.ts";
import { normal, waitForText } from "./wallet-pages.ts";

/** Far fewer than the 99 clean people that a pass takes, so that no step is passed. */
const PEOPLE = 20;
const PER_SECOND = 5;
/** The traffic ends when the test does; this only bounds it. */
const TRAFFIC_SECONDS = 600;
const REASON = "The new receipts confuse people.";
const chromiumPath = findChromium();

describe.skipIf(chromiumPath === null)("the console", () => {
  const ending = new AbortController();
  const copies: string[] = [];
  let album: Album;
  let tideway: Installation;
  let browser: Browser;
  let operator: Visitor;
  let traffic: Promise<TrafficReport>;
  let live: TrafficReport;
  let rolloutAddress = "";

  beforeAll(async () => {
    album = openAlbum("console");
    tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
    const { publicUrl } = tideway;
    const { signal } = ending;
    const people = await signInPeople({ publicUrl, count: PEOPLE, signal });
    traffic = runTraffic({
      publicUrl,
      people,
      perSecond: PER_SECOND,
      seconds: TRAFFIC_SECONDS,
      signal,
      onSecond: (report) => {
        live = report;
      },
    });
    browser = await launchChromium(chromiumPath ?? "");
    operator = await newVisitor(browser, tideway.operatorsUrl);
  });

  afterAll(async () => {
    ending.abort();
    album.close();
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
    try {
      await traffic;
      await browser?.close();
    } finally {
      await tideway?.stop();
    }
  });

  const deploy = async (file: string, patch: (text: string) => string): Promise<void> => {
    const copy = patchedCopy(file, patch);
    copies.push(copy);
    const answer = await tideway.tideway(["deploy", "payments", "--detach"], copy);
    expect(answer, answer.stderr).toMatchObject({ code: 0 });
  };

  test("a wrong password is told; then everything is calm", async () => {
    const { page } = operator;
    await page.goto("/");
    await expectAccessible(page, "sign-in");
    await signInOperator(page, "not-the-password");
    await page.getByRole("alert").waitFor();
    await signInOperator(page);
    await page.getByText(/^All calm\. Checked/).waitFor();
  });

  test("every service and every part of the platform is there, and serves", async () => {
    const { page } = operator;
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByRole("heading", { name: "Services" }).waitFor();
    for (const service of ["identity", "ledger", "payments"]) {
      const row = page.getByRole("row", { name: new RegExp(`^${service} serving`) });
      await row.getByText(`${service}-1`).waitFor();
    }
    const parts = await page
      .locator("section", { hasText: "Platform" })
      .getByRole("listitem")
      .allInnerTexts();
    const up = parts.map(normal).filter((part) => / up /.test(part));
    for (const part of ["supervisor", "postgres", "control", "gateway"]) {
      expect(
        up.some((line) => line.startsWith(part)),
        `${part} in ${up.join("; ")}`,
      ).toBe(true);
    }
    expect(up.join("; ")).not.toMatch(/[.,]{2}/);
    await album.look(page, "services");
  });

  test("a release under traffic shows both lanes, and says that there are too few people", async () => {
    const { page } = operator;
    await deploy("services/payments/service.ts", (text) =>
      text.replace(
        "  scaling:",
        "  rollout: { steps: [{ weight: 40 }, { weight: 80 }], stepSecondsMin: 3 },\n  scaling:",
      ),
    );
    await page.getByRole("link", { name: "payments", exact: true }).click();
    await page.getByText("payments-2 is being released.").waitFor();
    await album.look(page, "service");
    await page.getByRole("link", { name: "Watch the rollout" }).click();
    await page.getByText("payments-2 is to get 40 % of people and is being judged.").waitFor();
    rolloutAddress = page.url();
    await until(async () => (await peopleSeen(page, "candidate")) > 0, {
      deadlineMs: 30_000,
      what: "people on the candidate",
    });
    const stable = await peopleSeen(page, "stable");
    const candidate = await peopleSeen(page, "candidate");
    expect(stable + candidate).toBeLessThanOrEqual(PEOPLE);
    await page.getByText(/^Not enough people yet: \d+ of about 99\.$/).waitFor();
    expect(await page.locator(".verdict").innerText()).toContain("inconclusive");
    expect(await laneText(page, "stable")).toMatch(/payments-1 .*% .*errors 0 % p99 [\d.]+ m?s/);
    expect(await laneText(page, "candidate")).toMatch(/payments-2 .*% .*errors 0 % p99 [\d.]+ m?s/);
    await page.locator(".uplot canvas").first().waitFor();
    await album.look(page, "rollout");
  });

  test("it is paused, waits for the operator, and is resumed", async () => {
    const { page } = operator;
    await page.getByRole("button", { name: "Pause" }).click();
    await confirm(page, "Pause", "Lunch.");
    await page.getByText("Paused. payments-2 keeps 40 % of people.").waitFor();
    await page.getByText("clock stopped").waitFor();
    const [decision = ""] = await decisions(page);
    expect(decision).toMatch(/Paused: Lunch\. .*by operator demo$/);
    const [time = "no time"] = /\d\d:\d\d:\d\d/.exec(decision) ?? [];
    await page.keyboard.press("g");
    await page.keyboard.press("h");
    const waiting = page.getByText(/^The release of payments-2 is paused.* It waits for you\.$/);
    await waiting.waitFor();
    expect(await waiting.innerText()).toContain(`since ${time}`);
    await album.look(page, "home");
    await page.getByRole("link", { name: "Decide" }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await confirm(page, "Resume");
    await page.getByText("Resumed at 40 % of people.").waitFor();
    await page.getByText("payments-2 is to get 40 % of people and is being judged.").waitFor();
  });

  test("the page outlives control: stale while it hangs, live again when it was killed", async () => {
    const { page } = operator;
    await page.goto(rolloutAddress);
    await page.getByRole("button", { name: "Pause" }).waitFor();
    const before = await tideway.pidOf("control");
    await page.evaluate("window.hasStayed = true");
    process.kill(before, "SIGSTOP");
    try {
      const paid = live.acknowledged.length;
      await waitForFreshness(page, /^stale, /);
      await page.getByText("Connection to control lost").waitFor();
      expect(await laneText(page, "candidate")).toContain("payments-2");
      expect(live.acknowledged.length).toBeGreaterThan(paid);
    } finally {
      process.kill(before, "SIGKILL");
    }
    await waitForFreshness(page, /^updated \d s ago$/);
    await page.getByText("Connection to control lost").waitFor({ state: "hidden" });
    await page.getByText("payments-2 is to get 40 % of people and is being judged.").waitFor();
    expect(await page.evaluate("window.hasStayed")).toBe(true);
    expect(await tideway.pidOf("control")).not.toBe(before);
  });

  test("it is withdrawn with a reason, without a mouse, and the log and the audit tell", async () => {
    const { page } = operator;
    await page.goto(rolloutAddress);
    await tabAndEnter(page, page.getByRole("button", { name: "Abort" }));
    const dialog = page.getByRole("dialog");
    await dialog.getByText("All traffic of payments returns to payments-1 at once").waitFor();
    await expectAccessible(page, "the question before an abort");
    const field = dialog.getByLabel("Reason");
    await until(() => hasFocus(field), { deadlineMs: 5_000, what: "the focus on the reason" });
    await page.keyboard.type(REASON);
    await tabTo(page, dialog.getByRole("button", { name: "Withdraw 2" }));
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await page.getByText("Withdrawn. All traffic is on payments-1.").waitFor();
    await page
      .getByText("An operator withdrew payments-2. All traffic is on payments-1.")
      .waitFor();
    await waitForText(page.locator(".rollout-head .tw-chip"), "aborted");
    expect((await decisions(page))[0]).toMatch(new RegExp(`${REASON}.* by operator demo$`));
    const abort = page.getByRole("button", { name: /^Abort/ });
    expect(await abort.getAttribute("aria-disabled")).toBe("true");

    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.getByRole("heading", { name: "Audit" }).waitFor();
    const entry = page.getByRole("row", { name: /rollout\.abort/ });
    expect(normal(await entry.innerText())).toMatch(
      new RegExp(`demo rollout\\.abort payments .*${REASON}$`),
    );
    // In the text face, digits around an x are drawn as a product: an id must not be.
    const id = entry.getByText(/^rol_[0-9a-z]{26}$/);
    const face = await id.evaluate((element) => {
      return element.ownerDocument.defaultView?.getComputedStyle(element).fontFamily;
    });
    expect(face).toMatch(/mono/i);
    await album.look(page, "audit");
    expect(await stableOf("payments")).toBe("payments-1");
  });

  test("a revision that cannot start is shown as failed, with its own last words", async () => {
    const { page } = operator;
    await deploy(
      "services/payments/src/main.ts",
      (text) => `throw new Error("no such luck");\n${text}`,
    );
    await page.keyboard.press("g");
    await page.keyboard.press("h");
    const told = page.getByText(/^payments-3 never got ready/);
    await told.waitFor({ timeout: 60_000 });
    expect(await told.innerText()).toContain("exited with code 1 before it was ready");
    await page.getByRole("link", { name: "See why payments went back" }).click();
    await page.getByText("payments-3 never got ready and got no traffic.").waitFor();
    await waitForText(page.locator(".rollout-head .tw-chip"), "failed");
    await page.getByRole("region", { name: "Last log lines" }).getByText("no such luck").waitFor();
    await album.look(page, "rollout-failed");
    expect(await stableOf("payments")).toBe("payments-1");
  });

  test("nobody who paid noticed any of it, and no script complained", async () => {
    ending.abort();
    const { rawFailures, acknowledged } = await traffic;
    expect(rawFailures).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(PER_SECOND * 10);
    expect(operator.complaints).toEqual([]);
  });

  async function stableOf(service: string): Promise<string | undefined> {
    const { stdout } = await tideway.tideway(["get", "services", "--json"]);
    // The command documents this shape.
    const services = JSON.parse(stdout) as { service: string; stable: string }[];
    return services.find((one) => one.service === service)?.stable;
  }
});
