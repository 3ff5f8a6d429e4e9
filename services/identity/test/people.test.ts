/** Signing up and in, finding people, throttling, demo people and what is stored and logged. */
import { DEMO_PASSWORD } from "@tideway/api-identity";
import { fakeClock, newId } from "@tideway/kernel";
import type { TestDatabase } from "@tideway/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PASSWORD, freshEmail, identityDatabase, startIdentity } from "./identity-under-test.ts";
import type { Identity } from "./identity-under-test.ts";

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

const register = (email: string, name = "Cleo") =>
  identity.as({}).register({ body: { email, password: PASSWORD, name } });
const signIn = (email: string, password = PASSWORD) =>
  identity.as({}).signIn({ body: { email, password } });

describe("signing up", () => {
  test("makes a person who can sign in under any spelling of the address", async () => {
    const email = freshEmail();
    const session = await register(` ${email.toUpperCase()} `, " Cleo ");
    expect(session.person).toMatchObject({ email, name: "Cleo" });
    expect((await signIn(email)).person).toEqual(session.person);
    const me = await identity.as({ person: session.person.person }).me();
    expect(me).toEqual(session.person);
  });

  test("an address is given out once, also to two at once", async () => {
    const email = freshEmail();
    const both = await Promise.allSettled([register(email), register(email.toUpperCase())]);
    expect(both.filter((one) => one.status === "fulfilled")).toHaveLength(1);
    expect(both.find((one) => one.status === "rejected")?.reason).toMatchObject({
      code: "EMAIL_TAKEN",
      status: 409,
    });
  });

  test.each([
    [{ email: "nobody", password: PASSWORD, name: "Cleo" }, "EMAIL_INVALID"],
    [{ email: "c@tideway.example", password: "short", name: "Cleo" }, "PASSWORD_WEAK"],
    [{ email: "c@tideway.example", password: PASSWORD, name: "\u200b" }, "NAME_INVALID"],
    [{ email: "c@tideway.example", password: PASSWORD, name: "" }, "BODY_INVALID"],
  ])("%j is refused with its own code", async (body, code) => {
    await expect(identity.as({}).register({ body })).rejects.toMatchObject({ code, status: 400 });
  });
});

describe("signing in", () => {
  test("a wrong password and an unknown address are told alike", async () => {
    const email = freshEmail();
    await register(email);
    const [wrong, unknown] = await Promise.all(
      [signIn(email, "not the password"), signIn(freshEmail())].map((attempt) =>
        attempt.catch((error: unknown) => error),
      ),
    );
    expect(wrong).toMatchObject({ code: "CREDENTIALS_WRONG", status: 401 });
    expect(unknown).toMatchObject({ code: "CREDENTIALS_WRONG", status: 401 });
  });

  test.each([["a known"], ["an unknown"]])(
    "after five wrong passwords %s account has to wait, with the right one too",
    async (kind) => {
      const email = freshEmail();
      if (kind === "a known") await register(email);
      for (let i = 0; i < 5; i++) {
        await expect(signIn(email, `wrong ${i}`)).rejects.toMatchObject({
          code: "CREDENTIALS_WRONG",
        });
      }
      await expect(signIn(email)).rejects.toMatchObject({
        code: "SIGN_IN_THROTTLED",
        status: 429,
        given: { seconds: 5 },
      });
      clock.advance(5_000);
      await expect(signIn(email, "wrong again")).rejects.toMatchObject({
        code: "CREDENTIALS_WRONG",
      });
      await expect(signIn(email)).rejects.toMatchObject({ given: { seconds: 10 } });
      clock.advance(10_000);
      if (kind === "a known") {
        await signIn(email);
        await expect(signIn(email, "wrong")).rejects.toMatchObject({ code: "CREDENTIALS_WRONG" });
      }
    },
  );

  test("the wait is told in the retry-after header", async () => {
    const email = freshEmail();
    const attempt = () =>
      identity.fetchAs({})("http://identity/sessions", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email, password: "wrong" }),
      });
    for (let i = 0; i < 5; i++) await attempt();
    const response = await attempt();
    expect(response.headers.get("retry-after")).toBe("5");
    expect(response.status).toBe(429);
  });

  test("twenty guesses at once are no more than five", async () => {
    const email = freshEmail();
    await register(email);
    const guesses = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        signIn(email, `guess ${i}`).catch((error: unknown) => error),
      ),
    );
    const throttled = guesses.filter(
      (error) => error instanceof Error && error.message.startsWith("SIGN_IN_THROTTLED"),
    );
    expect(throttled).toHaveLength(15);
  });

  test("twenty right passwords at once are no guesses", async () => {
    const email = freshEmail();
    await register(email);
    const sessions = await Promise.all(Array.from({ length: 20 }, () => signIn(email)));
    expect(new Set(sessions.map((session) => session.refreshToken)).size).toBe(20);
  });

  test("a hash of yesterday's cost is renewed at the next sign-in", async () => {
    const email = freshEmail();
    await register(email);
    const stronger = await startIdentity({ database, clock, cost: 2_048 });
    await stronger.as({}).signIn({ body: { email, password: PASSWORD } });
    const found = await database.pool.query<{ password_hash: string }>(
      "select password_hash from people where email = $1",
      [email],
    );
    expect(found.rows[0]?.password_hash).toContain("$scrypt$ln=11,");
    await stronger.as({}).signIn({ body: { email, password: PASSWORD } });
    await stronger.stop();
  });
});

describe("finding people", () => {
  test("by the whole address, for signed-in people only", async () => {
    const email = freshEmail();
    const { person } = await register(email, "Dora");
    const somebody = { person: newId("per") };
    const found = await identity.as(somebody).findPerson({ query: { email: email.toUpperCase() } });
    expect(found).toEqual({ person: person.person, name: "Dora" });
    const missing = identity.as(somebody).findPerson({ query: { email: freshEmail() } });
    await expect(missing).rejects.toMatchObject({ code: "PERSON_NOT_FOUND", status: 404 });
    await expect(identity.as({}).findPerson({ query: { email } })).rejects.toMatchObject({
      code: "TOKEN_MISSING",
    });
    await expect(identity.as(somebody).me()).rejects.toMatchObject({ code: "PERSON_NOT_FOUND" });
  });

  test("names are for services, and unknown ids are left out", async () => {
    const { person } = await register(freshEmail(), "Eve");
    const body = { people: [person.person, newId("per")] };
    const known = await identity.as({ caller: "payments" }).names({ body });
    expect(known.people).toEqual([{ person: person.person, name: "Eve" }]);
    await expect(identity.as({ person: person.person }).names({ body })).rejects.toMatchObject({
      code: "CALLER_UNKNOWN",
    });
  });
});

describe("profiles and privacy", () => {
  test("demo starts with people who can sign in; production refuses to start with them", async () => {
    const ada = await signIn("ada@tideway.example", DEMO_PASSWORD);
    expect(ada.person.name).toBe("Ada");
    await signIn("ben@tideway.example", DEMO_PASSWORD);
    const production = startIdentity({ database, clock, profile: "production", cost: 32_768 });
    await expect(production).rejects.toMatchObject({ code: "DEMO_PEOPLE_PRESENT" });
  });

  test("production starts on a fresh database, and there the demo people are nobody", async () => {
    const fresh = await identityDatabase();
    const production = await startIdentity({
      database: fresh,
      profile: "production",
      cost: 32_768,
    });
    const body = { email: "ada@tideway.example", password: DEMO_PASSWORD };
    await expect(production.as({}).signIn({ body })).rejects.toMatchObject({
      code: "CREDENTIALS_WRONG",
    });
    await production.stop();
    await fresh.close();
  });

  test.each([
    ["production", 1_024],
    ["demo", 512],
    ["demo", 1_500],
    ["demo", 2_097_152],
  ] as const)("in %s a cost of %i is refused at the start", async (profile, cost) => {
    const started = startIdentity({ database, profile, cost });
    await expect(started).rejects.toMatchObject({ code: "SCRYPT_COST_INVALID" });
  });

  test("the log holds no address, name, password or token", async () => {
    const email = freshEmail();
    const session = await register(email, "Fanny Mendelssohn");
    await signIn(email, "a wrong password").catch(() => {});
    await identity.as({ person: session.person.person }).findPerson({ query: { email } });
    const log = identity.logLines.join("\n");
    for (const secret of [email, "Fanny", PASSWORD, session.accessToken, session.refreshToken]) {
      expect(log).not.toContain(secret);
    }
    expect(log).toContain("GET /people/find");
  });
});
