import { describe, expect, test } from "vitest";
import { routeOf } from "./builders.ts";
import { hardFail } from "./hard-fail.ts";

describe("bad answers in a row on a route that stable serves", () => {
  test("five of them fail, with the route and stable's share in the reason", () => {
    expect(hardFail([routeOf([200, 0], [5, 5, 5])])).toBe(
      "5 of 5 bad answers in a row on POST /payments, where stable is 100.0 % good.",
    );
    expect(hardFail([routeOf([200, 1], [60, 9, 6])])).toBe(
      "6 bad answers in a row (of 60) on POST /payments, where stable is 99.5 % good.",
    );
  });

  test("four do not", () => {
    expect(hardFail([routeOf([200, 0], [4, 4, 4])])).toBeNull();
  });

  test("nor do five where stable is below 99 % good", () => {
    expect(hardFail([routeOf([100, 1], [6, 5, 5])])).not.toBeNull();
    expect(hardFail([routeOf([100, 2], [6, 5, 5])])).toBeNull();
  });

  test("the longest run is named when several routes fail", () => {
    const routes = [routeOf([9, 0], [5, 5, 5], "GET /a"), routeOf([9, 0], [8, 8, 8], "GET /b")];
    expect(hardFail(routes)).toContain("GET /b");
  });
});

describe("a candidate with little traffic", () => {
  test("fails when none of five answers over all its routes was good", () => {
    const routes = ["GET /a", "GET /b", "GET /c"].map((route) =>
      routeOf([50, 0], [2, 2, 2], route),
    );
    expect(hardFail(routes)).toContain("None of the candidate's 6 answers was good");
    expect(hardFail(routes.slice(0, 2))).toBeNull();
  });

  test("fails even when stable has had no request at all", () => {
    expect(hardFail([routeOf([0, 0], [5, 5, 5])])).toContain("no request to compare with");
  });

  test("does not fail for a service whose stable revision is just as broken", () => {
    expect(hardFail([routeOf([50, 50], [9, 9, 9])])).toBeNull();
  });
});

describe("a route that stable was never asked for", () => {
  const known = routeOf([500, 0], [40, 0, 0], "GET /known");

  test("fails only after twice as many answers, none of them good", () => {
    expect(hardFail([known, routeOf([0, 0], [9, 9, 9], "POST /new")])).toBeNull();
    expect(hardFail([known, routeOf([0, 0], [10, 10, 10], "POST /new")])).toContain("POST /new");
    expect(hardFail([known, routeOf([0, 0], [30, 20, 20], "POST /new")])).toBeNull();
  });

  test("does not fail while stable is bad elsewhere", () => {
    const bad = routeOf([500, 50], [40, 0, 0], "GET /known");
    expect(hardFail([bad, routeOf([0, 0], [10, 10, 10], "POST /new")])).toBeNull();
  });
});

test("no routes and no requests are no failure", () => {
  expect(hardFail([])).toBeNull();
  expect(hardFail([routeOf([0, 0], [0, 0, 0])])).toBeNull();
});
