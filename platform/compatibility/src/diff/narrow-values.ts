import { canonicalJson } from "@tideway/schema";
import type { Located } from "./resolve.ts";
import type { Shape } from "./shape.ts";

/** Narrows a shape to listed values; of several lists only what all of them have stays good. */
export function narrowValues(shape: Shape, values: readonly unknown[], at: Located): void {
  const listed = new Map(values.map((value) => [canonicalJson(value), value]));
  const before = shape.values;
  shape.values =
    before === undefined
      ? listed
      : new Map([...listed].filter(([spelling]) => before.has(spelling)));
  shape.valuesAt = at;
}
