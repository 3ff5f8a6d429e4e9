import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";
import { namesOfPeople } from "../store/people.ts";

export function names({ pool }: Dependencies): Handler<Routes["names"]> {
  return async ({ body }) => ({ people: await namesOfPeople(pool, body.people) });
}
