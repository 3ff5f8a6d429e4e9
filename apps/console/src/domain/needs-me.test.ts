import { describe, expect, test } from "vitest";
import { NOW_MS, aRollout, aService, at } from "./builders.ts";
import { ENDED_BADLY_SHOWN_MS, asSentence, needsOf, underWay } from "./needs-me.ts";
import type { NeedsInput } from "./needs-me.ts";

const given = (over: Partial<NeedsInput>): NeedsInput => ({
  parts: [],
  services: [],
  rollouts: [],
  nowMs: NOW_MS,
  ...over,
});

test("what runs well needs nobody", () => {
  const calm = given({
    parts: [{ part: "gateway", state: "up", pid: 12, detail: "" }],
    services: [aService(), aService({ health: "starting" })],
    rollouts: [
      aRollout(),
      aRollout({ state: "starting" }),
      aRollout({ state: "promoted", finishedAt: at(-1_000) }),
      aRollout({ state: "aborted", finishedAt: at(-1_000) }),
    ],
  });
  expect(needsOf(calm)).toEqual([]);
});

test("a part that is down comes first, then services, then what was withdrawn, then what waits", () => {
  const needs = needsOf(
    given({
      parts: [{ part: "gateway", state: "down", pid: null, detail: "ended by SIGKILL" }],
      services: [aService({ health: "failing", healthReason: "exited with code 1" })],
      rollouts: [
        aRollout({ state: "paused" }),
        aRollout({ state: "withdrawn", finishedAt: at(-120_000) }),
      ],
    }),
  );
  expect(needs.map((need) => need.word)).toEqual(["down", "failing", "withdrawn", "paused"]);
  expect(needs[0]?.sentence).toContain("Ended by SIGKILL.");
  expect(needs[1]?.sentence).toBe("payments is failing. Exited with code 1.");
  expect(needs[1]?.target).toMatchObject({ page: "logs", id: "payments" });
});

test("a dead supervisor is not said to restart itself", () => {
  const part = { part: "supervisor", state: "down", pid: null, detail: "" } as const;
  const [need] = needsOf(given({ parts: [part] }));
  expect(need?.sentence).toContain("npx tideway up");
  expect(need?.sentence).not.toContain("by itself");
});

describe("a rollout that went back", () => {
  const withdrawn = aRollout({
    state: "withdrawn",
    finishedAt: at(-720_000),
    verdict: {
      verdict: "fail",
      reason: "14 of 96 people got a bad answer",
      evidence: {
        peopleStable: 301,
        peopleCandidate: 96,
        badStable: 1,
        badCandidate: 14,
        worse: 1_204,
        worseLimit: 100,
        good: 0.1,
        goodLimit: 20,
      },
    },
  });

  test("says when, why and where the traffic is, and leads to its page", () => {
    const [need] = needsOf(given({ rollouts: [withdrawn] }));
    expect(need?.sentence.replaceAll("\u00a0", " ")).toBe(
      "payments-8 was withdrawn 12 min ago. 14 of 96 people got a bad answer. " +
        "All traffic is on payments-7.",
    );
    expect(need?.target).toMatchObject({ page: "rollout", id: withdrawn.rollout });
  });

  test("is forgotten after a day", () => {
    const nowMs = NOW_MS - 720_000 + ENDED_BADLY_SHOWN_MS;
    expect(needsOf(given({ rollouts: [withdrawn], nowMs }))).toHaveLength(1);
    expect(needsOf(given({ rollouts: [withdrawn], nowMs: nowMs + 1 }))).toEqual([]);
  });

  test("has no traffic to speak of when it was the first revision", () => {
    const first = aRollout({ state: "failed", from: null, finishedAt: at(-1_000) });
    expect(needsOf(given({ rollouts: [first] }))[0]?.sentence).not.toContain("All traffic");
  });
});

test("what was decided last counts, in whatever order the decisions come", () => {
  const started = { at: at(-90_000), text: "Started.", by: "operator 2", kind: "started" };
  const paused = { at: at(-10_000), text: "Paused.", by: "operator 2", kind: "paused" };
  const failed = { at: at(-10_000), text: "exited with code 1", by: "platform", kind: "failed" };
  for (const decisions of [
    [started, paused],
    [paused, started],
  ]) {
    const [need] = needsOf(given({ rollouts: [aRollout({ state: "paused", decisions })] }));
    expect(need?.sentence).toContain("since 14:02:00.");
  }
  const rollout = aRollout({ state: "failed", decisions: [failed, started] });
  const [need] = needsOf(given({ rollouts: [rollout] }));
  expect(need?.sentence).toContain("Exited with code 1.");
});

test("an inconclusive rollout asks for a decision at its step", () => {
  const [need] = needsOf(given({ rollouts: [aRollout({ state: "inconclusive" })] }));
  expect(need?.tone).toBe("warn");
  expect(need?.sentence).toContain("no verdict at step 2 of 4");
});

test("rollouts under way by themselves are those that nobody waits for", () => {
  const all = (["starting", "progressing", "paused", "inconclusive", "promoted"] as const).map(
    (state) => aRollout({ state }),
  );
  expect(underWay(all).map(({ state }) => state)).toEqual(["starting", "progressing"]);
});

test("fragments become sentences and sentences stay", () => {
  expect(asSentence("exited with code 1")).toBe("Exited with code 1.");
  expect(asSentence("It waits. ")).toBe("It waits.");
  expect(asSentence("")).toBe("");
});
