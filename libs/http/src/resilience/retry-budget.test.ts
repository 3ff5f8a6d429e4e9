import { array, assert, nat, oneof, property, record } from "fast-check";
import { expect, test } from "vitest";
import {
  FLOOR_REFILL_PER_MS,
  FLOOR_TOKENS,
  RETRIES_PER_CALL,
  RetryBudget,
  TOKENS_MAX,
} from "./retry-budget.ts";

function budgetUnderTest() {
  const clock = { ms: 0 };
  return { clock, budget: new RetryBudget(() => clock.ms) };
}

/** Takes until it is refused; how often it could. */
function takeAll(budget: RetryBudget): number {
  let taken = 0;
  while (taken < 1_000 && budget.take()) taken++;
  return taken;
}

test("a quiet service has three retries, and three more after 10 s", () => {
  const { clock, budget } = budgetUnderTest();
  expect(takeAll(budget)).toBe(3);
  clock.ms += 3_334;
  expect(takeAll(budget)).toBe(1);
  clock.ms += 1_000_000;
  expect(takeAll(budget)).toBe(3);
});

test("calls earn a tenth of a retry each, and no more than a bounded stock", () => {
  const { budget } = budgetUnderTest();
  takeAll(budget);
  for (let i = 0; i < 101; i++) budget.noteCall();
  expect(takeAll(budget)).toBe(10);
  for (let i = 0; i < 100_000; i++) budget.noteCall();
  expect(takeAll(budget)).toBe(TOKENS_MAX);
});

test("within any time there are never more retries than a tenth of the calls, the floor and the stock", () => {
  const steps = array(
    oneof(record({ calls: nat(50) }), record({ waitMs: nat(5_000) }), record({ retries: nat(20) })),
    { maxLength: 200 },
  );
  assert(
    property(steps, nat(150), (script, from) => {
      const { clock, budget } = budgetUnderTest();
      let seen = { calls: 0, retries: 0, beganMs: 0 };
      script.forEach((step, i) => {
        if (i === from) seen = { calls: 0, retries: 0, beganMs: clock.ms };
        if ("waitMs" in step) clock.ms += step.waitMs;
        else if ("calls" in step) {
          for (let n = 0; n < step.calls; n++) budget.noteCall();
          seen.calls += step.calls;
        } else {
          for (let n = 0; n < step.retries; n++) if (budget.take()) seen.retries++;
        }
      });
      const floor = FLOOR_TOKENS + (clock.ms - seen.beganMs) * FLOOR_REFILL_PER_MS;
      const stock = from === 0 ? 0 : TOKENS_MAX;
      expect(seen.retries).toBeLessThanOrEqual(
        floor + stock + seen.calls * RETRIES_PER_CALL + 1e-6,
      );
    }),
  );
});
