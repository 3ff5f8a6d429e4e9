/**
 * Takes a schema with anyOf and oneOf apart into alternatives without any: every alternative is
 * what the schema demands anyhow, together with one branch of each union.
 */
import type { Located } from "./resolve.ts";
import { flatten } from "./flatten.ts";
import type { Comparison } from "./comparison.ts";
import { ALL_KINDS } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import type { Conjunction, Shape } from "./shape.ts";

export interface Alternative {
  readonly conjunction: Conjunction;
  readonly shape: Shape;
  /** What the branches refer to, or their titles. */
  readonly name: string | undefined;
}

export interface Alternatives {
  readonly list: readonly Alternative[];
  /** True when a value that fits two of them is refused. */
  readonly exclusive: boolean;
}

/** Alternatives of one schema; more are not taken apart, and the schema counts as too large. */
export const ALTERNATIVES_MAX = 128;

/** The alternatives of a schema, or undefined when there are too many. */
export function alternativesOf(
  run: Comparison,
  conjunction: Conjunction,
  shape: Shape,
): Alternatives | undefined {
  const found: Found = { list: [], exclusive: false };
  const start: Choice = { members: conjunction, shape, name: undefined, taken: [] };
  if (!choose(run, start, found)) return undefined;
  const { list, exclusive } = found;
  const { nullable } = flatten(conjunction);
  if (!nullable || list.some((one) => one.shape.kinds.has("null"))) return { list, exclusive };
  return { list: [...list, ofKind(run, [], shape.at, "null")], exclusive };
}

interface Found {
  readonly list: Alternative[];
  exclusive: boolean;
}

interface Choice {
  readonly members: Conjunction;
  readonly shape: Shape;
  readonly name: string | undefined;
  /** The unions from which a branch was chosen on the way here. */
  readonly taken: readonly string[];
}

/** Chooses each branch of the first union in turn and goes on; false when there is too much. */
function choose(run: Comparison, { members, shape, name, taken }: Choice, found: Found): boolean {
  if (found.list.length >= ALTERNATIVES_MAX || taken.length >= ALTERNATIVES_MAX) return false;
  const [union, ...others] = shape.unions;
  if (union === undefined) {
    if (shape.kinds.size > 0) found.list.push({ conjunction: members, shape, name });
    return true;
  }
  // A union that is a branch of itself adds nothing to what its other branches are.
  if (taken.includes(union.at.pointer)) return true;
  if (union.kind === "oneOf" && union.branches.length > 1) found.exclusive = true;
  const rest = [...basisOf(members), ...others.map((other) => asUnion(other.at))];
  return union.branches.every((branch) => {
    const chosen = [...rest, branch];
    const next: Choice = {
      members: chosen,
      shape: run.shape(chosen, union.at),
      name: branch.name ?? name,
      taken: [...taken, union.at.pointer],
    };
    return choose(run, next, found);
  });
}

/** The members of a schema without their unions and wrappers. */
function basisOf(conjunction: Conjunction): Located[] {
  return flatten(conjunction)
    .members.filter(({ variant }) => !variant?.startsWith("union "))
    .map((member) => ({ ...member, variant: member.variant ?? "alone" }));
}

/** A union that is still to be chosen from, as a schema of its own at the same address. */
function asUnion(at: Located): Located {
  const steps = at.pointer.split("/");
  const keyword = steps.pop() ?? "";
  const pointer = steps.join("/");
  const { document, value } = at;
  return { document, pointer, value: { [keyword]: value }, variant: `union ${keyword}` };
}

/** One alternative a kind, so that a list of types can be held against a list of schemas. */
export function byKind(run: Comparison, alternative: Alternative): readonly Alternative[] {
  const { shape, conjunction } = alternative;
  if (shape.kinds.size < 2 || shape.kinds.size === ALL_KINDS.length) return [alternative];
  const kinds = [...shape.kinds].filter(
    (kind) => kind !== "integer" || !shape.kinds.has("fraction"),
  );
  if (kinds.length < 2) return [alternative];
  return kinds.map((kind) => ofKind(run, conjunction, shape.at, kind));
}

function ofKind(run: Comparison, conjunction: Conjunction, at: Located, kind: Kind): Alternative {
  const type = kind === "fraction" ? "number" : kind;
  const narrowed = [
    ...conjunction,
    { document: at.document, pointer: at.pointer, value: { type }, variant: `only ${type}` },
  ];
  return { conjunction: narrowed, shape: run.shape(narrowed, at), name: undefined };
}
