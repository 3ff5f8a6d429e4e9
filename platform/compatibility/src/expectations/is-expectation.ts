/** Tells expectations apart from whatever else a file may hold. */
import { Expectation } from "@tideway/schema";
import { Value } from "typebox/value";

export function isExpectation(value: unknown): value is Expectation {
  return Value.Check(Expectation, value);
}
