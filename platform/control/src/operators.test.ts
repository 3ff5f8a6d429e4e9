import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEMO_OPERATOR } from "@tideway/api-admin";
import { openOperators } from "./operators.ts";
import type { Operators } from "./operators.ts";

let database: TestDatabase;
let home: string;
let operators: Operators;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "tw-operators-"));
  const migrations = join(import.meta.dirname, "../migrations");
  database = await testDatabase({ service: "control", migrations });
  operators = await openOperators({ pool: database.pool, home, profile: "demo" });
});
afterAll(async () => {
  await database.close();
  rmSync(home, { recursive: true });
});
const signIn = (password: string, name: string = DEMO_OPERATOR.name) =>
  operators.signIn(name, password);

test("a session lasts until it is ended", async () => {
  const { token } = await signIn(DEMO_OPERATOR.password);
  expect(await operators.bySession(token)).toMatchObject({ name: "demo" });
  await operators.signOut(token);
  expect(await operators.bySession(token)).toBeNull();
});

test("the local token is readable by nobody else, and no other one works", () => {
  const file = join(home, "secrets/operator.token");
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(operators.byLocalToken(readFileSync(file, "utf8").trim())).not.toBeNull();
  expect(operators.byLocalToken("x".repeat(43))).toBeNull();
});

test("only the local operator adds others, each name once and with a long password", async () => {
  const local = operators.byLocalToken(
    readFileSync(join(home, "secrets/operator.token"), "utf8").trim(),
  );
  if (local === null) throw new Error("The local token is not known.");
  const added = await operators.add(local, "grace", "a long password");
  const { operator } = await operators.signIn("grace", "a long password");
  expect(operator).toEqual(added);
  const codes = [
    operators.add(added, "mallory", "a long password"),
    operators.add(local, "grace", "another long one"),
    operators.add(local, "short", "tiny"),
  ].map((attempt) => attempt.catch((error: unknown) => Reflect.get(Object(error), "code")));
  expect(await Promise.all(codes)).toEqual([
    "OPERATOR_NOT_LOCAL",
    "OPERATOR_EXISTS",
    "OPERATOR_PASSWORD_WEAK",
  ]);
});

test("an operator has twenty sessions at most; the oldest end", async () => {
  const tokens: string[] = [];
  for (let i = 0; i < 22; i++) tokens.push((await signIn(DEMO_OPERATOR.password)).token);
  const known = await Promise.all(tokens.map((token) => operators.bySession(token)));
  expect(known.slice(0, 2)).toEqual([null, null]);
  expect(known.filter((operator) => operator !== null)).toHaveLength(20);
});

test("production has no demo operator", async () => {
  const other = await testDatabase({
    service: "control",
    migrations: join(import.meta.dirname, "../migrations"),
  });
  const strict = await openOperators({ pool: other.pool, home, profile: "production" });
  const attempt = strict.signIn(DEMO_OPERATOR.name, DEMO_OPERATOR.password);
  await expect(attempt).rejects.toMatchObject({ code: "OPERATOR_CREDENTIALS_WRONG" });
  await other.close();
});

test("many guesses at once do not get past the limit", async () => {
  const local = operators.byLocalToken(
    readFileSync(join(home, "secrets/operator.token"), "utf8").trim(),
  );
  if (local === null) throw new Error("The local token is not known.");
  await operators.add(local, "ada", "a long password");
  const guesses = Array.from({ length: 12 }, () =>
    signIn("wrong", "ada").catch((error: unknown) => Reflect.get(Object(error), "code")),
  );
  const codes = await Promise.all(guesses);
  expect(codes.filter((code) => code === "OPERATOR_CREDENTIALS_WRONG")).toHaveLength(5);
  expect(codes.filter((code) => code === "OPERATOR_THROTTLED")).toHaveLength(7);
});

test("wrong passwords are refused alike, and after five of them the right one too", async () => {
  await expect(signIn("wrong", "nobody")).rejects.toMatchObject({
    code: "OPERATOR_CREDENTIALS_WRONG",
  });
  for (let i = 0; i < 5; i++) {
    await expect(signIn("wrong")).rejects.toMatchObject({ code: "OPERATOR_CREDENTIALS_WRONG" });
  }
  await expect(signIn(DEMO_OPERATOR.password)).rejects.toMatchObject({
    code: "OPERATOR_THROTTLED",
  });
});
