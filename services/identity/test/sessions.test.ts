/** The life of a session: tokens that verify, rotation, reuse, races, cookies, keys. */
import { TOKEN_ISSUER } from "@tideway/api-identity";
import { fakeClock } from "@tideway/kernel";
import type { TestDatabase } from "@tideway/testkit";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepHouse } from "../src/housekeeping.ts";
import { createKeyRing } from "../src/secrets/key-ring.ts";
import { createPasswordHasher } from "../src/secrets/password-hash.ts";
import { KeyedWorkQueue, WorkQueue } from "../src/secrets/work-queue.ts";
import { PASSWORD, freshEmail, identityDatabase, startIdentity } from "./identity-under-test.ts";
import type { Identity } from "./identity-under-test.ts";

const DAY_MS = 86_400_000;
const clock = fakeClock();
let database: TestDatabase;
let identity: Identity;
beforeAll(async () => {
  database = await identityDatabase();
  identity = await startIdentity({ database, clock });
});
afterAll(async () => {
  await identity.stop();
  await database.close();
});

const register = () =>
  identity.as({}).register({ body: { email: freshEmail(), password: PASSWORD, name: "Cleo" } });
const refresh = (refreshToken: string) => identity.as({}).refresh({ body: { refreshToken } });
const ended = { code: "SESSION_ENDED", status: 401 };
const verify = async (token: string, by: Identity = identity) => {
  const { keys } = await by.as({}).keys();
  const set = createLocalJWKSet({ keys: keys });
  return jwtVerify(token, set, { issuer: TOKEN_ISSUER, currentDate: new Date(clock.now()) });
};
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  identity.fetchAs({})(`http://identity${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

describe("access tokens", () => {
  test("verify against /keys, name the person and end after ten minutes", async () => {
    const session = await register();
    const { payload, protectedHeader } = await verify(session.accessToken);
    expect(payload.sub).toBe(session.person.person);
    expect(payload["sid"]).toMatch(/^ses_/);
    expect(payload.jti).toMatch(/^tok_/);
    expect(protectedHeader.alg).toBe("EdDSA");
    expect(Date.parse(session.expiresAt)).toBe((payload.exp ?? 0) * 1_000);
    expect(Date.parse(session.expiresAt) - clock.now()).toBeLessThanOrEqual(600_000);
    clock.advance(600_001);
    await expect(verify(session.accessToken)).rejects.toThrow("exp");
  });

  test("the public keys hold nothing private, and the stored ones are sealed", async () => {
    const { keys } = await identity.as({}).keys();
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
    }
    const stored = await database.pool.query<{ private_sealed: Buffer }>(
      "select private_sealed from signing_keys",
    );
    // The first bytes of an Ed25519 key in PKCS #8, as it would stand there unsealed.
    const plain = Buffer.from("302e020100300506032b6570", "hex");
    for (const row of stored.rows) expect(row.private_sealed.includes(plain)).toBe(false);
  });

  test("instances that start at once share one key", async () => {
    const fresh = await identityDatabase();
    const started = await Promise.all(
      Array.from({ length: 4 }, () => startIdentity({ database: fresh, clock })),
    );
    const kids = await Promise.all(
      started.map(async (one) => (await one.as({}).keys()).keys.map((key) => key["kid"])),
    );
    expect(new Set(kids.flat()).size).toBe(1);
    await Promise.all(started.map((one) => one.stop()));
    await fresh.close();
  });

  test("a key of another service key stops the start", async () => {
    const keys = createKeyRing({ pool: database.pool, clock, sealingKey: Buffer.alloc(32, 9) });
    await expect(keys.current()).rejects.toThrow("TIDEWAY_SERVICE_KEY");
  });

  test("after 30 days another key signs, and tokens of the old one still verify", async () => {
    const fresh = await identityDatabase();
    const moving = fakeClock();
    const one = await startIdentity({ database: fresh, clock: moving });
    moving.advance(29 * DAY_MS + 1);
    // Each instance looks for the next key at its start and every ten minutes.
    const two = await startIdentity({ database: fresh, clock: moving });
    const kidsOf = async (by: Identity) => (await by.as({}).keys()).keys.map((key) => key["kid"]);
    const ahead = await kidsOf(two);
    expect(ahead).toHaveLength(2);
    moving.advance(DAY_MS - 60_000);
    const body = { email: freshEmail(), password: PASSWORD, name: "Cleo" };
    const before = await one.as({}).register({ body });
    moving.advance(120_000);
    const after = await one.as({}).refresh({ body: { refreshToken: before.refreshToken } });
    const kidOf = (token: string) => decodeProtectedHeader(token).kid;
    expect([kidOf(before.accessToken), kidOf(after.accessToken)]).toEqual(ahead);
    const set = createLocalJWKSet({ keys: (await two.as({}).keys()).keys });
    const options = { issuer: TOKEN_ISSUER, currentDate: new Date(moving.now()) };
    expect((await jwtVerify(before.accessToken, set, options)).payload.sub).toBe(
      after.person.person,
    );
    moving.advance(DAY_MS);
    const three = await startIdentity({ database: fresh, clock: moving });
    expect(await kidsOf(three)).toEqual([ahead[1]]);
    expect(await kidsOf(one)).toEqual([ahead[1]]);
    await Promise.all([one.stop(), two.stop(), three.stop()]);
    await fresh.close();
  });
});

describe("refresh tokens", () => {
  test("rotate, and each names the same session", async () => {
    const first = await register();
    const second = await refresh(first.refreshToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    const third = await refresh(second.refreshToken);
    const sids = await Promise.all(
      [first, second, third].map(async (one) => (await verify(one.accessToken)).payload["sid"]),
    );
    expect(new Set(sids).size).toBe(1);
  });

  test("reuse of a rotated one ends the whole session", async () => {
    const first = await register();
    const second = await refresh(first.refreshToken);
    clock.advance(10_001);
    await expect(refresh(first.refreshToken)).rejects.toMatchObject(ended);
    await expect(refresh(second.refreshToken)).rejects.toMatchObject(ended);
    const reasons = await database.pool.query<{ end_reason: string }>(
      "select end_reason from sessions where ended_at = $1",
      [new Date(clock.now())],
    );
    expect(reasons.rows).toEqual([{ end_reason: "token-reused" }]);
  });

  test("two tabs that race both stay signed in", async () => {
    const first = await register();
    const tabs = await Promise.all([refresh(first.refreshToken), refresh(first.refreshToken)]);
    clock.advance(60_000);
    for (const tab of tabs) await refresh(tab.refreshToken);
  });

  test("the grace is for tabs, not for dozens of uses", async () => {
    const first = await register();
    const uses = await Promise.allSettled(
      Array.from({ length: 14 }, () => refresh(first.refreshToken)),
    );
    expect(uses.filter((use) => use.status === "fulfilled")).toHaveLength(11);
  });

  test("expire after thirty days without use; used ones go on for half a year", async () => {
    const idle = await register();
    const used = await register();
    let token = used.refreshToken;
    clock.advance(29 * DAY_MS);
    token = (await refresh(token)).refreshToken;
    clock.advance(2 * DAY_MS);
    await expect(refresh(idle.refreshToken)).rejects.toMatchObject(ended);
    for (let i = 0; i < 5; i++) {
      token = (await refresh(token)).refreshToken;
      clock.advance(29 * DAY_MS);
    }
    // 176 days old, so this one is good for the four days that are left of the session.
    token = (await refresh(token)).refreshToken;
    clock.advance(5 * DAY_MS);
    await expect(refresh(token)).rejects.toMatchObject(ended);
  });

  test("are stored as hashes only", async () => {
    const { refreshToken } = await register();
    const rows = await database.pool.query<{ row: string }>(
      "select t::text as row from refresh_tokens t",
    );
    const hex = Buffer.from(refreshToken).toString("hex");
    expect(rows.rows.some(({ row }) => row.includes(refreshToken) || row.includes(hex))).toBe(
      false,
    );
  });

  test("unknown, empty and missing ones are refused", async () => {
    await expect(refresh("made-up")).rejects.toMatchObject(ended);
    await expect(refresh("")).rejects.toMatchObject(ended);
    await expect(identity.as({}).refresh({ body: {} })).rejects.toMatchObject(ended);
  });
});

describe("cookies and signing out", () => {
  test("browsers get the refresh token as a cookie that only the session routes see", async () => {
    const body = { email: freshEmail(), password: PASSWORD, name: "Cleo" };
    const response = await post("/people", body);
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^tideway_session=[\w-]{43}; /);
    expect(cookie).toContain("; HttpOnly; SameSite=Strict");
    expect(cookie).toContain("; Path=/api/identity/sessions; Max-Age=2592000");
    expect(cookie).not.toContain("Secure");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const pair = cookie.split(";")[0] ?? "";
    const renewed = await post("/sessions/refresh", {}, { cookie: `other=1; ${pair}` });
    expect(renewed.status).toBe(200);
    expect(renewed.headers.get("set-cookie")).not.toBe(cookie);
  });

  test("a refused refresh takes the cookie away", async () => {
    const refused = await post("/sessions/refresh", {}, { cookie: "tideway_session=gone" });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("set-cookie")).toContain("Max-Age=0");
  });

  test.each([["the cookie"], ["the refresh token"]])("signing out by %s", async (by) => {
    const session = await register();
    const cookie = { cookie: `tideway_session=${session.refreshToken}` };
    const response =
      by === "the cookie"
        ? await post("/sessions/end", {}, cookie)
        : await post("/sessions/end", { refreshToken: session.refreshToken });
    expect(response.status).toBe(200);
    expect(response.headers.get("set-cookie")).toContain("tideway_session=; ");
    await expect(refresh(session.refreshToken)).rejects.toMatchObject(ended);
    expect((await post("/sessions/end", {}, cookie)).status).toBe(200);
    expect((await post("/sessions/end", {})).status).toBe(200);
  });
});

test("what is over is forgotten, what is alive stays", async () => {
  const old = await register();
  await identity.as({}).signOut({ body: { refreshToken: old.refreshToken } });
  clock.advance(2 * DAY_MS);
  const alive = await register();
  await database.pool.query(
    `insert into sign_in_failures (account_hash, failures, last_at)
     select sha256(i::text::bytea), 1, $1 from generate_series(1, 12000) i`,
    [new Date(clock.now() - 2 * DAY_MS)],
  );
  await keepHouse({
    pool: database.pool,
    clock,
    hasher: createPasswordHasher(10, new WorkQueue({ atOnceMax: 1, waitingMax: 1 })),
    signInTurns: new KeyedWorkQueue({ atOnceMax: 1, waitingMax: 1 }),
    keys: createKeyRing({ pool: database.pool, clock, sealingKey: Buffer.alloc(32) }),
    addressKey: Buffer.alloc(32),
    secureCookies: false,
  });
  const left = await database.pool.query<{ count: number }>(
    `select count(*)::int as count from sessions
     where ended_at < $1 or expires_at < $1`,
    [new Date(clock.now() - DAY_MS)],
  );
  expect(left.rows[0]?.count).toBe(0);
  // More than one statement takes: what comes between two rounds must go in one.
  expect((await database.pool.query("select 1 from sign_in_failures")).rowCount).toBe(0);
  await refresh(alive.refreshToken);
});
