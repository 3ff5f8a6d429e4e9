/**
 * Sagas and events in the console, on a whole installation: payments of demo people, and the ring's
 * services, which are broken and repaired while they run. An operator finds out at home what is
 * stuck, looks at it, gives up what may be given up, tries again what may not, and delivers again
 * what was quarantined. What the pages say is compared with what control answers.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ADMIN_BASE_PATH, adminApi } from "@tideway/api-admin";
import type { SagaDetail } from "@tideway/api-admin";
import { createClient } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import { present, until } from "@tideway/kernel";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signInPeople } from "../../platform/cli/src/demo/people.ts";
import { runTraffic } from "../../platform/cli/src/demo/traffic.ts";
import type { RingName } from "../fixtures/ring/ring-api.ts";
import { install } from "../system/harness.ts";
import type { Installation } from "../system/harness.ts";
import { findChromium, launchChromium, newVisitor } from "./chromium.ts";
import type { Visitor } from "./chromium.ts";
import { confirm, signInOperator } from "./console-pages.ts";
import {
  POISONED_KEY,
  beginSaga,
  breakIt,
  passTenMinutes,
  releaseRing,
  repair,
  runSagas,
  throwBalls,
} from "./console-sagas-faults.ts";
import { hasFocus, tabAndEnter, tabTo } from "./keyboard.ts";
import { expectAccessible, openAlbum } from "./looks.ts";
import type { Album } from "./looks.ts";
import { normal } from "./wallet-pages.ts";

const PAYMENTS = 3;
/** From so many failed tries of a step on, its saga needs somebody. */
const ATTENTION_TRIES = 20;
/** More than a page of them holds, and fewer than two. */
const MANY_SAGAS = 60;
const PAGE_ITEMS = 50;
const REASON = "The payee closed the account.";
const chromiumPath = findChromium();

describe.skipIf(chromiumPath === null)("sagas and events in the console", () => {
  let album: Album;
  let tideway: Installation;
  let browser: Browser;
  let operator: Visitor;
  let admin: ClientOf<typeof adminApi>;

  beforeAll(async () => {
    album = openAlbum("console-sagas");
    tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
    const token = readFileSync(join(tideway.home, "secrets/operator.token"), "utf8").trim();
    const baseUrl = tideway.operatorsUrl + ADMIN_BASE_PATH;
    admin = createClient(adminApi, { baseUrl, token: () => token });
    await releaseRing(tideway);
    browser = await launchChromium(chromiumPath ?? "");
    operator = await newVisitor(browser, tideway.operatorsUrl);
  });

  afterAll(async () => {
    album?.close();
    try {
      await browser?.close();
    } finally {
      await tideway?.stop();
    }
  });

  test("people's payments are listed as sagas, and one of them step by step", async () => {
    const { page } = operator;
    await pay();
    await page.goto("/sagas");
    await signInOperator(page);
    const rows = page.getByRole("table", { name: "Sagas, the newest first" }).locator("tbody tr");
    await rows.first().waitFor();
    const listed = (await admin.sagas({ query: { service: "payments" } })).items;
    await until(async () => (await rows.count()) === listed.length, {
      deadlineMs: 10_000,
      what: `${listed.length} sagas on the page`,
    });
    await album.look(page, "sagas");
    await page.getByLabel("State").selectOption("compensated");
    await page.getByText("There is no such saga").waitFor();
    expect(page.url()).toMatch(/\/sagas\?state=compensated$/);
    await page.getByLabel("State").selectOption("completed");
    await page.getByLabel("Service", { exact: true }).selectOption("payments");
    const first = page.getByRole("link", { name: "payment v1" }).first();
    await first.click();
    await page.getByText("Every step is done.").waitFor();
    const steps = await timeline(page);
    expect(steps.map((step) => step.split(" ")[0])).toEqual(["claim", "No", "move", "finish"]);
    expect(steps[0]).toMatch(/^claim own transaction done .*took .*1 try Its undo, as kept: TX/);
    expect(steps[1]).toBe("No way back any more");
    for (const name of ["Try again now", "Give up and undo"]) {
      const button = page.getByRole("button", { name });
      expect(await button.getAttribute("aria-disabled")).toBe("true");
      expect(await button.innerText()).toContain("This saga is completed");
    }
    await album.look(page, "saga-completed");
    const said = await admin.saga({ params: { saga: sagaIn(page) }, query: {} });
    await page
      .getByRole("button", { name: present(said.saga.traceId, "Every request has a trace.") })
      .click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(said.saga.traceId);
  });

  test("a saga that is stuck before its pivot is given up, and the undo of its steps told", async () => {
    const { page } = operator;
    await breakIt(tideway, "east", "hold");
    await breakIt(tideway, "east", "undo");
    const saga = await stuckSaga("north", "hold");
    await page.goto(`/sagas/${saga}`);
    await page.getByText("The step \u201chold\u201d failed", { exact: true }).waitFor();
    const steps = await timeline(page);
    expect(steps.map((step) => step.split(" ")[0])).toEqual(["hold", "No", "move", "confirm"]);
    expect(steps[0]).toMatch(/^hold reserve running .*as kept: POST east \/steps\/undo/);
    expect(steps[1]).toBe("No way back once \u201cmove\u201d has begun");
    await album.look(page, "saga-stuck");
    await page.getByRole("button", { name: "Try again now" }).click();
    await confirm(page, "Try again now");
    await page.getByText("Due now: the step \u201chold\u201d is tried again.").waitFor();

    await tabAndEnter(page, page.getByRole("button", { name: "Give up and undo" }));
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The step \u201chold\u201d is undone: POST east /steps/undo.").waitFor();
    await expectAccessible(page, "the question before a saga is given up");
    const field = dialog.getByLabel("Reason");
    await until(() => hasFocus(field), { deadlineMs: 5_000, what: "the focus on the reason" });
    await page.keyboard.type(REASON);
    await tabTo(page, dialog.getByRole("button", { name: "Give up and undo" }));
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    const back = page.getByRole("list", { name: "The way back" }).getByRole("listitem");
    await page.getByText("The undo of \u201chold\u201d failed", { exact: true }).waitFor();
    expect(normal(await back.innerText())).toMatch(
      /^hold being undone POST east \/steps\/undo \d+ failed tr(y|ies) of the undo so far\.$/,
    );
    await album.look(page, "saga-compensating");
    await page.getByRole("button", { name: "Try again now" }).click();
    await page.getByRole("dialog").getByText("The undo of the step \u201chold\u201d").waitFor();
    await confirm(page, "Try again now");
    await repair(tideway, "east", "undo");
    await page.getByText("It was given up, and what was done is undone.").waitFor();
    await page.getByText(REASON).waitFor();
    expect(normal((await back.allInnerTexts()).join("; "))).toBe(
      "hold undone POST east /steps/undo",
    );
    await album.look(page, "saga-compensated");
    const { saga: said } = await admin.saga({ params: { saga }, query: {} });
    expect(said.state).toBe("compensated");
    await page.goto("/audit");
    const entry = page.getByRole("row", { name: /saga\.compensate/ });
    expect(normal(await entry.innerText())).toContain(REASON);
    await repair(tideway, "east", "hold");
  });

  test("behind the pivot it cannot be given up; home names it, and it is tried until it is done", async () => {
    const { page } = operator;
    await breakIt(tideway, "north", "move");
    const saga = await stuckSaga("east", "move");
    await until(async () => (await retried(saga, "east")) >= ATTENTION_TRIES, {
      deadlineMs: 60_000,
      intervalMs: 100,
      what: `${ATTENTION_TRIES} failed tries`,
    });
    await page.goto("/");
    await page
      .getByText(/^ring v1 of east is stuck at the step \u201cmove\u201d after \d+ tries\./)
      .waitFor();
    await page.getByRole("link", { name: "See its steps" }).click();
    await page.getByText("needs attention").waitFor();
    expect((await timeline(page))[1]).toBe("No way back any more");
    const giveUp = page.getByRole("button", { name: "Give up and undo" });
    expect(await giveUp.getAttribute("aria-disabled")).toBe("true");
    expect(await giveUp.innerText()).toContain("The step \u201cmove\u201d has begun");
    await album.look(page, "saga-past-pivot");
    await page.goto("/sagas?attention=true");
    await page.getByRole("row", { name: /ring v1 .* east running needs attention move/ }).waitFor();
    await page.getByRole("link", { name: "ring v1" }).click();
    const button = page.getByRole("button", { name: "Try again now" });
    await button.waitFor();
    // It has just failed once more, so by itself it would go on in 15 s at the earliest.
    const before = await retried(saga, "east");
    await until(async () => (await triesOf(saga)) > before, {
      deadlineMs: 10_000,
      what: "one more failed try",
    });
    await repair(tideway, "north", "move");
    await button.click();
    await confirm(page, "Try again now");
    await page.getByText("Every step is done.").waitFor();
  });

  test("a poisoned key waits alone, is quarantined, and is delivered again in its order", async () => {
    const { page } = operator;
    await breakIt(tideway, "east", "catch-one");
    await throwBalls(tideway, "north");
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.getByRole("link", { name: "east", exact: true }).click();
    const row = page.getByRole("row", { name: new RegExp(`^${POISONED_KEY} `) });
    await row.getByText("retrying").waitFor();
    await passTenMinutes(tideway);
    await row.getByText("quarantined").waitFor();
    const told = normal(await row.innerText());
    expect(told).toMatch(/north\.ball\.thrown\.v1 .*by east-1, since .* 8 1 not by itself/);
    await album.look(page, "event-group");
    await page.goto("/");
    await page.getByText(/^1 key is quarantined at east\./).waitFor();
    await album.look(page, "home");
    await page.getByRole("link", { name: "See why and deliver again" }).click();
    await repair(tideway, "east", "catch-one");
    await tabAndEnter(page, page.getByRole("button", { name: `Deliver again: ${POISONED_KEY}` }));
    await page.getByRole("dialog").getByText("Its 2 events go to east again").waitFor();
    await confirm(page, "Deliver again");
    await page.getByText("1 key goes on at east, in order.").waitFor();
    await page.getByText("No key is quarantined").first().waitFor();
    const inOrder = await caught("east", "ball-4");
    expect(inOrder.length).toBeGreaterThanOrEqual(2);
    await until(async () => (await caught("east", POISONED_KEY)).length >= inOrder.length, {
      deadlineMs: 10_000,
      what: "every ball of the key",
    });
    expect(await caught("east", POISONED_KEY)).toEqual(inOrder);
  });

  test("a service that fails most keys is suspended, and says so; the log tells what came", async () => {
    const { page } = operator;
    await breakIt(tideway, "south", "catch-all");
    await throwBalls(tideway, "east");
    await page.goto("/");
    await page.getByText(/^south has been suspended since .* keys; last /).waitFor();
    await page.getByRole("link", { name: "See its events" }).click();
    await page.getByText(/^Suspended since/).waitFor();
    await album.look(page, "event-group-suspended");
    await page.getByRole("link", { name: "All consuming services" }).click();
    await page.getByRole("row", { name: /^south suspended/ }).waitFor();
    await album.look(page, "events");
    await page.getByLabel("Type").fill("east.ball.thrown.v1");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "ball-7" }).first().click();
    await until(() => page.url().includes("key=ball-7"), { deadlineMs: 5_000, what: "the filter" });
    const log = page.getByRole("table", { name: "Events in the log" }).locator("tbody tr");
    const said = await admin.eventLog({ query: { type: "east.ball.thrown.v1", key: "ball-7" } });
    await until(async () => (await log.count()) === said.items.length, {
      deadlineMs: 10_000,
      what: `${said.items.length} events of the key`,
    });
    await repair(tideway, "south", "catch-all");
    await page.getByRole("row", { name: /^south running 0 / }).waitFor({ timeout: 60_000 });
  });

  test("a long list goes on page by page, and a page that is cut off says so and recovers", async () => {
    const { page } = operator;
    const { finished, failed } = await runSagas(tideway, "south", MANY_SAGAS);
    expect(failed).toBe(0);
    expect(finished).toBeGreaterThan(PAGE_ITEMS);
    await page.goto("/sagas?service=south");
    const rows = page.getByRole("table", { name: "Sagas, the newest first" }).locator("tbody tr");
    await until(async () => (await rows.count()) === PAGE_ITEMS, {
      deadlineMs: 10_000,
      what: "a page of sagas",
    });
    await page.getByRole("button", { name: "Load older sagas" }).press("Enter");
    await until(async () => (await rows.count()) > PAGE_ITEMS, {
      deadlineMs: 10_000,
      what: "the next page of sagas",
    });
    const ids = await rows.locator("a").evaluateAll((links) => links.map((link) => link.title));
    expect(new Set(ids).size).toBe(ids.length);

    await page.goto("/services");
    await page.route("**/api/admin/events/groups", (route) => route.abort());
    await page.getByRole("link", { name: "Home" }).click();
    await page.getByText(/^Whether events need you is not known: Control did not answer/).waitFor();
    await page.getByRole("link", { name: "Look at events" }).click();
    await page.getByRole("alert").getByText("UNREACHABLE").waitFor();
    await page.getByRole("table", { name: "Events in the log" }).waitFor();
    await page.unroute("**/api/admin/events/groups");
    await page.getByRole("row", { name: /^payments running 0 / }).waitFor();
  });

  test("no script complained", () => {
    expect(operator.complaints).toEqual([]);
  });

  async function pay(): Promise<void> {
    const { publicUrl } = tideway;
    const { signal } = new AbortController();
    const people = await signInPeople({ publicUrl, count: 2, signal });
    const { failures } = await runTraffic({ publicUrl, people, perSecond: 3, seconds: 1, signal });
    expect(failures).toEqual([]);
    await until(async () => (await completed()) === PAYMENTS, {
      deadlineMs: 20_000,
      what: `${PAYMENTS} payments`,
    });
  }

  async function completed(): Promise<number> {
    const { items } = await admin.sagas({ query: { service: "payments", state: "completed" } });
    return items.filter(({ name }) => name === "payment").length;
  }

  /** Begins a saga and waits until its step has failed twice. */
  async function stuckSaga(service: RingName, step: string): Promise<string> {
    beginSaga(tideway, service);
    let saga = "";
    await until(
      async () => {
        const { items } = await admin.sagas({ query: { service, state: "running" } });
        const stuck = items.find((one) => one.step === step && one.attempts >= 2);
        saga = stuck?.saga ?? "";
        return stuck !== undefined;
      },
      { deadlineMs: 30_000, intervalMs: 200, what: `a saga of ${service} at ${step}` },
    );
    return saga;
  }

  /** Has it tried once more, and answers how often it failed by now. */
  async function retried(saga: string, service: RingName): Promise<number> {
    const { attempts } = await admin.retrySaga({ params: { saga }, body: { service } });
    return attempts;
  }

  async function triesOf(saga: string): Promise<number> {
    return (await admin.saga({ params: { saga }, query: {} })).saga.attempts;
  }

  /** The numbers of the balls of a key in the order in which they were caught. */
  async function caught(name: RingName, key: string): Promise<number[]> {
    const client = await tideway.database(`tideway_${name}`);
    try {
      const text = "select number from catches where key = $1 order by place";
      const { rows } = await client.query<{ number: number }>(text, [key]);
      return rows.map(({ number }) => number);
    } finally {
      await client.end();
    }
  }
});

/** The steps as the page tells them, the line of no return among them. */
async function timeline(page: Page): Promise<string[]> {
  const list = page.getByRole("list", { name: "Steps" }).getByRole("listitem");
  return (await list.allInnerTexts()).map(normal);
}

/** The saga's id in the page's address. */
function sagaIn(page: Page): SagaDetail["saga"]["saga"] {
  return present(/sag_[0-9a-z]{26}/.exec(page.url())?.[0], "The address of a saga has its id.");
}
