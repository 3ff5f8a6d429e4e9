/**
 * Compares schemas with alternatives. An alternative of the old schema is safe when one of the new
 * ones takes all its values, and the other way round. What is left without is paired by name or
 * likeness, so that the finding names the field inside and not just "an alternative".
 */
import { alternativesOf, byKind } from "./alternatives.ts";
import type { Alternative, Alternatives } from "./alternatives.ts";
import type { Comparison, Place } from "./comparison.ts";
import { areDisjoint } from "./disjoint.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Pair } from "./inspect.ts";
import { nameKinds } from "./kinds.ts";
import { bestPartner } from "./partners.ts";
import { LOOSER, NOTE, SAME, TIGHTER } from "../rules/rules.ts";

export function relateUnions(run: Comparison, pair: Pair, place: Place): number {
  const old = alternativesOf(run, pair.before, pair.old);
  const now = alternativesOf(run, pair.after, pair.now);
  if (old === undefined || now === undefined) {
    const [was, is] = [pair.before, pair.after].map((all) => all.map((one) => fingerprint(one)));
    if (was?.join() === is?.join()) return SAME;
    return run.tell("comparison-too-large", place, pair.now.at);
  }
  const from = old.list.length === 1 ? old.list : split(run, old);
  const to = now.list.length === 1 ? now.list : split(run, now);
  const table = tabulate(run, place, needsSplit(run, from, to), needsSplit(run, to, from));
  return (
    tellAlternatives(run, table, place) |
    tellNames(run, table, old, now, place) |
    tellOverlaps(run, table, old, now, place)
  );
}

interface Table {
  readonly from: readonly Alternative[];
  readonly to: readonly Alternative[];
  /** How alternative i of the old relates to alternative j of the new one. */
  readonly flags: readonly (readonly number[])[];
  /** Old ones whose values no new one takes whole, and new ones that no old one takes whole. */
  readonly lost: ReadonlySet<number>;
  readonly gained: ReadonlySet<number>;
}

function split(run: Comparison, alternatives: Alternatives): readonly Alternative[] {
  return alternatives.list.flatMap((one) => (one.name === undefined ? byKind(run, one) : [one]));
}

/** A single schema is held against a list of alternatives one type at a time. */
function needsSplit(
  run: Comparison,
  list: readonly Alternative[],
  other: readonly Alternative[],
): readonly Alternative[] {
  return list.length === 1 && other.length > 1 ? list.flatMap((one) => byKind(run, one)) : list;
}

function tabulate(
  run: Comparison,
  place: Place,
  from: readonly Alternative[],
  to: readonly Alternative[],
): Table {
  const flags = from.map((was) =>
    to.map((is) => run.relate(was.conjunction, is.conjunction, { ...place, keep: SAME })),
  );
  // Two of one name are the same thing, and are held against each other alone: what Dog became is
  // not made good by a Cat that happens to admit it.
  const lost = indexes(from, (i) => {
    const j = sameName(from[i], to);
    const row = flags[i] ?? [];
    return (j === undefined ? row : [row[j] ?? SAME]).every((flag) => (flag & TIGHTER) !== SAME);
  });
  const gained = indexes(to, (j) => {
    const i = sameName(to[j], from);
    const rows = i === undefined ? flags : [flags[i] ?? []];
    return rows.every((row) => ((row[j] ?? LOOSER) & LOOSER) !== SAME);
  });
  return { from, to, flags, lost, gained };
}

/** The one alternative of that name, if there is one. */
function sameName(one: Alternative | undefined, others: readonly Alternative[]) {
  if (one?.name === undefined) return undefined;
  const found = indexes(others, (index) => others[index]?.name === one.name);
  return found.size === 1 ? [...found][0] : undefined;
}

function indexes(list: readonly unknown[], wanted: (index: number) => boolean): Set<number> {
  return new Set(list.map((_, index) => index).filter(wanted));
}

function tellAlternatives(run: Comparison, table: Table, place: Place): number {
  const { from, to, lost, gained } = table;
  let flags = SAME;
  const explained = new Set<number>();
  for (const [i, was] of from.entries()) {
    if (!lost.has(i)) continue;
    const j = bestPartner(was, to, {
      preferred: gained,
      only: lost.size === 1 && gained.size === 1,
    });
    const is = j === undefined ? undefined : to[j];
    if (j === undefined || is === undefined) flags |= tellLost(run, was, place);
    else {
      const both = gained.has(j) ? TIGHTER | LOOSER | NOTE : TIGHTER;
      flags |= TIGHTER | relatePaired(run, was, is, place, both);
      explained.add(j);
    }
  }
  for (const [j, is] of to.entries()) {
    if (!gained.has(j) || explained.has(j)) continue;
    const i = bestPartner(is, from, { preferred: lost, only: false });
    const was = i === undefined ? undefined : from[i];
    if (was === undefined) flags |= tellGained(run, is, place);
    else flags |= LOOSER | relatePaired(run, was, is, place, LOOSER);
  }
  return flags | (gained.size > 0 ? LOOSER : SAME);
}

function relatePaired(
  run: Comparison,
  was: Alternative,
  is: Alternative,
  place: Place,
  keep: number,
): number {
  return run.relate(was.conjunction, is.conjunction, { ...place, keep: place.keep & keep });
}

function tellLost(run: Comparison, was: Alternative, place: Place): number {
  if (isNull(was)) return run.tell("null-removed", place, was.shape.at);
  return run.tell("alternative-removed", place, was.shape.at, ` ${describe(was)}`);
}

function tellGained(run: Comparison, is: Alternative, place: Place): number {
  if (isNull(is)) return run.tell("null-added", place, is.shape.at);
  return run.tell("alternative-added", place, is.shape.at, ` ${describe(is)}`);
}

function isNull({ shape }: Alternative): boolean {
  return shape.kinds.size === 1 && shape.kinds.has("null");
}

function describe({ name, shape }: Alternative): string {
  if (name !== undefined) return name;
  const values = [...(shape.values?.keys() ?? [])].slice(0, 5).join(", ");
  return values === "" ? nameKinds(shape.kinds) : values;
}

/**
 * A named alternative of a oneOf that is gone counts as lost, also where another one has the same
 * fields: the name is what a generated client knows it by, and what told it apart is gone with it.
 */
function tellNames(
  run: Comparison,
  table: Table,
  old: Alternatives,
  now: Alternatives,
  place: Place,
): number {
  if (!old.exclusive || !now.exclusive) return SAME;
  const { from, to, lost, gained, flags } = table;
  const before = new Set(from.map(({ name }) => name));
  const after = new Set(to.map(({ name }) => name));
  let found = SAME;
  for (const [i, was] of from.entries()) {
    if (was.name === undefined || after.has(was.name) || lost.has(i)) continue;
    const renamed = to.some(
      ({ name }, j) => !before.has(name) && !((flags[i]?.[j] ?? 0) & TIGHTER),
    );
    if (!renamed) found |= tellLost(run, was, place);
  }
  for (const [j, is] of to.entries()) {
    if (is.name === undefined || before.has(is.name) || gained.has(j)) continue;
    const renamed = from.some(
      ({ name }, i) => !after.has(name) && !((flags[i]?.[j] ?? 0) & LOOSER),
    );
    if (!renamed) found |= tellGained(run, is, place);
  }
  return found;
}

/**
 * In a oneOf, a value that fits two alternatives is refused: a new or wider one can shut it out.
 */
function tellOverlaps(
  run: Comparison,
  table: Table,
  old: Alternatives,
  now: Alternatives,
  place: Place,
): number {
  const same =
    table.from.length === table.to.length &&
    old.exclusive === now.exclusive &&
    table.from.every((_, i) => ((table.flags[i]?.[i] ?? TIGHTER) & (TIGHTER | LOOSER)) === SAME);
  if (same) return SAME;
  let flags = SAME;
  const is = now.list[0];
  if (now.exclusive && is !== undefined && overlap(run, now)) {
    flags |= run.tell("one-of-overlap-added", place, is.shape.at);
  }
  const was = old.list[0];
  if (old.exclusive && was !== undefined && overlap(run, old)) {
    flags |= run.tell("one-of-overlap-removed", place, was.shape.at);
  }
  return flags;
}

function overlap(run: Comparison, { list }: Alternatives): boolean {
  return list.some((one, index) =>
    list.slice(index + 1).some((other) => !areDisjoint(run, one.shape, other.shape)),
  );
}
