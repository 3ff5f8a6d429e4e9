import { describe, expect, test } from "vitest";
import { calm, commonMode } from "./common-mode.ts";
import type { CommonModeFinding } from "./common-mode.ts";
import type { PeopleSample } from "./evidence.ts";

const BAD = { seen: 100, bad: 30 };
const GOOD = { seen: 100, bad: 0 };

/** The guard's findings for samples taken at these seconds. */
const watch = (
  samples: readonly (readonly [second: number, sample: PeopleSample])[],
  rateBefore: number | null = 0,
): CommonModeFinding[] => {
  let state = calm(rateBefore);
  return samples.map(([second, sample]) => {
    const found = commonMode(state, sample, second * 1000);
    state = found.state;
    return found;
  });
};
const actions = (...input: Parameters<typeof watch>): string[] =>
  watch(...input).map((found) => found.action);
const each = (from: number, to: number, sample: PeopleSample) =>
  Array.from({ length: to - from + 1 }, (_, i) => [from + i, sample] as const);

describe("the limit", () => {
  test("is 1 % where there was nothing bad before, and must be exceeded", () => {
    expect(actions([[0, { seen: 100, bad: 1 }]])).toEqual(["none"]);
    expect(actions([[0, { seen: 100, bad: 2 }]])).toEqual(["pause"]);
    expect(actions([[0, { seen: 100, bad: 2 }]], null)).toEqual(["pause"]);
  });

  test("is five times the rate before where that is more", () => {
    expect(actions([[0, { seen: 100, bad: 10 }]], 0.02)).toEqual(["none"]);
    expect(actions([[0, { seen: 100, bad: 11 }]], 0.02)).toEqual(["pause"]);
  });

  test("needs 20 people", () => {
    expect(actions([[0, { seen: 19, bad: 19 }]])).toEqual(["none"]);
    expect(actions([[0, { seen: 20, bad: 20 }]])).toEqual(["pause"]);
    expect(actions([[0, { seen: 0, bad: 0 }]])).toEqual(["none"]);
  });
});

describe("time", () => {
  test("pauses at once and aborts when it is as bad 10 s later", () => {
    expect(actions(each(0, 10, BAD))).toEqual(["pause", ...Array(9).fill("none"), "abort"]);
    expect(
      actions([
        [0, BAD],
        [10, BAD],
      ]),
    ).toEqual(["pause", "abort"]);
  });

  test("resumes after 10 s below, counted from the first sample below", () => {
    const found = actions([...each(0, 3, BAD), ...each(4, 14, GOOD)]);
    expect(found).toEqual(["pause", ...Array(13).fill("none"), "resume"]);
  });

  test("neither aborts nor resumes while it comes and goes", () => {
    const samples = Array.from({ length: 40 }, (_, i) => [i, i % 8 < 4 ? BAD : GOOD] as const);
    expect(actions(samples)).toEqual(["pause", ...Array(39).fill("none")]);
  });

  test("time that nobody watched counts in neither direction", () => {
    expect(
      actions([
        [0, BAD],
        [300, BAD],
        [305, BAD],
      ]),
    ).toEqual(["pause", "none", "none"]);
    expect(
      actions([
        [0, BAD],
        [1, GOOD],
        [300, GOOD],
      ]),
    ).toEqual(["pause", "none", "none"]);
  });

  test("a clock that goes back adds nothing", () => {
    expect(
      actions([
        [100, BAD],
        [50, BAD],
        [55, BAD],
      ]),
    ).toEqual(["pause", "none", "none"]);
  });

  test("can be raised again after it was calm", () => {
    const found = actions([[0, BAD], ...each(1, 11, GOOD), [12, BAD]]);
    expect(found.at(-2)).toBe("resume");
    expect(found.at(-1)).toBe("pause");
  });
});

describe("a few bad people", () => {
  test("pause, but do not withdraw a release that may have nothing to do with them", () => {
    const found = actions(each(0, 30, { seen: 65, bad: 2 }), 0.006);
    expect(found).toEqual(["pause", ...Array(30).fill("none")]);
  });

  test("the reasons name people, rate and limit", () => {
    const [pause] = watch([[0, BAD]]);
    expect(pause?.reason).toContain("30 of 100 people");
    expect(pause?.reason).toContain("1.0 %");
  });
});
