/**
 * Services of the ring (test/fixtures/ring) that can be broken and repaired while they run: a row in
 * a service's own database says what of it fails. So what the console shows is really wrong there.
 */
import { rmSync } from "node:fs";
import { until } from "@tideway/kernel";
import { RING } from "../fixtures/ring/ring-api.ts";
import type { RingName } from "../fixtures/ring/ring-api.ts";
import { addRing } from "../fixtures/ring/ring-copy.ts";
import { copyCheckout } from "../system/harness.ts";
import type { Installation } from "../system/harness.ts";

/** A step of a saga by its name, or the undo of any; `catch-one`: the ball of one key; `catch-all`: every ball. */
export type Fault = "hold" | "move" | "undo" | "catch-one" | "catch-all";
/** The key whose balls `catch-one` drops. */
export const POISONED_KEY = "ball-3";

/** Releases the three; their source is a copy that is gone afterwards. */
export async function releaseRing({ tideway }: Installation): Promise<void> {
  const copy = copyCheckout();
  try {
    addRing(copy, breakable);
    for (const name of RING) {
      const { code, stderr } = await tideway(["deploy", name], copy);
      if (code !== 0) throw new Error(`${name} was not released:\n${stderr}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function breakable(file: string, text: string): string {
  if (file === "ring-service.ts") {
    return patched(
      text,
      "async (t, { data, key, id }) => {",
      `if (await isBroken(t, "catch-all")) throw new Error("It drops every ball.");
       if (key === "${POISONED_KEY}" && (await isBroken(t, "catch-one"))) {
         throw new Error("It slipped.");
       }`,
    ).concat(IS_BROKEN);
  }
  if (file !== "ring-sagas.ts") return text;
  const taking = patched(
    text,
    "takeStep: async ({ body }) => {",
    `if (await isBroken(pool, body.step)) throw new Error("No hand is free.");`,
  );
  return patched(
    taking,
    "undoStep: async ({ body }) => {",
    `if (await isBroken(pool, "undo")) throw new Error("It does not let go.");`,
  ).concat(IS_BROKEN);
}

const IS_BROKEN = `
async function isBroken(db: any, step: string): Promise<boolean> {
  const found = await db.query({
    name: "is-broken",
    text: "select from steps where saga = 'fault' and step = $1",
    values: [step],
  });
  return found.rows.length > 0;
}
`;

function patched(text: string, after: string, added: string): string {
  if (!text.includes(after)) throw new Error(`There is no ${after} to break.`);
  return text.replace(after, `${after}\n${added}\n`);
}

export async function breakIt(tideway: Installation, name: RingName, fault: Fault): Promise<void> {
  await sql(tideway, `tideway_${name}`, "insert into steps values ('fault', $1, 'taken')", [fault]);
}

export async function repair(tideway: Installation, name: RingName, fault: Fault): Promise<void> {
  const text = "delete from steps where saga = 'fault' and step = $1";
  await sql(tideway, `tideway_${name}`, text, [fault]);
}

/** Ten keys, twice each, thrown to the next service in the ring. */
export async function throwBalls(tideway: Installation, name: RingName): Promise<void> {
  const { thrown } = await post(tideway, name, "throws", {
    seconds: 0.4,
    commitsPerSecond: 5,
    perCommit: 10,
    keys: 10,
    waitingMax: 0,
    padBytes: 100,
  });
  if (thrown < 20) throw new Error(`Only ${thrown} balls were thrown.`);
}

/** Begins so many sagas within a second, and waits until they are over. */
export function runSagas(tideway: Installation, name: RingName, sagas: number) {
  return post(tideway, name, "runs", { seconds: 1, perSecond: sagas, underWayMax: sagas });
}

/** Begins one saga; its end is waited for by nobody. */
export function beginSaga(tideway: Installation, name: RingName): void {
  const body = { seconds: 0.1, perSecond: 1, underWayMax: 1 };
  post(tideway, name, "runs", body).catch(() => {
    // It ends late or never: that is what it was begun for.
  });
}

/**
 * Ten minutes pass for the keys in trouble: each is at its last try, which is due. The bus is killed
 * over it, so that its successor reads the rows.
 */
export async function passTenMinutes(tideway: Installation): Promise<void> {
  const bus = await tideway.pidOf("bus");
  process.kill(bus, "SIGSTOP");
  try {
    const text =
      "update lanes set tries = 7, next_try_at = now(), since = now() - interval '10 min'";
    await sql(tideway, "tideway_bus", text, []);
  } finally {
    process.kill(bus, "SIGKILL");
  }
  await until(async () => (await tideway.pidOf("bus").catch(() => bus)) !== bus, {
    deadlineMs: 20_000,
    intervalMs: 250,
    what: "the next bus",
  });
}

async function post(tideway: Installation, name: RingName, path: string, body: unknown) {
  const reply = await fetch(`${tideway.publicUrl}/api/${name}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: unknown = await reply.json();
  if (reply.status !== 200) throw new Error(JSON.stringify(answer));
  // The routes' own schema.
  return answer as {
    readonly thrown: number;
    readonly finished: number;
    readonly failed: number;
  };
}

async function sql(
  tideway: Installation,
  database: string,
  text: string,
  values: readonly string[],
): Promise<void> {
  const client = await tideway.database(database);
  try {
    await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}
