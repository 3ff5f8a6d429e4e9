/**
 * Data of events: checked by the same rules where it is published and where it arrives, so that
 * nothing gets into an outbox which no consumer could ever take.
 */
import type { EventApi } from "@tideway/schema";
import { Compile } from "typebox/compile";
import type { Failure } from "./machine/inbox.ts";

/** Objects within objects. Deeper ones are no data, and end the stack of whoever looks at them. */
const DEPTH_MAX = 64;

/** PostgreSQL keeps neither, in text or jsonb. */
const NO_TEXT = /[\0\p{Cs}]/u;

export type DataProblem = { readonly path: string; readonly problem: string } | null;

/** A compiled schema: answers the first thing that is wrong with a parsed JSON value, or null. */
export function dataChecker(event: Pick<EventApi, "data">): (data: unknown) => DataProblem {
  const schema = Compile(event.data);
  return (data) => {
    const strange = findStrange(data, "data", 0);
    if (strange !== null || schema.Check(data)) return strange;
    const first = schema.Errors(data)[0];
    return {
      path: `data${first?.instancePath ?? ""}`,
      problem: first?.message ?? "is not as declared",
    };
  };
}

/** As told of an event that arrived; without the value, which may be somebody's. */
export function dataFailure(type: string, problem: NonNullable<DataProblem>): Failure {
  return {
    code: "EVENT_DATA_INVALID",
    detail: `The data of ${type} does not match its schema: ${problem.path} ${problem.problem}.`,
  };
}

/** Text that cannot be kept, and names by which JSON parsers refuse a whole body. */
function findStrange(value: unknown, path: string, depth: number): DataProblem {
  if (typeof value === "string") {
    return NO_TEXT.test(value) ? { path, problem: "holds U+0000 or half a surrogate pair" } : null;
  }
  if (value === null || typeof value !== "object") return null;
  if (depth >= DEPTH_MAX) return { path, problem: `is nested deeper than ${DEPTH_MAX}` };
  for (const [key, item] of Object.entries(value)) {
    if (NO_TEXT.test(key)) return { path, problem: "has a name that cannot be kept" };
    const at = `${path}/${key}`;
    if (key === "__proto__" || key === "constructor") {
      return { path: at, problem: "has a name that parsers refuse" };
    }
    const found = findStrange(item, at, depth + 1);
    if (found !== null) return found;
  }
  return null;
}
