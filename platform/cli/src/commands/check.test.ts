/**
 * `tideway check api` over a copy of this checkout where nothing runs: its real services are judged by
 * each other, and what tests recorded is compared with what is committed.
 */
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Expectation } from "@tideway/schema";
import { formatExpectations } from "@tideway/schema";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { EXIT } from "../exit-codes.ts";
import { buildRevision } from "../release/build-revision.ts";
import { repository, run } from "../test/a-home.ts";
import { check } from "./check.ts";

let copy: string;
let committed: string;
let recordedFile: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "tw-check-"));
  for (const room of ["libs", "apis", "services"]) {
    cpSync(join(repository, room), join(copy, room), { recursive: true });
  }
  symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"));
  committed = join(copy, "services/payments/expectations.json");
  recordedFile = join(copy, "reads.jsonl");
});
afterAll(() => rmSync(copy, { recursive: true }));
beforeEach(() => {
  rmSync(committed, { force: true });
  rmSync(recordedFile, { force: true });
});

const tideway = (...args: string[]) =>
  run([check], ["check", ...args, "--home", join(copy, "home")], {}, copy);
const reads = (path: string): Expectation => {
  const operation = "GET /accounts/:accountId";
  return { provider: "ledger", operation, part: "reply", path, type: "string" };
};
const commit = (...expects: Expectation[]): void => {
  writeFileSync(committed, formatExpectations("payments", expects));
};
const record = (...expects: Expectation[]): void => {
  const lines = expects.map((one) => JSON.stringify({ consumer: "payments", ...one }));
  writeFileSync(recordedFile, `${lines.join("\n")}\n`);
};

test("where nothing runs the services of the tree are judged by each other", async () => {
  commit(reads("available"));
  const { code, stdout, stderr } = await tideway("api");
  expect(code).toBe(EXIT.ok);
  expect(stdout).toMatch(/payments +ledger +stable +compatible/);
  expect(stderr).toContain("Nothing runs");
});

test("a read that no neighbour answers is named with its path, and the exit code is 1", async () => {
  commit(reads("available"), reads("colour"));
  const { code, stdout } = await tideway("api", "payments", "--json");
  expect(code).toBe(EXIT.failed);
  const [told] = JSON.parse(stdout);
  expect(told).toMatchObject({ service: "payments", against: "tree", verdict: "incompatible" });
  expect(told.findings).toEqual([
    expect.objectContaining({ consumer: "payments", provider: "ledger", property: "colour" }),
  ]);
  const words = await tideway("api", "payments");
  expect(words.stdout).toContain(
    "breaking  GET /accounts/:accountId .colour  ledger does not tell",
  );
});

test("the documents of every real api are OpenAPI 3.1 and AsyncAPI 3, and of the revision", async () => {
  const { code, stdout } = await tideway("api", "--print");
  expect(code).toBe(EXIT.ok);
  const printed = JSON.parse(stdout);
  expect(Object.keys(printed)).toEqual(["identity", "ledger", "payments"]);
  for (const name of Object.keys(printed)) {
    expect(printed[name]["openapi.json"]).toMatchObject({ openapi: "3.1.0" });
    expect(printed[name]["asyncapi.json"]).toMatchObject({ asyncapi: "3.0.0" });
  }
  commit(reads("available"));
  const { files } = await buildRevision(copy, "payments");
  const text = (name: string) => Buffer.from(files[name] ?? "", "base64").toString("utf8");
  expect(JSON.parse(text("openapi.json"))).toEqual(printed.payments["openapi.json"]);
  expect(text("expectations.json")).toBe(readFileSync(committed, "utf8"));
});

test("what tests read and nobody committed is told, can be recorded, and is then complete", async () => {
  record(reads("available"), reads("asset"), reads("asset"));
  commit(reads("asset"));
  const lacking = await tideway("api", "--reads", recordedFile);
  expect(lacking.code).toBe(EXIT.failed);
  expect(lacking.stdout.trim()).toBe(
    "payments reads ledger GET /accounts/:accountId reply .available (string)",
  );
  expect((await tideway("api", "--reads", recordedFile, "--record")).code).toBe(EXIT.ok);
  const { expects } = JSON.parse(readFileSync(committed, "utf8"));
  expect(expects).toEqual([reads("asset"), reads("available")]);
  expect((await tideway("api", "--reads", recordedFile)).code).toBe(EXIT.ok);
});

test("a file that holds something else, or none, is refused with its line", async () => {
  writeFileSync(recordedFile, '{"consumer":"payments","provider":"ledger"}\n');
  const odd = await tideway("api", "--reads", recordedFile, "--record");
  expect(odd.code).toBe(EXIT.usage);
  expect(odd.stderr).toContain("READS_UNREADABLE");
  expect(odd.stderr).toContain("line 1");
  expect(existsSync(committed)).toBe(false);
  expect((await tideway("api", "--reads", join(copy, "nothing"))).code).toBe(EXIT.usage);
  expect((await tideway("spelling")).code).toBe(EXIT.usage);
});
