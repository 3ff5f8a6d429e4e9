/**
 * Any sequence of looks, commands, restarts and outages of control. The model is the reason for
 * each change of weight: whatever the sequence, none may happen without one.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { POLICY, commandOf, crowdOf, planOf, seenOf } from "./builders.ts";
import { desired, effectsBetween } from "./desired.ts";
import { actionsOf, isFinal } from "./state.ts";
import type { Observation, RolloutState, Transition } from "./state.ts";
import { startRollout, step } from "./step.ts";

const RUNS = { numRuns: 300 };
const EVIDENCE = {
  good: seenOf([...crowdOf("stable", 500), ...crowdOf("candidate", 200)], 500).evidence,
  few: seenOf(crowdOf("candidate", 4), 4).evidence,
  bad: seenOf(crowdOf("candidate", 4, 4), 4).evidence,
  none: null,
};

const looks = fc.record({
  gapMs: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 100, max: 9_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -60_000, max: 3_600_000 }) },
  ),
  ready: fc.constantFrom(1, 1, 1, 2, 0, null),
  failure: fc.constantFrom(null, null, null, "exited with code 1"),
  evidence: fc.constantFrom("good" as const, "good" as const, "few" as const, "none" as const),
  badNow: fc.integer({ min: 0, max: 40 }).map((n) => n === 0),
  sample: fc.constantFrom(null, { seen: 100, bad: 0 }, { seen: 100, bad: 40 }),
  action: fc.constantFrom(null, null, null, "pause", "resume", "promote", "abort"),
  full: fc.boolean(),
});
type Look = typeof looks extends fc.Arbitrary<infer T> ? T : never;

const plans = fc.record({
  from: fc.constantFrom("payments-7", "payments-7", "payments-7", null),
  strategy: fc.constantFrom("judged" as const, "judged" as const, "immediate" as const),
  policy: fc.record({
    steps: fc.constant(POLICY.steps),
    stepSecondsMin: fc.constantFrom(0, 2, 30),
    stepSecondsMax: fc.constantFrom(30, 60),
    badRateMax: fc.constant(0.03),
    onInconclusive: fc.constantFrom("hold" as const, "abort" as const, "promote" as const),
  }),
});

const observe = (look: Look): Observation => {
  const ready = look.ready;
  return {
    candidate: ready === null ? null : { ready, failure: ready > 0 ? null : look.failure },
    evidence: EVIDENCE[look.badNow ? "bad" : look.evidence],
    sample: look.sample,
    command: look.action === null ? null : commandOf(look.action, { full: look.full }),
  };
};

interface Seen {
  readonly before: RolloutState;
  readonly observation: Observation;
  readonly transition: Transition;
}

/** Runs a sequence. Between two looks control may be killed, so the state goes through JSON. */
function history(plan: Partial<Parameters<typeof planOf>[0]>, sequence: readonly Look[]): Seen[] {
  let state = startRollout(planOf(plan), 0).state;
  let nowMs = 0;
  return sequence.map((look) => {
    nowMs += look.gapMs;
    const before: RolloutState = JSON.parse(JSON.stringify(state));
    const observation = observe(look);
    const transition = step(before, observation, nowMs);
    state = transition.state;
    return { before, observation, transition };
  });
}

const check = (judgeOne: (seen: Seen) => void): void => {
  fc.assert(
    fc.property(plans, fc.array(looks, { maxLength: 60 }), (plan, sequence) => {
      for (const seen of history(plan, sequence)) judgeOne(seen);
    }),
    RUNS,
  );
};

describe("whatever happens", () => {
  test("the weight never rises without a pass, a promote, readiness or the policy's word", () => {
    check(({ before, observation, transition: { state } }) => {
      if (state.weight <= before.weight) return;
      const isPassed = state.verdict?.verdict === "pass" && before.name === "progressing";
      const isOrdered = observation.command?.action === "promote";
      const isFirst = before.name === "starting" && observation.candidate !== null;
      const isPolicy =
        before.plan.policy.onInconclusive === "promote" && state.verdict?.rule === "overdue";
      expect(isPassed || isOrdered || isFirst || isPolicy).toBe(true);
      expect(observation.candidate?.ready ?? 0).toBeGreaterThan(0);
    });
  });

  test("after the end nothing changes, and only promoted keeps the candidate's traffic", () => {
    check(({ before, transition: { state, effects, decisions } }) => {
      if (isFinal(state)) {
        const finals = ["promoted", "aborted", "withdrawn", "failed"];
        expect(finals).toContain(state.name);
        expect(state.weight).toBe(state.name === "promoted" ? 100 : 0);
        expect(desired(state).weight).toBe(0);
        expect(desired(state).candidate).toBeNull();
      }
      if (!isFinal(before)) return;
      expect(state).toEqual(before);
      expect([...effects, ...decisions]).toEqual([]);
    });
  });

  test("a candidate that was never ready gets no traffic", () => {
    check(({ transition: { state, effects } }) => {
      const isGiven = effects.some(
        (effect) =>
          effect.kind === "promoteCandidate" || (effect.kind === "setWeight" && effect.weight > 0),
      );
      if (!isGiven && state.weight === 0) return;
      expect(state.wasReady).toBe(true);
    });
  });

  test("a rollout that failed never had traffic", () => {
    check(({ before, transition: { state } }) => {
      if (state.name === "failed") expect(before.weight).toBe(0);
    });
  });

  test("a fail is never survived while evidence is at hand", () => {
    check(({ before, observation, transition: { state } }) => {
      if (isFinal(before) || before.clock === null || observation.evidence !== EVIDENCE.bad) return;
      expect(state.name).toBe("withdrawn");
    });
  });

  test("every state is legal and offers exactly the actions that it takes", () => {
    check(({ transition: { state } }) => {
      expect((state.pause === null) === (state.name !== "paused")).toBe(true);
      expect(isFinal(state)).toBe(actionsOf(state).length === 0);
      expect(state.weight === 0 || state.clock !== null || state.name === "promoted").toBe(true);
      for (const action of ["pause", "resume", "promote", "abort"] as const) {
        const command = commandOf(action);
        const observation = { ...observe({ ...IDLE, ready: 1 }), command };
        if (state.name === "starting") continue;
        const { illegal } = step(state, observation, state.lookedAtMs);
        expect(illegal === null).toBe(actionsOf(state).includes(action));
      }
    });
  });

  test("effects are exactly what the states' desires differ in", () => {
    check(({ before, transition: { state, effects } }) => {
      expect(effects).toEqual(effectsBetween(before, state));
      const [was, is] = [desired(before), desired(state)];
      if (JSON.stringify(was) !== JSON.stringify(is)) expect(effects.length).toBeGreaterThan(0);
    });
  });

  test("stable keeps everybody whom the candidate does not get, until it is replaced", () => {
    check(({ transition: { state } }) => {
      const wanted = desired(state);
      if (wanted.stable === null) expect(state.plan.from).toBeNull();
      expect(wanted.removable).not.toContain(wanted.stable);
      if (wanted.candidate !== null) expect(wanted.keep).toContain(wanted.candidate);
    });
  });
});

const IDLE: Look = {
  gapMs: 0,
  ready: 1,
  failure: null,
  evidence: "none",
  badNow: false,
  sample: null,
  action: null,
  full: false,
};

describe("an outage of control", () => {
  test("of any length lets no time of a step pass", () => {
    const good: Look = { ...IDLE, evidence: "good" };
    fc.assert(
      fc.property(fc.integer({ min: 10_001, max: 10 ** 9 }), (outageMs) => {
        const seconds = (count: number) =>
          Array.from({ length: count }, () => ({ ...good, gapMs: 1_000 }));
        // The first look finds 4 answers of the candidate, the later ones 500.
        const first: Look = { ...IDLE, evidence: "few", gapMs: 1_000 };
        const sequence = [first, ...seconds(19), { ...good, gapMs: outageMs }, ...seconds(25)];
        const weights = history({}, sequence).map((seen) => seen.transition.state.weight);
        // 19 s of the step were watched before and 11 s are needed after; the outage gives none.
        expect(weights.slice(0, 31)).toEqual(Array(31).fill(5));
        expect(weights[31]).toBe(25);
      }),
      { numRuns: 50 },
    );
  });

  test("while the candidate starts or is absent ends nothing by itself", () => {
    const absent: Look = { ...IDLE, ready: 0, gapMs: 1_000 };
    const starting = history({}, [absent, { ...absent, gapMs: 10 ** 8 }]);
    expect(starting.at(-1)?.transition.state.name).toBe("starting");
    const ready: Look = { ...IDLE, gapMs: 1_000 };
    const away = history({}, [ready, absent, { ...absent, gapMs: 10 ** 8 }]);
    expect(away.at(-1)?.transition.state.name).toBe("progressing");
  });
});
