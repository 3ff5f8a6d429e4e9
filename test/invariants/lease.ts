/**
 * A lease has one holder: it is taken only after the last one ended, and under a newer fence nothing
 * is written with an older one.
 */
import { found } from "./violation.ts";
import type { Violation } from "./violation.ts";

export type LeaseAct =
  | {
      readonly kind: "taken";
      readonly resource: string;
      readonly owner: string;
      readonly fence: number;
      /** On the clock that all share: the database's. */
      readonly atMs: number;
      readonly untilMs: number;
    }
  /** `broken`: an operator took it away; `fence` is the new one. */
  | {
      readonly kind: "released" | "broken";
      readonly resource: string;
      readonly fence: number;
    }
  | { readonly kind: "written"; readonly resource: string; readonly fence: number };

interface Held {
  readonly owner: string;
  readonly fence: number;
  readonly untilMs: number;
}

/** `acts` are in the order of their commits. */
export function checkLeases(acts: Iterable<LeaseAct>): Violation[] {
  const held = new Map<string, Held>();
  const newest = new Map<string, number>();
  const wrong: string[] = [];
  for (const act of acts) {
    const { resource, fence } = act;
    const fenceBefore = newest.get(resource) ?? Number.NEGATIVE_INFINITY;
    if (fence < fenceBefore) {
      wrong.push(`${resource}: ${act.kind} under fence ${fence} after ${fenceBefore}`);
    }
    newest.set(resource, Math.max(fence, fenceBefore));
    if (act.kind === "written") continue;
    const holder = held.get(resource);
    if (act.kind !== "taken") {
      if (act.kind === "broken" || holder?.fence === fence) held.delete(resource);
      continue;
    }
    const isOthers = holder !== undefined && holder.owner !== act.owner;
    if (isOthers && act.atMs < holder.untilMs) {
      wrong.push(
        `${resource}: ${act.owner} took it ${Math.round(holder.untilMs - act.atMs)} ms before ` +
          `${holder.owner}'s lease ended`,
      );
    }
    if (isOthers && fence === holder.fence) {
      wrong.push(`${resource}: ${act.owner} and ${holder.owner} share fence ${fence}`);
    }
    held.set(resource, { owner: act.owner, fence, untilMs: act.untilMs });
  }
  return found("lease", wrong);
}
