/**
 * One run of the diff: where findings go, what was compared already, and the bound of its work.
 * `relate` is handed to the parts that compare objects, arrays and unions, which call it again.
 */
import type { Direction, Finding, Level } from "./finding.ts";
import type { Document, Located } from "./resolve.ts";
import type { Conjunction, Shape } from "./shape.ts";
import { rememberPairs } from "./memory.ts";
import { shapeOf } from "./shape-of.ts";
import { keyOf } from "./shape.ts";
import { LOOSER, NOTE, SAME, TIGHTER, flagsOf, levelOf, ruleOf } from "../rules/rules.ts";
import type { RuleId } from "../rules/rules.ts";

export const EVERYTHING = TIGHTER | LOOSER | NOTE;

/** Pairs of schemas looked at in one run; beyond it what is left counts as breaking. */
export const PAIRS_MAX = 400_000;

/** Where in the api a comparison stands. */
export interface Place {
  readonly operation: string;
  readonly direction: Direction;
  readonly part: string;
  /** For sentences: `the reply 200 of GET /x`. */
  readonly subject: string;
  /** The data's path, empty for the whole. */
  readonly property: string;
  /** How much is written as text: in a query every scalar is, in XML everything. */
  readonly text: "none" | "scalars" | "everything";
  /** A parameter's own schema, whose default is part of the call. */
  readonly parameter: boolean;
  /**
   * Data that does not travel in this direction (read-only, write-only): told of, never breaking.
   */
  readonly muted: boolean;
  /** Which findings to keep, as bits; none: only the flags are wanted. */
  readonly keep: number;
}

export interface Comparison {
  readonly before: Document;
  readonly after: Document;
  readonly findings: Finding[];
  /** How the two relate, as flags; findings go into the run. */
  relate(before: Conjunction, after: Conjunction, place: Place): number;
  shape(conjunction: Conjunction, fallback: Located): Shape;
  /** Tells of a rule that was met and returns its flags. */
  tell(rule: RuleId, place: Place, at: Located, detail?: string): number;
  spend(): boolean;
}

export type Inspect = (
  run: Comparison,
  before: Conjunction,
  after: Conjunction,
  place: Place,
) => number;

/** Starts a run; `inspect` compares two schemas by looking into them. */
export function startComparison(before: Document, after: Document, inspect: Inspect): Comparison {
  const findings: Finding[] = [];
  const told = new Set<string>();
  const shapes = new Map<string, Shape>();
  const recent = new WeakMap<Conjunction, Shape>();
  let pairs = 0;
  const run: Comparison = {
    before,
    after,
    findings,
    relate: (left, right, place) => memory(run, left, right, place),
    shape: (conjunction, fallback) => {
      const near = recent.get(conjunction);
      if (near !== undefined) return near;
      const key = keyOf(conjunction);
      const shape = shapes.get(key) ?? shapeOf(conjunction, fallback);
      // The empty one has no address of its own, so it is made anew with each fallback.
      if (key !== "") shapes.set(key, shape);
      if (key !== "") recent.set(conjunction, shape);
      return shape;
    },
    tell: (rule, place, at, detail = "") => {
      const flags = flagsOf(rule);
      if ((flags & place.keep) === SAME) return flags;
      const finding = findingOf(rule, place, at, detail);
      const { operation, part, property, path } = finding;
      const key = [rule, operation, part, property, path].join("|");
      if (!told.has(key)) findings.push(finding);
      told.add(key);
      return flags;
    },
    spend: () => (pairs += 1) <= PAIRS_MAX,
  };
  const memory = rememberPairs(inspect);
  return run;
}

function findingOf(rule: RuleId, place: Place, at: Located, detail: string): Finding {
  const what =
    place.property === "" ? place.subject : `the field \`${place.property}\` of ${place.subject}`;
  const sentence = ruleOf(rule)
    .sentence.replace("{detail}", () => detail)
    .replace("{what}", () => what)
    .replace("{What}", () => what.charAt(0).toUpperCase() + what.slice(1));
  const level: Level = levelOf(rule, place.direction);
  return {
    path: at.pointer,
    document: at.document.side,
    rule,
    level: place.muted && level !== "info" ? "info" : level,
    operation: place.operation,
    direction: place.direction,
    part: place.part,
    sentence,
    ...(place.property !== "" && { property: place.property }),
  };
}

/** The place of a property, of the items (`[]`) or of any other property (`*`). */
export function inside(place: Place, step: string): Place {
  const property =
    step === "[]" || place.property === ""
      ? `${place.property}${step}`
      : `${place.property}.${step}`;
  return { ...place, property, parameter: false };
}
