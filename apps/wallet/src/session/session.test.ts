import { ClientError } from "@tideway/client";
import { fakeClock, toTimestamp } from "@tideway/kernel";
import { describe, expect, test } from "vitest";
import { createSession } from "./session.ts";
import type { SessionReply } from "./session.ts";

const failure = (status: number, code: string) =>
  new ClientError({
    code,
    status,
    retryable: false,
    title: "",
    action: "",
    given: {},
    traceId: null,
  });
const ada = { person: "per_a", email: "ada@example.test", name: "Ada" };

/** A session over an identity that answers in turn; the last answer stays. */
function sessionOver(...answers: (Error | Partial<SessionReply>)[]) {
  const clock = fakeClock();
  const asked = { refresh: 0, end: 0 };
  const session = createSession({
    now: () => clock.now(),
    exclusively: (work) => work(),
    refresh: () => {
      const answer = answers[Math.min(asked.refresh++, answers.length - 1)];
      if (answer instanceof Error) return Promise.reject(answer);
      const expiresAt = toTimestamp(clock.now() + 600_000);
      const accessToken = `token-${asked.refresh}`;
      return Promise.resolve({ accessToken, expiresAt, person: ada, ...answer });
    },
    end: () => Promise.resolve(asked.end++),
  });
  return { session, clock, asked };
}

describe("a session", () => {
  test("is found by its cookie when the page loads", async () => {
    const { session } = sessionOver({});
    expect(session.state().status).toBe("unknown");
    expect(await session.ready()).toEqual({ status: "signed-in", person: ada });
    expect(await session.token()).toBe("token-1");
  });

  test("is asked for once, however many need it at the same time", async () => {
    const { session, asked } = sessionOver({});
    const tokens = await Promise.all([session.token(), session.ready(), session.renew(null)]);
    expect([tokens[0], tokens[2], asked.refresh]).toEqual(["token-1", "token-1", 1]);
  });

  test("renews its token shortly before it ends", async () => {
    const { session, clock } = sessionOver({});
    await session.ready();
    clock.advance(500_000);
    expect(await session.token()).toBe("token-1");
    clock.advance(20_000);
    expect(await session.token()).toBe("token-2");
  });

  test("renews a refused token once, and hands out one that is already newer", async () => {
    const { session, asked } = sessionOver({});
    await session.ready();
    expect(await session.renew("token-1")).toBe("token-2");
    expect(await session.renew("token-1")).toBe("token-2");
    expect(asked.refresh).toBe(2);
  });

  test("survives a clock that is an hour ahead", async () => {
    const { session, clock, asked } = sessionOver({ expiresAt: toTimestamp(0) });
    await session.ready();
    clock.advance(20_000);
    await session.token();
    expect(asked.refresh).toBe(1);
  });

  test("ends when the cookie is refused, and tells who listens", async () => {
    const { session } = sessionOver({}, failure(401, "SESSION_ENDED"));
    const heard: string[] = [];
    session.subscribe(() => heard.push(session.state().status));
    await session.ready();
    expect(await session.renew("token-1")).toBeNull();
    expect(heard).toEqual(["signed-in", "signed-out"]);
    expect(await session.token()).toBeNull();
  });

  test.each([failure(0, "UNREACHABLE"), failure(503, "OVERLOADED"), failure(429, "OVERLOADED")])(
    "does not end because identity cannot answer ($code)",
    async (error) => {
      const { session } = sessionOver(error, {});
      await expect(session.ready()).rejects.toBe(error);
      expect(session.state().status).toBe("unknown");
      expect((await session.ready()).status).toBe("signed-in");
    },
  );

  test("is ended on the server before it is forgotten here", async () => {
    const { session, asked } = sessionOver({});
    await session.ready();
    await session.close();
    expect([asked.end, session.state().status]).toEqual([1, "signed-out"]);
  });
});
