/** A whole control with a real gateway and real instances: releases that the gate lets pass or not. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ADMIN_BASE_PATH, adminApi } from "@tideway/api-admin";
import type { Rollout } from "@tideway/api-admin";
import { createClient, isClientError } from "@tideway/client";
import type { ClientOf, FetchLike } from "@tideway/client";
import { documentFiles } from "@tideway/compatibility";
import { defineErrors, until } from "@tideway/kernel";
import { defineApi, defineService, formatExpectations, toManifest } from "@tideway/schema";
import type { Expectation } from "@tideway/schema";
import { Type } from "typebox";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startControl } from "../control.ts";
import type { Control } from "../control.ts";
import { openTestPlatform } from "../test/platform.ts";
import type { TestPlatform } from "../test/platform.ts";
import { uploadOf } from "../test/small-service.ts";

let platform: TestPlatform;
let control: Control;
let admin: ClientOf<typeof adminApi>;

beforeAll(async () => {
  platform = await openTestPlatform();
  await platform.restartGateway();
  const config = {
    home: platform.home,
    postgresUrl: process.env["TIDEWAY_TEST_POSTGRES_URL"] ?? "",
    profile: "demo",
    publicUrl: "http://127.0.0.1:1",
    internalUrl: "http://127.0.0.1:1",
    operatorsUrl: "http://127.0.0.1:1",
    listen: { port: 0, host: "127.0.0.1" },
  } as const;
  control = await startControl(config, {}, platform.logger);
  const token = readFileSync(join(platform.home, "secrets/operator.token"), "utf8").trim();
  admin = createClient(adminApi, {
    baseUrl: ADMIN_BASE_PATH,
    token: () => token,
    fetch: asConsole,
  });
});
afterAll(async () => {
  await control.leave();
  await platform.close();
});

/** Host is what the console's address says, whatever port the test got. */
const asConsole: FetchLike = async (url, init) => {
  const answer = await control.app.inject({
    // The client sends plain strings and the api's own methods.
    method: (init.method ?? "GET") as "GET",
    url,
    headers: { ...Object.fromEntries(new Headers(init.headers)), host: "127.0.0.1:1" },
    ...(typeof init.body === "string" ? { payload: init.body } : {}),
  });
  return new Response(answer.body, { status: answer.statusCode });
};

const BOTH = { balance: Type.String(), openedAt: Type.String() };
const apiOf = (name: string, fields: Parameters<typeof Type.Object>[0]) =>
  defineApi({
    name,
    version: "1.0.0",
    errors: defineErrors({}),
    routes: {
      look: {
        method: "GET",
        path: "/look",
        auth: "service",
        exposure: "internal",
        summary: "Look.",
        reply: Type.Object(fields),
      },
    },
  });
const EXPECTS: readonly Expectation[] = [
  { provider: "books", operation: "GET /look", part: "reply", path: "balance", type: "string" },
];

/** What `tideway deploy` sends: the small real service, and the documents of this api. */
function treeOf(service: string, text: string, fields: Parameters<typeof Type.Object>[0]) {
  const api = apiOf(service, fields);
  const isTill = service === "till";
  const calls = isTill ? ["books"] : [];
  const rollout = { stepSecondsMin: 0 };
  const manifest = toManifest(
    defineService({ name: service, api, database: false, calls, rollout }),
  );
  const expects = isTill ? { "expectations.json": formatExpectations(service, EXPECTS) } : {};
  return { service, text, manifest, documents: { ...documentFiles(api), ...expects } };
}

async function deploy(tree: ReturnType<typeof treeOf>, acceptBreaking?: string): Promise<Rollout> {
  const { service, text, manifest, documents } = tree;
  const { files } = uploadOf({ service, text });
  const texts = Object.entries(documents).map(([name, contents]) => {
    return [name, Buffer.from(contents).toString("base64")] as const;
  });
  const upload = { service, manifest, files: { ...files, ...Object.fromEntries(texts) } };
  const { revision } = await admin.putRevision({ body: upload });
  const accepted = acceptBreaking === undefined ? {} : { acceptBreaking };
  return admin.startRollout({ body: { revision, ...accepted } });
}

/** Promotes a rollout by hand as soon as its instance is ready, and waits until it is over. */
async function promote({ rollout, service }: Rollout): Promise<Rollout> {
  const params = { rolloutId: rollout };
  return until(
    async () => {
      const now = await admin.rollout({ params });
      if (now.finishedAt !== null) return now;
      // It may be over by itself between the two questions.
      if (now.state === "progressing") {
        await refusal(admin.promote({ params, body: { full: true } }));
      }
      return false as const;
    },
    { deadlineMs: 25_000, intervalMs: 50, what: `the rollout of ${service} ends` },
  );
}

const refusal = (attempt: Promise<unknown>) =>
  attempt.then(
    () => null,
    (error: unknown) => {
      if (isClientError(error)) return error;
      throw error;
    },
  );

test("a running reader stops the release that drops its field, and no other", async () => {
  await promote(await deploy(treeOf("books", "1", BOTH)));
  await promote(await deploy(treeOf("till", "1", {})));

  const without = (name: keyof typeof BOTH, text: string) =>
    treeOf(
      "books",
      text,
      name === "balance" ? { openedAt: BOTH.openedAt } : { balance: BOTH.balance },
    );
  const told = await admin.checkApi({ body: checkBody(without("balance", "2")) });
  expect(told).toMatchObject({
    verdict: "incompatible",
    findings: [{ consumerRevision: "till-1", neighbour: "stable", property: "balance" }],
  });
  const refused = await refusal(deploy(without("balance", "2")));
  expect(refused).toMatchObject({ code: "API_INCOMPATIBLE", status: 409, retryable: false });
  expect(refused?.given["findings"]).toMatch(/^till-1 \(stable\) {2}GET \/look \.balance {2}/);
  // Nothing of it began: the stable revision has all traffic, and no rollout was written down.
  const shown = await admin.service({ params: { service: "books" } });
  expect(shown.service).toMatchObject({ stable: "books-1", candidate: null });
  expect(shown.rollouts).toHaveLength(1);

  const passing = await promote(await deploy(without("openedAt", "3")));
  expect(passing).toMatchObject({ state: "promoted", to: "books-3" });

  // The audit log keeps the refusal, and the reason by which an operator let one pass.
  const accepted = await deploy(without("balance", "4"), "till is closed for good");
  expect(accepted.to).toBe("books-4");
  const { entries } = await admin.audit({ query: { limit: 50 } });
  const acts = entries.map(({ action, detail }) => `${action} ${detail}`);
  expect(acts).toContain("rollout.start.refused API_INCOMPATIBLE");
  expect(acts).toContain(
    `rollout.start ${accepted.rollout} with breaking changes accepted: till is closed for good`,
  );
});

function checkBody({ service, manifest, documents }: ReturnType<typeof treeOf>) {
  return { service, manifest, documents };
}
