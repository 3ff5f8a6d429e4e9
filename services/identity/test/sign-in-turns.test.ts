/** Whose password was never looked at has not guessed wrong: neither under load nor by leaving. */
import { systemClock } from "@tideway/kernel";
import { newId } from "@tideway/kernel";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Dependencies } from "../src/dependencies.ts";
import { signIn } from "../src/http/sign-in.ts";
import { createKeyRing } from "../src/secrets/key-ring.ts";
import { createPasswordHasher } from "../src/secrets/password-hash.ts";
import { KeyedWorkQueue, WorkQueue } from "../src/secrets/work-queue.ts";
import { insertPerson } from "../src/store/people.ts";
import { PASSWORD, freshEmail, identityDatabase } from "./identity-under-test.ts";

let database: TestDatabase;
let deps: Dependencies;
const hashing = new WorkQueue({ atOnceMax: 1, waitingMax: 1 });
const email = freshEmail();
beforeAll(async () => {
  database = await identityDatabase();
  const { pool } = database;
  deps = {
    pool,
    clock: systemClock,
    hasher: createPasswordHasher(10, hashing),
    signInTurns: new KeyedWorkQueue({ atOnceMax: 1, waitingMax: 5 }),
    keys: createKeyRing({ pool, clock: systemClock, sealingKey: Buffer.alloc(32) }),
    addressKey: Buffer.alloc(32),
    secureCookies: false,
  };
  const passwordHash = await deps.hasher.hash(PASSWORD);
  const person = { person: newId("per"), email, name: "Cleo", passwordHash };
  await insertPerson(pool, { ...person, demo: false, createdAtMs: Date.now() });
});
beforeEach(() => database.pool.query("delete from sign_in_failures"));
afterAll(() => database.close());

const enter = (signal: AbortSignal, password = PASSWORD) =>
  signIn(deps)({
    params: undefined,
    query: undefined,
    body: { email, password },
    person: null,
    caller: { service: null, revision: null, grants: [] },
    traceId: "",
    signal,
    operation: "",
    isRepeat: false,
    header: () => undefined,
    setHeader: () => undefined,
  });
const failures = async () => {
  const found = await database.pool.query<{ failures: number }>(
    "select failures from sign_in_failures",
  );
  return found.rows.map((row) => row.failures);
};
const staying = new AbortController().signal;

/** Keeps the only turn, and the only place to wait if asked to, while `act` runs. */
async function whileBusy(queue: "turn" | "turn and line", act: () => Promise<void>) {
  const held = Promise.withResolvers<void>();
  const holders = [hashing.run(() => held.promise)];
  if (queue === "turn and line") holders.push(hashing.run(() => held.promise));
  try {
    await act();
  } finally {
    held.resolve();
    await Promise.all(holders);
  }
}

test("a sign-in turned away for load does not count as a wrong password", async () => {
  await whileBusy("turn and line", async () => {
    for (let i = 0; i < 6; i++) {
      await expect(enter(staying)).rejects.toMatchObject({ code: "OVERLOADED" });
    }
  });
  expect(await failures()).toEqual([]);
  expect((await enter(staying)).person.email).toBe(email);
});

test("nor does one whose client left while it waited", async () => {
  const leaving = new AbortController();
  let waiting: Promise<unknown> = Promise.resolve();
  await whileBusy("turn", async () => {
    waiting = enter(leaving.signal).catch((error: unknown) => error);
    // Its turn at the account is taken at once; then it stands in the line for hashing.
    await expect.poll(() => hashing.waiting).toBe(1);
    leaving.abort(new Error("left"));
  });
  expect(await waiting).toMatchObject({ message: "left" });
  expect(await failures()).toEqual([]);
});

test("a wrong one counts before it is looked at", async () => {
  await expect(enter(staying, "not the password")).rejects.toMatchObject({
    code: "CREDENTIALS_WRONG",
  });
  expect(await failures()).toEqual([1]);
});
