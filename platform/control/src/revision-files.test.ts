import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentFiles } from "@tideway/compatibility";
import { defineErrors, isCoded } from "@tideway/kernel";
import {
  ROLLOUT_DEFAULT,
  SCALING_DEFAULT,
  defineApi,
  defineService,
  toManifest,
} from "@tideway/schema";
import type { Api, Manifest } from "@tideway/schema";
import { Type } from "typebox";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkUpload, storeRevision } from "./revision-files.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tw-revisions-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const manifest: Manifest = {
  manifestVersion: 1,
  service: "shop",
  apiVersion: "1.0.0",
  database: true,
  connectionsMax: 10,
  calls: [],
  consumes: [],
  emits: [],
  sagas: [],
  cron: {},
  routing: "any",
  grants: [],
  enforcesGrants: false,
  guards: [],
  scaling: SCALING_DEFAULT,
  rollout: ROLLOUT_DEFAULT,
  configuration: [],
  routes: [],
};
const text = (value: string): string => Buffer.from(value).toString("base64");
const files = { "main.mjs": text("1"), "migrations/0001_a.sql": text("select 1") };
const upload = { service: "shop", manifest, files };

test("the same files have the same digest, and any other byte or name another one", () => {
  const digest = checkUpload(upload).digest;
  expect(checkUpload({ ...upload, files: { ...files } }).digest).toBe(digest);
  const changed = [
    { ...files, "main.mjs": text("2") },
    { "main.mjs": text("1"), "migrations/0002_a.sql": text("select 1") },
    { "main.mjs": text("1") },
  ];
  for (const other of changed) {
    expect(checkUpload({ ...upload, files: other }).digest).not.toBe(digest);
  }
  const calls = { ...upload, manifest: { ...manifest, calls: ["ledger"] } };
  expect(checkUpload(calls).digest).not.toBe(digest);
});

test.each([
  ["a path out of the folder", { files: { ...files, "../evil": text("x") } }],
  ["a file of another kind", { files: { ...files, "run.sh": text("x") } }],
  ["no bundle", { files: { "migrations/0001_a.sql": text("") } }],
  ["another service's manifest", { manifest: { ...manifest, service: "bank" } }],
  [
    "a manifest with a wrong weight",
    { manifest: { ...manifest, rollout: { ...ROLLOUT_DEFAULT, steps: [{ weight: 200 }] } } },
  ],
  ["no manifest", { manifest: null }],
])("%s is refused", (_, wrong) => {
  let error: unknown = null;
  try {
    checkUpload({ ...upload, ...wrong });
  } catch (thrown) {
    error = thrown;
  }
  expect(isCoded(error, "REVISION_INVALID")).toBe(true);
});

test("two uploads at once leave one whole folder and no draft", async () => {
  const revision = checkUpload(upload);
  const [one, two] = await Promise.all([
    storeRevision(home, revision),
    storeRevision(home, revision),
  ]);
  expect(one).toBe(two);
  expect(readdirSync(join(home, "revisions/shop"))).toEqual([revision.digest]);
  expect(readFileSync(join(one, "migrations/0001_a.sql"), "utf8")).toBe("select 1");
});

const refused = (change: Partial<Manifest>): string => {
  try {
    checkUpload({ ...upload, manifest: { ...manifest, ...change } });
    return "taken";
  } catch (error) {
    if (!isCoded(error, "REVISION_INVALID")) throw error;
    return error.message;
  }
};

test("a policy by which no rollout could run is refused before anything is prepared", () => {
  const falling = { ...ROLLOUT_DEFAULT, steps: [{ weight: 50 }, { weight: 5 }] };
  expect(refused({ rollout: falling })).toContain("5 % does not rise above 50 %");
  const hasty = { ...ROLLOUT_DEFAULT, stepSecondsMin: 700 };
  expect(refused({ rollout: hasty })).toContain("stepSecondsMin");
  const scaling = { ...SCALING_DEFAULT, instancesMin: 9 };
  expect(refused({ scaling })).toContain("instancesMin");
});

test("a route that the gateway would refuse is refused here: it would stop every service", () => {
  const route = {
    name: "look",
    method: "GET",
    path: "/look",
    auth: "public",
    exposure: "public",
    idempotent: false,
    deadlineMs: 1_000,
    bodyBytesMax: 0,
  } as const;
  expect(refused({ routes: [route] })).toBe("taken");
  expect(refused({ routes: [{ ...route, path: "/no such path" }] })).toContain("the gateway");
  expect(refused({ routes: [{ ...route, method: "get" }] })).toContain("the gateway");
});

test.each(["TIDEWAY_POSTGRES_URL", "TIDEWAY_MASTER_KEY_FILE", "TIDEWAY_SERVICE_KEY"])(
  "a declaration cannot ask for %s",
  (name) => {
    expect(refused({ configuration: [name] })).toContain(name);
    expect(refused({ configuration: ["TIDEWAY_SHOP_COLOUR"] })).toBe("taken");
  },
);

test("a cron expression that the bus would refuse is refused here: it would stop all news", () => {
  expect(refused({ cron: { close: "0 8 * * *" } })).toBe("taken");
  expect(refused({ cron: { close: `0 8 * * ${"1,".repeat(100)}1` } })).toContain("/cron/close");
});

test("documents that contradict the manifest are refused: the gate goes by them", () => {
  const reply = Type.Object({});
  const look = { method: "GET", path: "/look/:id", summary: "Look.", reply } as const;
  const sold = { type: "shop.sold.v1", summary: "Sold.", key: "it", data: Type.Object({}) };
  const apiOf = (exposure: "public" | "internal", more: Partial<Api> = {}) =>
    defineApi({
      name: "shop",
      version: "1.0.0",
      errors: defineErrors({}),
      routes: { look: { ...look, auth: "service", exposure } },
      ...more,
    });
  const api = apiOf("public", { events: { sold } });
  const own = toManifest(defineService({ name: "shop", api, database: true }));
  const told = (documented: Api): string => {
    const texts = Object.entries(documentFiles(documented)).map(([name, one]) => [name, text(one)]);
    try {
      const all = { ...files, ...Object.fromEntries(texts) };
      checkUpload({ ...upload, manifest: own, files: all });
      return "taken";
    } catch (error) {
      if (!isCoded(error, "REVISION_INVALID")) throw error;
      return error.message;
    }
  };
  expect(told(api)).toBe("taken");
  expect(told(apiOf("internal", { events: { sold } }))).toContain("GET /look/:id is public");
  expect(told(apiOf("public"))).toContain("no shop.sold.v1");
  const gone = { sold, kept: { ...sold, type: "shop.kept.v1" } };
  expect(told(apiOf("public", { events: gone }))).toContain("has shop.kept.v1");
  expect(told(apiOf("public", { routes: {} }))).toContain("no GET /look/:id");
});
