/**
 * The rules of the diff: what each one means for the set of values, and how grave it is in each
 * direction. A rule is named once and its id never changes.
 *
 * Idea: a rule says whether the new schema is *tighter* (refuses what was good) or *looser* (lets
 * in what was not), or both. A request may only grow looser, a reply or an event only tighter; the
 * level follows from that. Where a level is set by hand, the comment says why.
 */
import type { Direction, Level } from "../diff/finding.ts";
import { documentRules } from "./document-rules.ts";
import { limitRules, shutsOut } from "./limits.ts";
import type { LimitRule } from "./limits.ts";
import { schemaRules } from "./schema-rules.ts";

/** Bits of what a change does to the set of good values. */
export const SAME = 0;
export const TIGHTER = 1;
export const LOOSER = 2;
/** Worth telling, though the same values stay good. */
export const NOTE = 4;

export type Change = "tighter" | "looser" | "changed" | "note";

export interface Rule {
  readonly change: Change;
  /** Set by hand where the variance alone does not decide. */
  readonly request?: Level;
  readonly reply?: Level;
  readonly event?: Level;
  /** `{what}` is the data, `{detail}` what the finding knows beyond. */
  readonly sentence: string;
}

export type RuleId = keyof typeof schemaRules | keyof typeof documentRules | LimitRule;

const byId: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...Object.entries(schemaRules),
  ...Object.entries(documentRules),
  ...limitRules().map(([id, limit, change]): [string, Rule] => [
    id,
    {
      change: shutsOut(limit, change) ? "tighter" : "looser",
      sentence: `The limit ${limit.replace("-", " ")} of {what} was ${change}{detail}.`,
    },
  ]),
]);

/** Every rule by its id, for documents and for who lists them. */
export function allRules(): ReadonlyMap<string, Rule> {
  return byId;
}

export function ruleOf(id: RuleId): Rule {
  const rule = byId.get(id);
  if (rule === undefined) throw new Error(`There is no rule ${id}.`);
  return rule;
}

/** How grave a rule is in a direction. */
export function levelOf(id: RuleId, direction: Direction): Level {
  const rule = ruleOf(id);
  const byHand = { ...rule, event: rule.event ?? rule.reply }[direction];
  if (byHand !== undefined) return byHand;
  if (rule.change === "note") return "info";
  if (rule.change === "changed") return "breaking";
  const breaks = direction === "request" ? "tighter" : "looser";
  if (rule.change === breaks) return "breaking";
  // Events are kept: a consumer built with the new schema still meets those that the old one let in.
  return direction === "event" ? "warning" : "info";
}

const FLAGS: Readonly<Record<Change, number>> = {
  tighter: TIGHTER,
  looser: LOOSER,
  changed: TIGHTER | LOOSER,
  note: NOTE,
};

/** What a rule means for the set of good values, as bits. */
export function flagsOf(id: RuleId): number {
  return FLAGS[ruleOf(id).change];
}
