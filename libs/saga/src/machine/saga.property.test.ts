/**
 * The machine under every sequence of outcomes: answers lost, refusals, crashes between any two
 * effects, leases taken over by somebody who reads the stored state again. Services are modelled
 * here with what sagas ask of them: a key has one effect, and an undo makes sure of its absence.
 */
import { array, assert, boolean, constantFrom, property, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { isOver, newSaga, pivotIndexOf, stepSaga } from "../index.ts";
import type { Outcome, SagaPlan, SagaState, StepKind, StepPlan, Stepped } from "../index.ts";

type Fate =
  "done" | "refused" | "busy" | "unknown-done" | "unknown-not" | "crash-before" | "crash-after";
const FATES = ["done", "refused", "busy", "unknown-done", "unknown-not"] as const;
const CRASHES = ["crash-before", "crash-after"] as const;
const problem = { code: "X", detail: "" };

interface World {
  /** Steps whose effect is there, and those that can never have one any more. */
  readonly effects: Set<string>;
  readonly barred: Set<string>;
  readonly undone: string[];
  readonly keys: Map<string, Set<string>>;
  pivotBegun: boolean;
  nowMs: number;
}

const step = (name: string, kind: StepKind): StepPlan => ({
  name,
  kind,
  local: kind === "tx",
  localUndo: kind === "tx",
  settleAfterMs: null,
  refusalsHold: false,
});
const planOf = (
  before: StepKind[],
  pivot: boolean,
  after: StepKind[],
  deadlineMs: number,
): SagaPlan => {
  const kinds = [...before, ...(pivot ? ["pivot" as const] : []), ...after];
  const steps = kinds.map((kind, i) => step(`s${i}`, kind));
  return { name: "test", version: 1, deadlineMs, steps };
};
const plans = tuple(
  array(constantFrom<StepKind>("tx", "call", "reserve", "timer"), { maxLength: 4 }),
  boolean(),
  array(constantFrom<StepKind>("tx", "call", "confirm"), { maxLength: 3 }),
  // A run comes every 5 s: some sagas are over time at once, some never.
  constantFrom(6_000, 20_000, 1_000_000_000),
)
  .map(([before, pivot, after, late]) => planOf(before, pivot, pivot ? after : [], late))
  .filter((plan) => plan.steps.length > 0);
const fates = array(constantFrom<Fate>(...FATES, ...CRASHES), { maxLength: 60 });

/** Carries out what the plan's services would, and says what the caller hears. */
function request(world: World, name: string, key: string, fate: Fate): Outcome | "crash" {
  world.keys.set(name, (world.keys.get(name) ?? new Set()).add(key));
  if (fate === "crash-before") return "crash";
  if (fate === "unknown-not") return { kind: "unknown", problem };
  if (fate === "busy") return { kind: "busy", problem };
  if (world.barred.has(name)) return { kind: "refused", problem };
  // What happened under a key is answered alike; a refusal may only come before it.
  if (fate === "refused" && !world.effects.has(name)) return { kind: "refused", problem };
  world.effects.add(name);
  if (fate === "crash-after") return "crash";
  return fate === "unknown-done" ? { kind: "unknown", problem } : { kind: "done", result: name };
}

function undo(world: World, name: string, fate: Fate): Outcome | "crash" {
  if (fate === "crash-before") return "crash";
  if (fate === "unknown-not") return { kind: "unknown", problem };
  if (fate === "busy" || fate === "refused") return { kind: fate, problem };
  expect(world.pivotBegun && world.effects.has("pivot happened")).toBe(false);
  world.effects.delete(name);
  world.barred.add(name);
  if (world.undone.at(-1) !== name) world.undone.push(name);
  if (fate === "crash-after") return "crash";
  return fate === "unknown-done" ? { kind: "unknown", problem } : { kind: "done", result: null };
}

/** Runs to the end; once the given fates are used up, everything goes well. */
function play(plan: SagaPlan, given: readonly Fate[]): { stored: SagaState; world: World } {
  const world: World = {
    effects: new Set(),
    barred: new Set(),
    undone: [],
    keys: new Map(),
    pivotBegun: false,
    nowMs: 0,
  };
  const queue = [...given];
  const nextFate = (): Fate => queue.shift() ?? "done";
  let stored = newSaga({ saga: "sag_1", plan, nowMs: 0 });
  for (let run = 0; run < 500 && !isOver(stored); run++) {
    world.nowMs = Math.max(world.nowMs + 5_000, stored.dueAtMs ?? 0);
    stored = carryOn(plan, world, stored, nextFate);
  }
  return { stored, world };
}

function carryOn(plan: SagaPlan, world: World, from: SagaState, nextFate: () => Fate): SagaState {
  let stored = from;
  let open: { readonly name: string; readonly undo: boolean } | null = null;
  const read = { ...stored, steps: stored.steps.map((one) => ({ ...one, uncertain: false })) };
  const start = { kind: "run", nowMs: world.nowMs, attended: true, signals: {} } as const;
  let stepped: Stepped = stepSaga(read, start);
  for (;;) {
    const { state } = stepped;
    const [effect] = stepped.effects;
    const { nowMs } = world;
    if (effect === undefined || effect.kind === "released" || effect.kind === "abandon")
      return stored;
    if (effect.kind === "refuse") throw new Error("Nobody commanded anything.");
    if (effect.kind === "prepare") {
      const { name, kind } = present(plan.steps[effect.step]);
      const made = { service: "s", method: "POST", path: `/${name}`, body: null } as const;
      const key = present(state.steps[effect.step]).key;
      stepped = stepSaga(state, {
        kind: "prepared",
        nowMs,
        request: kind === "timer" ? null : { ...made, key },
        undo: kind === "call" || kind === "reserve" ? [{ ...made, key: `${key}.undo` }] : [],
        waitMs: kind === "timer" ? 1_000 : null,
      });
    } else if (effect.kind === "save") {
      const fate = nextFate();
      if (fate === "crash-before") return stored;
      if (open !== null && state.before !== null) {
        if (open.undo) undo(world, open.name, "done");
        else world.effects.add(open.name);
      }
      open = null;
      stored = state;
      if (fate === "crash-after") return stored;
      stepped = stepSaga(state, { kind: "committed", nowMs });
    } else {
      const { name, kind } = present(plan.steps[effect.step]);
      const fate = nextFate();
      const isUndo = effect.kind === "undo" || effect.kind === "undo-tx";
      let outcome: Outcome | "crash";
      if (effect.kind === "run-tx" || effect.kind === "undo-tx") {
        if (fate.startsWith("crash")) return stored;
        const fails = fate === "busy" || fate === "refused";
        outcome = fails ? { kind: fate, problem } : { kind: "done", result: name };
        open = fails ? null : { name, undo: isUndo };
      } else if (isUndo) {
        expect(stored.phase).toBe("compensating");
        outcome = undo(world, name, fate);
      } else {
        // It was written down, with its undo, before it is sent.
        expect(stored.steps[effect.step]).toMatchObject({ state: "running" });
        if (kind === "pivot") world.pivotBegun = true;
        const sent = effect.kind === "call" ? effect.request : null;
        outcome = request(world, name, sent?.key ?? "", fate);
        if (kind === "pivot" && world.effects.has(name)) world.effects.add("pivot happened");
      }
      if (outcome === "crash") return stored;
      stepped = stepSaga(state, { kind: "answered", nowMs, jitter: 0.5, outcome });
    }
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("A step that is not in the plan.");
  return value;
}

describe("whatever happens", () => {
  test("a saga ends with all of its steps or none, undone in reverse, under one key each", () => {
    assert(
      property(plans, fates, (plan, given) => {
        const { stored, world } = play(plan, given);
        expect(isOver(stored)).toBe(true);
        world.effects.delete("pivot happened");
        const acting = plan.steps.filter(({ kind }) => kind !== "timer").map(({ name }) => name);
        if (stored.phase === "completed") {
          expect(world.effects).toEqual(new Set(acting));
          expect(world.undone).toEqual([]);
        } else {
          expect([...world.effects]).toEqual([]);
          const positions = world.undone.map((name) => acting.indexOf(name));
          expect(positions).toEqual(positions.toSorted((a, b) => b - a));
        }
        for (const keys of world.keys.values()) expect(keys.size).toBe(1);
      }),
      { numRuns: 3_000 },
    );
  });

  test("once the pivot has happened, the saga completes", () => {
    assert(
      property(plans, fates, (plan, given) => {
        const { stored, world } = play(plan, given);
        const happened = pivotIndexOf(plan) >= 0 && world.effects.has("pivot happened");
        if (happened) expect(stored.phase).toBe("completed");
      }),
      { numRuns: 2_000 },
    );
  });
});
