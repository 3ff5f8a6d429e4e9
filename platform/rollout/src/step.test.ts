import { describe, expect, test } from "vitest";
import { POLICY, commandOf, crowdOf, lookOf, planOf, routeOf, seenOf } from "./builders.ts";
import { desired } from "./desired.ts";
import { actionsOf, isFinal, nextLookAtMs } from "./state.ts";
import type { Observation, RolloutPlan, RolloutState, Transition } from "./state.ts";
import { startRollout, step } from "./step.ts";

const ABSENT = lookOf({ candidate: { ready: 0, failure: null } });
const CLEAN = crowdOf("candidate", 200);
const BAD = crowdOf("candidate", 3, 3);

/** A rollout that looks once a second, as control does. */
function drive(change: Partial<RolloutPlan> = {}) {
  let last: Transition = startRollout(planOf(change), 0);
  let nowMs = 0;
  const run = {
    started: last,
    get state(): RolloutState {
      return last.state;
    },
    look: (observation: Observation, atMs = nowMs + 1000): Transition => {
      nowMs = atMs;
      last = step(last.state, observation, nowMs);
      return last;
    },
    /** Looks each second until the state says so, at most `looks` times. */
    until: (isDone: (state: RolloutState) => boolean, observe: (look: number) => Observation) => {
      for (let i = 0; i < 1_000 && !isDone(last.state); i++) run.look(observe(i));
      expect(isDone(last.state)).toBe(true);
      return last;
    },
  };
  return run;
}

/** A rollout whose candidate just got its first 5 %. */
function atFive(change: Partial<RolloutPlan> = {}) {
  const run = drive(change);
  run.look(seenOf([], 0), 210);
  return run;
}

describe("the start", () => {
  test("begins without traffic and starts the candidate", () => {
    const { started } = drive();
    expect(started.effects).toEqual([
      { kind: "startCandidate", revision: "payments-8" },
      { kind: "keepInstances", revisions: ["payments-7", "payments-8"] },
    ]);
    expect(started.decisions).toMatchObject([{ kind: "started", by: "operator ada" }]);
    expect(desired(started.state)).toMatchObject({ stable: "payments-7", weight: 0 });
  });

  test("a ready candidate gets the first step's share", () => {
    const run = drive();
    const { state, effects, decisions } = run.look(lookOf(), 210);
    expect(state).toMatchObject({ name: "progressing", step: 0, weight: 5 });
    expect(effects).toEqual([{ kind: "setWeight", weight: 5 }]);
    expect(decisions).toMatchObject([
      { text: "0 % -> 5 %: payments-8 was ready after 210 ms.", by: "platform", kind: "ready" },
    ]);
  });

  test("a candidate that is not ready in time fails and never had traffic", () => {
    const run = drive();
    const end = run.until(isFinal, () => ABSENT);
    expect(end.state).toMatchObject({ name: "failed", weight: 0, finishedAtMs: 60_000 });
    expect(end.effects).toContainEqual({
      kind: "removeCandidate",
      revision: "payments-8",
      afterDrain: true,
    });
  });

  test("what the engine says ends it at once", () => {
    const failure = "exited with code 1 before it was ready";
    const end = drive().look(lookOf({ candidate: { ready: 0, failure } }));
    expect(end.state.name).toBe("failed");
    expect(end.state.outcome).toContain(failure);
  });

  test("the first release of a service and a rollback go to everybody once ready", () => {
    const first = drive({ from: null }).look(lookOf());
    expect(first.state).toMatchObject({ name: "promoted", weight: 100 });
    expect(desired(first.state)).toMatchObject({ stable: "payments-8", removable: [] });
    const rollback = drive({ strategy: "immediate" }).look(lookOf());
    expect(rollback.effects).toEqual([
      { kind: "keepInstances", revisions: [] },
      { kind: "setWeight", weight: 100 },
      { kind: "promoteCandidate", revision: "payments-8" },
      { kind: "removeStable", revision: "payments-7", afterDrain: true },
    ]);
  });

  test("a plan that moves nothing or has falling weights is refused", () => {
    expect(() => startRollout(planOf({ to: "payments-7" }), 0)).toThrow("from one revision");
    const policy = { ...POLICY, steps: [{ weight: 25 }, { weight: 5 }] };
    expect(() => startRollout(planOf({ policy }), 0)).toThrow("does not rise");
  });
});

describe("the steps", () => {
  test("a good candidate passes each and is promoted", () => {
    const run = atFive();
    const weights = new Set<number>();
    const end = run.until(isFinal, (look) => {
      weights.add(run.state.weight);
      return seenOf(CLEAN, look + 1);
    });
    expect([...weights]).toEqual([5, 25, 50]);
    expect(end.state).toMatchObject({ name: "promoted", weight: 100 });
    expect(end.decisions[0]?.text).toMatch(/^50 % -> 100 %: 200 people, 0 bad: .+ payments-8 has/);
    expect(desired(end.state)).toEqual({
      stable: "payments-8",
      candidate: null,
      weight: 0,
      keep: [],
      removable: ["payments-7"],
    });
  });

  test("no step is shorter than its shortest time, however good the evidence", () => {
    const run = atFive();
    run.until(
      (state) => state.weight === 25,
      (look) => seenOf(CLEAN, look + 1),
    );
    expect(run.state.clock?.startedAtMs).toBeGreaterThanOrEqual(30_210);
    expect(nextLookAtMs(run.state)).toBe((run.state.clock?.startedAtMs ?? 0) + 30_000);
  });

  test("a fail returns all traffic and removes the candidate", () => {
    const end = atFive().look(seenOf(BAD, 3));
    expect(end.state).toMatchObject({ name: "withdrawn", weight: 0 });
    expect(end.decisions).toMatchObject([{ kind: "withdrawn", by: "judge" }]);
    expect(end.decisions[0]?.text).toMatch(/^5 % -> 0 %: 3 of 3 people .+ payments-7 has all/);
    expect(end.effects.map((effect) => effect.kind)).toEqual([
      "keepInstances",
      "setWeight",
      "removeCandidate",
    ]);
  });

  test.each([
    ["hold", "inconclusive", 5],
    ["abort", "withdrawn", 0],
    ["promote", "progressing", 25],
  ] as const)(
    "a step without a verdict in its longest time: %s",
    (onInconclusive, name, weight) => {
      const run = atFive({ policy: { ...POLICY, stepSecondsMax: 60, onInconclusive } });
      const hasMoved = (state: RolloutState): boolean =>
        state.name !== "progressing" || state.weight !== 5;
      const end = run.until(hasMoved, (look) => seenOf(crowdOf("candidate", 41), look + 1));
      expect(end.state).toMatchObject({ name, weight });
      expect(end.decisions[0]?.text).toContain("41 of about 99");
    },
  );

  test("a pass waits until the candidate has a ready instance", () => {
    const run = atFive();
    const passing = (ready: number): Observation => {
      return { ...seenOf(CLEAN, 50), candidate: { ready, failure: null } };
    };
    for (let i = 0; i < 28; i++) run.look(passing(1));
    for (let i = 0; i < 5; i++) run.look({ ...passing(1), candidate: null });
    expect(run.state).toMatchObject({ weight: 5, verdict: { verdict: "pass" } });
    run.look(passing(0));
    expect(run.state.weight).toBe(5);
    run.look(passing(1));
    expect(run.state.weight).toBe(25);
  });
});

describe("an absent candidate", () => {
  test("is withdrawn after 10 s without a ready instance, with the engine's reason", () => {
    const run = atFive();
    const crashing = lookOf({ candidate: { ready: 0, failure: "exited with code 1" } });
    const end = run.until(isFinal, () => crashing);
    expect(end.state).toMatchObject({ name: "withdrawn", finishedAtMs: 11_210 });
    expect(end.state.outcome).toContain("no ready instance for 10 s (exited with code 1)");
  });

  test("is kept when an instance is back in time, or when nobody knows", () => {
    const run = atFive();
    for (let i = 0; i < 9; i++) run.look(ABSENT);
    run.look(lookOf());
    for (let i = 0; i < 9; i++) run.look(ABSENT);
    expect(run.state.name).toBe("progressing");
    const unknown = atFive();
    for (let i = 0; i < 60; i++) unknown.look(lookOf({ candidate: null }));
    expect(unknown.state.name).toBe("progressing");
  });
});

describe("the common-mode guard", () => {
  const sampled = (bad: number): Observation => {
    return { ...seenOf(CLEAN, 50), sample: { seen: 100, bad } };
  };

  test("pauses, stops the clock and lets the step go on", () => {
    const run = atFive();
    expect(run.look(sampled(30)).state).toMatchObject({ name: "paused", weight: 5 });
    const end = run.until(
      (state) => state.name !== "paused",
      () => sampled(0),
    );
    expect(end.state.name).toBe("progressing");
    expect(end.state.clock?.uncountedMs).toBe(11_000);
  });

  test("withdraws after 10 s above", () => {
    const run = atFive();
    const end = run.until(isFinal, () => sampled(30));
    expect(end.state).toMatchObject({ name: "withdrawn", weight: 0 });
    expect(end.decisions).toMatchObject([{ by: "platform" }]);
  });

  test("does not resume what an operator paused, and can still withdraw it", () => {
    const run = atFive();
    run.look(lookOf({ command: commandOf("pause") }));
    run.look(sampled(30));
    for (let i = 0; i < 30; i++) run.look(sampled(0));
    expect(run.state).toMatchObject({ name: "paused", pause: { by: "operator" } });
    expect(run.until(isFinal, () => sampled(30)).state.name).toBe("withdrawn");
  });

  test("five bad answers in a row of an outage do not blame the candidate", () => {
    const routes = [routeOf([1000, 5], [9, 5, 5])];
    const outage = seenOf(CLEAN, 9).evidence;
    const evidence = outage === null ? null : { ...outage, routes };
    const sample = { seen: 100, bad: 60 };
    expect(atFive().look(lookOf({ evidence, sample })).state.name).toBe("paused");
    expect(atFive().look(lookOf({ evidence })).state.name).toBe("withdrawn");
  });
});

test("the actions offered are those that are legal", () => {
  const run = drive();
  expect(actionsOf(run.state)).toEqual(["abort"]);
  run.look(lookOf());
  expect(actionsOf(run.state)).toEqual(["pause", "promote", "abort"]);
  run.look(lookOf({ command: commandOf("abort") }));
  expect(actionsOf(run.state)).toEqual([]);
});
