import { expect, test } from "vitest";
import { aSaga } from "../domain/builders.ts";
import { SAGAS_OF_ALL_MAX, sagasOf, sagasQuery } from "./backbone-queries.ts";
import type { SagaPage } from "./backbone-queries.ts";

const pageOf = (items: number, next: string | null = null): SagaPage => ({
  items: Array.from({ length: items }, (_, i) => aSaga({ saga: `sag_${i}` })),
  next,
  unanswered: [],
});

test("one service goes on with its cursor until there is none, page after page", () => {
  const search = { service: "north" };
  const { getNextPageParam } = sagasQuery(search);
  const first = pageOf(50, "c1");
  expect(getNextPageParam(first, [first], { limit: 50 }, [])).toEqual({ limit: 50, after: "c1" });
  const last = pageOf(7);
  expect(getNextPageParam(last, [first, last], { limit: 50 }, [])).toBeNull();
  expect(sagasOf([first, last], search)).toHaveLength(57);
});

test("all services have no cursor: the list grows once to the most there is, and is not doubled", () => {
  const { getNextPageParam } = sagasQuery({});
  const first = pageOf(50);
  const next = getNextPageParam(first, [first], { limit: 50 }, []);
  expect(next).toEqual({ limit: SAGAS_OF_ALL_MAX });
  const all = pageOf(SAGAS_OF_ALL_MAX);
  expect(getNextPageParam(all, [first, all], { limit: SAGAS_OF_ALL_MAX }, [])).toBeNull();
  expect(sagasOf([first, all], {})).toHaveLength(SAGAS_OF_ALL_MAX);
  expect(getNextPageParam(pageOf(12), [], { limit: 50 }, [])).toBeNull();
});
