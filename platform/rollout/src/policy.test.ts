import { ROLLOUT_DEFAULT } from "@tideway/schema";
import { expect, test } from "vitest";
import { judgePolicy, policyProblem } from "./policy.ts";

const withSteps = (...weights: number[]) => {
  return { ...ROLLOUT_DEFAULT, steps: weights.map((weight) => ({ weight })) };
};

test("the default policy is sound and judged at 1 in 100", () => {
  expect(policyProblem(ROLLOUT_DEFAULT)).toBeNull();
  expect(judgePolicy(ROLLOUT_DEFAULT)).toMatchObject({ alphaFail: 0.01, badRateMax: 0.03 });
});

test("weights must rise and stay between 0 and 100", () => {
  expect(policyProblem(withSteps())).toContain("no step");
  expect(policyProblem(withSteps(0, 5))).toContain("0 %");
  expect(policyProblem(withSteps(5, 100))).toContain("100 %");
  expect(policyProblem(withSteps(5, Number.NaN))).toContain("NaN");
  expect(policyProblem(withSteps(25, 25))).toContain("does not rise");
  expect(policyProblem(withSteps(0.5, 99.9))).toBeNull();
});

test("a step's shortest time must not be above its longest", () => {
  const late = { ...ROLLOUT_DEFAULT, stepSecondsMin: 61, stepSecondsMax: 60 };
  expect(policyProblem(late)).toContain("61");
});

test("a share that nobody or everybody may be failed is none", () => {
  expect(policyProblem({ ...ROLLOUT_DEFAULT, badRateMax: 0 })).toContain("badRateMax");
  expect(policyProblem({ ...ROLLOUT_DEFAULT, badRateMax: 1 })).toContain("badRateMax");
});
