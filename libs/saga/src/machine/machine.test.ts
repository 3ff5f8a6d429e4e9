/** The rules of the machines that have numbers in them: waits, attention, leases. */
import { describe, expect, test } from "vitest";
import { ATTENTION_TRIES, RETRY_MAX_MS, retryDelayMs } from "./backoff.ts";
import { LEASE_MS, RENEW_EVERY_MS, claimRow, mayWrite, renewRow, stepLease } from "./lease.ts";
import type { LeaseState } from "./lease.ts";
import type { Outcome, SagaPlan, StepPlan } from "./plan.ts";
import { newSaga, stepSaga } from "./saga.ts";
import type { SagaState, Stepped } from "./state.ts";

const problem = { code: "X", detail: "" };
const unknown: Outcome = { kind: "unknown", problem };
const refused: Outcome = { kind: "refused", problem };

function pivotPlan(more: Partial<StepPlan>): SagaPlan {
  const step = { name: "move", kind: "pivot", local: false, localUndo: false } as const;
  const rules = { settleAfterMs: null, refusalsHold: false, ...more };
  return { name: "test", version: 1, deadlineMs: 60_000, steps: [{ ...step, ...rules }] };
}

/** Reads the state again, takes it up, and lets the one call end like this. */
function attempt(from: SagaState, outcome: Outcome, options: { nowMs: number; attended: boolean }) {
  const { nowMs } = options;
  const request = { service: "s", method: "POST", path: "/", body: null, key: "k" } as const;
  let stepped: Stepped = stepSaga(from, { kind: "run", signals: {}, ...options });
  const asked: string[] = [];
  for (let effect = stepped.effects[0]; effect !== undefined; effect = stepped.effects[0]) {
    const { state } = stepped;
    if (effect.kind === "released") break;
    asked.push(effect.kind === "settle" ? `settle ${effect.final}` : effect.kind);
    if (effect.kind === "prepare") {
      stepped = stepSaga(state, { kind: "prepared", nowMs, request, undo: [], waitMs: null });
    } else if (effect.kind === "save") {
      stepped = stepSaga(state, { kind: "committed", nowMs });
    } else {
      stepped = stepSaga(state, { kind: "answered", nowMs, jitter: 0.5, outcome });
    }
  }
  return { state: stepped.state, asked };
}

const begin = (plan: SagaPlan): SagaState => newSaga({ saga: "sag_1", plan, nowMs: 0 });

describe("tries", () => {
  test("wait twice as long each time, up to 30 s, and never less than half of it", () => {
    const delays = [1, 2, 3, 8, 9, 400].map((n) => [
      retryDelayMs(n, 0),
      retryDelayMs(n, 0.999_999),
    ]);
    expect(delays.slice(0, 3)).toEqual([
      [100, 200],
      [200, 400],
      [400, 800],
    ]);
    for (const [least = 0, most = 0] of delays) {
      expect(least).toBeGreaterThanOrEqual(100);
      expect(most).toBeLessThanOrEqual(RETRY_MAX_MS);
    }
  });

  test("go on for ever behind a pivot; from 20 on somebody should look", () => {
    let state = begin(pivotPlan({}));
    for (let tried = 1; tried <= 100; tried++) {
      const nowMs = (tried - 1) * 100_000;
      state = attempt(state, unknown, { nowMs, attended: false }).state;
      expect(state).toMatchObject({ phase: "running", attempts: tried });
      expect(state.attention).toBe(tried >= ATTENTION_TRIES);
      expect(state.dueAtMs).toBeGreaterThan(nowMs);
    }
    const done = attempt(state, { kind: "done", result: 1 }, { nowMs: 1e9, attended: false });
    expect(done.state).toMatchObject({ phase: "completed", attention: false });
  });

  test("a refusal after an unknown try of the pivot counts only where refusals hold", () => {
    const first = { nowMs: 0, attended: true };
    const later = { nowMs: 1_000, attended: true };
    const loose = attempt(begin(pivotPlan({})), unknown, first).state;
    expect(attempt(loose, refused, later).state.phase).toBe("running");
    const firm = attempt(begin(pivotPlan({ refusalsHold: true })), unknown, first).state;
    expect(attempt(firm, refused, later).state.phase).toBe("compensated");
    expect(attempt(begin(pivotPlan({})), refused, first).state.phase).toBe("compensated");
  });

  test("without the person a call that needs one is only asked about, and ended when it is time", () => {
    const plan = pivotPlan({ settleAfterMs: 5_000 });
    const begun = attempt(begin(plan), unknown, { nowMs: 0, attended: true });
    expect(begun.asked).toEqual(["prepare", "save", "call", "save"]);
    const early = attempt(begun.state, unknown, { nowMs: 4_999, attended: false });
    expect(early.asked).toEqual(["settle false", "save"]);
    const back = attempt(early.state, unknown, { nowMs: 4_999, attended: true });
    expect(back.asked).toEqual(["call", "save"]);
    const late = attempt(back.state, refused, { nowMs: 5_000, attended: false });
    expect(late.asked).toEqual(["settle true", "save", "save"]);
    expect(late.state.phase).toBe("compensated");
  });
});

describe("a call that can be asked about", () => {
  const plan = pivotPlan({ settleAfterMs: 5_000 });
  const busy: Outcome = { kind: "busy", problem };

  test("is not taken back by a refusal of a second try, while the first may be under way", () => {
    const lost = attempt(begin(plan), unknown, { nowMs: 0, attended: true }).state;
    const refusedOnce = attempt(lost, refused, { nowMs: 1_000, attended: true }).state;
    expect(refusedOnce.phase).toBe("running");
    // What settling says is certain.
    const asked = attempt(refusedOnce, refused, { nowMs: 6_000, attended: false });
    expect(asked.state.phase).toBe("compensated");
  });

  test("stays begun when nothing is found of it, so that no deadline takes it back unasked", () => {
    const found = attempt(begin(plan), busy, { nowMs: 0, attended: false });
    expect(found.asked).toEqual(["prepare", "save", "settle false", "save"]);
    expect(found.state.steps[0]?.state).toBe("running");
    const late = attempt(found.state, busy, { nowMs: 70_000, attended: false });
    expect(late.asked).toEqual(["settle true", "save"]);
    expect(late.state.phase).toBe("running");
  });
});

describe("leases", () => {
  const held = (sentAtMs: number): LeaseState => {
    const claiming = stepLease({ kind: "free" }, { kind: "claim", nowMs: sentAtMs });
    expect(claiming.effects).toEqual([{ kind: "claim" }]);
    return stepLease(claiming.state, { kind: "claimed", fence: 7 }).state;
  };

  test("are renewed in time, once at a time, and counted from when the renewal was sent", () => {
    let state = held(0);
    expect(stepLease(state, { kind: "tick", nowMs: RENEW_EVERY_MS - 1 }).effects).toEqual([]);
    const asked = stepLease(state, { kind: "tick", nowMs: RENEW_EVERY_MS });
    expect(asked.effects).toEqual([{ kind: "renew", fence: 7 }]);
    expect(stepLease(asked.state, { kind: "tick", nowMs: RENEW_EVERY_MS + 500 }).effects).toEqual(
      [],
    );
    state = stepLease(asked.state, { kind: "renewed" }).state;
    const end = RENEW_EVERY_MS + LEASE_MS;
    expect(stepLease(state, { kind: "tick", nowMs: end - 1 }).state.kind).toBe("held");
    expect(stepLease(state, { kind: "tick", nowMs: end })).toMatchObject({
      state: { kind: "lost" },
      effects: [{ kind: "stop" }],
    });
  });

  test("that the database gave to another are lost at once", () => {
    const lost = stepLease(held(0), { kind: "fenced" });
    expect(lost).toEqual({ state: { kind: "lost" }, effects: [{ kind: "stop" }] });
    expect(stepLease(lost.state, { kind: "tick", nowMs: 1 }).effects).toEqual([]);
  });

  test("of which nobody heard are asked for again, and end by themselves", () => {
    const asked = stepLease(held(0), { kind: "tick", nowMs: 2_000 });
    const silent = stepLease(asked.state, { kind: "unknown" });
    expect(stepLease(silent.state, { kind: "tick", nowMs: 2_500 }).effects).toEqual([
      { kind: "renew", fence: 7 },
    ]);
    expect(stepLease(silent.state, { kind: "tick", nowMs: LEASE_MS }).state.kind).toBe("lost");
  });

  test("in the row: nobody claims what is held, and a claim bars whoever held it before", () => {
    const free = { owner: null, fence: 3, dueAtMs: 1_000 };
    expect(claimRow(free, "a", 999)).toBeNull();
    const mine = claimRow(free, "a", 1_000);
    expect(mine).toEqual({ owner: "a", fence: 4, dueAtMs: 1_000 + LEASE_MS });
    if (mine === null) throw new Error("It was due.");
    expect(claimRow(mine, "b", 1_000 + LEASE_MS - 1)).toBeNull();
    const yours = claimRow(mine, "b", 1_000 + LEASE_MS);
    if (yours === null) throw new Error("Its lease had ended.");
    expect(mayWrite(yours, 4)).toBe(false);
    expect(renewRow(yours, 4, 7_000)).toBeNull();
    expect(renewRow(yours, 5, 7_000)?.dueAtMs).toBe(7_000 + LEASE_MS);
    expect(claimRow({ ...free, dueAtMs: null }, "a", 9e12)).toBeNull();
  });
});
