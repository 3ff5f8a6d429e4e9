import { isClientError } from "@tideway/client";
import { describe, expect, test } from "vitest";
import { createAuthedFetch } from "./authed-fetch.ts";
import { createSession } from "./session.ts";

const people = {
  ada: { person: "per_a", email: "ada@example.test", name: "Ada" },
  bo: { person: "per_b", email: "bo@example.test", name: "Bo" },
};

function fetchOver(refreshed: (keyof typeof people)[], statuses: number[]) {
  const tokens: (string | null)[] = [];
  let renewals = 0;
  const session = createSession({
    now: () => 0,
    exclusively: (work) => work(),
    end: () => Promise.resolve(),
    refresh: () => {
      const name = refreshed[Math.min(renewals++, refreshed.length - 1)] ?? "ada";
      const expiresAt = new Date(600_000).toISOString();
      return Promise.resolve({
        accessToken: `${name}-${renewals}`,
        expiresAt,
        person: people[name],
      });
    },
  });
  const authed = createAuthedFetch(session, (_, init) => {
    tokens.push(new Headers(init.headers).get("authorization"));
    return Promise.resolve(new Response("{}", { status: statuses[tokens.length - 1] ?? 200 }));
  });
  return { session, authed, tokens };
}

describe("a request of a signed-in person", () => {
  test("carries the token", async () => {
    const { session, authed, tokens } = fetchOver(["ada"], [200]);
    await session.ready();
    expect((await authed("/x", {})).status).toBe(200);
    expect(tokens).toEqual(["Bearer ada-1"]);
  });

  test("is repeated once with a new token, keeping its other headers", async () => {
    const { session, authed, tokens } = fetchOver(["ada"], [401, 200]);
    await session.ready();
    expect((await authed("/x", { headers: { "idempotency-key": "k" } })).status).toBe(200);
    expect(tokens).toEqual(["Bearer ada-1", "Bearer ada-2"]);
  });

  test("refused again is answered as it is", async () => {
    const { session, authed, tokens } = fetchOver(["ada"], [401, 401]);
    await session.ready();
    expect((await authed("/x", {})).status).toBe(401);
    expect(tokens).toHaveLength(2);
  });

  test("is not repeated in the name of somebody who signed in meanwhile", async () => {
    const { session, authed, tokens } = fetchOver(["ada", "bo"], [401, 200]);
    await session.ready();
    const failed = await authed("/x", {}).catch((error: unknown) => error);
    expect(isClientError(failed, "SESSION_ENDED")).toBe(true);
    expect(tokens).toEqual(["Bearer ada-1"]);
  });
});
