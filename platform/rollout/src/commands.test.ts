import { describe, expect, test } from "vitest";
import { POLICY, commandOf, crowdOf, lookOf, planOf, seenOf } from "./builders.ts";
import type { Observation, RolloutState, Transition } from "./state.ts";
import { startRollout, step } from "./step.ts";

const CLEAN = crowdOf("candidate", 200);
const SECOND = 1000;

const progressing = (): RolloutState => {
  const policy = { ...POLICY, stepSecondsMax: 60 };
  return step(startRollout(planOf({ policy }), 0).state, seenOf([], 0), SECOND).state;
};
const lookFor = (state: RolloutState, observation: Observation, looks: number): RolloutState => {
  let next = state;
  for (let i = 0; i < looks; i++) next = step(next, observation, next.lookedAtMs + SECOND).state;
  return next;
};
const obey = (state: RolloutState, ...command: Parameters<typeof commandOf>): Transition =>
  step(state, lookOf({ command: commandOf(...command) }), state.lookedAtMs + SECOND);
const inconclusive = (): RolloutState =>
  lookFor(progressing(), seenOf(crowdOf("candidate", 41), 9), 70);

describe("pause and resume", () => {
  test("pause keeps the share and stops the clock; resume goes on with the same step", () => {
    const paused = obey(progressing(), "pause", { reason: "ledger is being moved" });
    expect(paused.state).toMatchObject({ name: "paused", weight: 5, step: 0 });
    expect(paused.effects).toEqual([]);
    expect(paused.decisions).toMatchObject([
      { text: "Paused: ledger is being moved.", by: "operator ada", kind: "paused" },
    ]);
    const waited = lookFor(paused.state, seenOf(CLEAN, 50), 100);
    expect(waited).toMatchObject({ name: "paused", weight: 5 });
    const resumed = obey(waited, "resume");
    expect(resumed.state).toMatchObject({ name: "progressing", weight: 5, step: 0 });
    expect(resumed.state.clock?.uncountedMs).toBeGreaterThanOrEqual(100 * SECOND);
    expect(lookFor(resumed.state, seenOf(CLEAN, 50), 20).weight).toBe(5);
    expect(lookFor(resumed.state, seenOf(CLEAN, 50), 32).weight).toBe(25);
  });

  test("a fail still withdraws while paused and while inconclusive", () => {
    const paused = obey(progressing(), "pause").state;
    for (const state of [paused, inconclusive()]) {
      const bad = seenOf(crowdOf("candidate", 3, 3), 3);
      expect(lookFor(state, bad, 1)).toMatchObject({ name: "withdrawn", weight: 0 });
    }
  });

  test("resume gives an inconclusive step its whole time again", () => {
    const state = inconclusive();
    expect(state).toMatchObject({ name: "inconclusive", weight: 5 });
    const resumed = obey(state, "resume").state;
    expect(resumed).toMatchObject({ name: "progressing", weight: 5 });
    expect(resumed.clock).toMatchObject({ startedAtMs: resumed.lookedAtMs, uncountedMs: 0 });
  });

  test("an inconclusive step holds, whatever comes later, until an operator decides", () => {
    const held = lookFor(inconclusive(), seenOf(CLEAN, 500), 300);
    expect(held).toMatchObject({ name: "inconclusive", weight: 5 });
    expect(obey(held, "promote").state).toMatchObject({ name: "progressing", weight: 25 });
  });
});

describe("promote and abort", () => {
  test("promote goes one step on, from the last one to everybody", () => {
    let state = progressing();
    const weights = [1, 2, 3].map(() => {
      state = obey(state, "promote").state;
      return state.weight;
    });
    expect(weights).toEqual([25, 50, 100]);
    expect(state.name).toBe("promoted");
  });

  test("promote with full goes to everybody at once", () => {
    const promoted = obey(progressing(), "promote", { full: true });
    expect(promoted.state).toMatchObject({ name: "promoted", weight: 100 });
    expect(promoted.decisions[0]?.by).toBe("operator ada");
  });

  test("promote is refused while the candidate has no ready instance", () => {
    const state = progressing();
    const command = commandOf("promote", { full: true });
    const absent = lookOf({ candidate: { ready: 0, failure: null }, command });
    const refused = step(state, absent, state.lookedAtMs + SECOND);
    expect(refused.illegal).toMatchObject({ action: "promote", state: "progressing" });
    expect(refused.illegal?.reason).toContain("no ready instance");
    expect(refused.state.weight).toBe(5);
  });

  test("a fail beats a promote that arrives with it", () => {
    const state = progressing();
    const observation = {
      ...seenOf(crowdOf("candidate", 3, 3), 3),
      command: commandOf("promote", { full: true }),
    };
    const end = step(state, observation, state.lookedAtMs + SECOND);
    expect(end.state).toMatchObject({ name: "withdrawn", weight: 0 });
    expect(end.illegal).toMatchObject({ action: "promote", state: "withdrawn" });
  });

  test("abort withdraws at any time before the end", () => {
    const starting = startRollout(planOf(), 0).state;
    for (const state of [starting, progressing(), obey(progressing(), "pause").state]) {
      const end = obey(state, "abort", { reason: "wrong build" });
      expect(end.state).toMatchObject({ name: "aborted", weight: 0 });
      expect(end.state.outcome).toContain("wrong build");
    }
  });
});

describe("illegal commands", () => {
  test.each([
    ["starting", "pause"],
    ["starting", "resume"],
    ["starting", "promote"],
    ["progressing", "resume"],
    ["paused", "pause"],
    ["inconclusive", "pause"],
    ["aborted", "resume"],
    ["aborted", "abort"],
  ] as const)("a rollout that is %s cannot %s", (name, action) => {
    const states: Record<string, () => RolloutState> = {
      starting: () => startRollout(planOf(), 0).state,
      progressing,
      paused: () => obey(progressing(), "pause").state,
      inconclusive,
      aborted: () => obey(progressing(), "abort").state,
    };
    const state = states[name]?.();
    if (state === undefined) throw new Error(`No builder for ${name}.`);
    const command = commandOf(action);
    const observation = lookOf({ candidate: { ready: 0, failure: null }, command });
    const refused = step(state, observation, state.lookedAtMs + SECOND);
    expect(refused.illegal).toMatchObject({ action, state: name });
    expect(refused.decisions).toEqual([]);
    expect(refused.state.name).toBe(name);
  });
});
