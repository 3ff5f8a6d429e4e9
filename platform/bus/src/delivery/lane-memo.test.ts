import { keyDigitsOf, laneOfKey } from "@tideway/gateway";
import { expect, test } from "vitest";
import type { DeliverySplit } from "../machine/delivery-types.ts";
import { rememberingLanes } from "./lane-memo.ts";

const digits = Array.from({ length: 300 }, (_, i) => keyDigitsOf(`key-${i}`));
const splitOf = (change: Partial<DeliverySplit>): DeliverySplit => ({
  stable: "books-1",
  candidate: "books-2",
  weight: 30,
  rollout: "rol_1",
  epoch: 1,
  ...change,
});

test("what is remembered is what the gateway says, for each weight and rollout", () => {
  const laneOf = rememberingLanes();
  for (const rollout of ["rol_1", "rol_2", "rol_3", "rol_4", "rol_5", "rol_1"]) {
    for (const weight of [0, 5, 50, 100]) {
      const split = splitOf({ rollout, weight });
      const expected = digits.map((one) => laneOfKey(split, one));
      expect(digits.map((one) => laneOf(split, one))).toEqual(expected);
    }
  }
  const alone = splitOf({ candidate: null, rollout: null });
  expect(digits.map((one) => laneOf(alone, one))).toEqual(digits.map(() => "stable"));
});
