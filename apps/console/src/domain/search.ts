/**
 * The part of an address after the question mark. Defaults are left out, and what an address
 * says wrongly is dropped rather than refused: an old link still opens its page.
 */
export const SERVICE_TABS = ["instances", "revisions", "rollouts", "logs"] as const;
export type ServiceTab = (typeof SERVICE_TABS)[number];
export const ROLLOUT_TABS = ["errors", "latency"] as const;
export type RolloutTab = (typeof ROLLOUT_TABS)[number];

export interface ServicesSearch {
  /** Shows services whose name contains it. */
  readonly q?: string;
}

export interface ServiceSearch {
  readonly tab?: ServiceTab;
  /** For logs: one revision only. */
  readonly revision?: string;
  /** For logs: lines with these words only. */
  readonly q?: string;
}

export interface RolloutSearch {
  readonly tab?: RolloutTab;
  readonly view?: "table";
  /** Minutes shown; left out, the page chooses what fits the rollout. */
  readonly minutes?: 5 | 15;
}

type Raw = Record<string, unknown>;
const TEXT_LENGTH_MAX = 100;

export function readServicesSearch(raw: Raw): ServicesSearch {
  return { ...optional("q", textOf(raw["q"])) };
}

export function readServiceSearch(raw: Raw): ServiceSearch {
  const revision = textOf(raw["revision"]);
  const isRevision = revision !== undefined && /^[a-z][a-z0-9-]*-[1-9][0-9]{0,8}$/.test(revision);
  return {
    ...optional("tab", oneOf(SERVICE_TABS, raw["tab"])),
    ...optional("revision", isRevision ? revision : undefined),
    ...optional("q", textOf(raw["q"])),
  };
}

export function readRolloutSearch(raw: Raw): RolloutSearch {
  return {
    ...optional("tab", oneOf(ROLLOUT_TABS, raw["tab"])),
    ...optional("view", raw["view"] === "table" ? ("table" as const) : undefined),
    ...optional("minutes", minutesOf(raw["minutes"])),
  };
}

function minutesOf(value: unknown): 5 | 15 | undefined {
  return value === 5 || value === 15 ? value : undefined;
}

function oneOf<const T extends string>(allowed: readonly T[], value: unknown): T | undefined {
  return allowed.find((candidate) => candidate === value);
}

/** Numbers are texts here too: the router reads `q=8` as a number. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value).slice(0, TEXT_LENGTH_MAX);
  return text === "" ? undefined : text;
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  if (value === undefined) return {};
  // A computed key widens to a string index; this is exactly the one optional field.
  return { [key]: value } as { readonly [P in K]: V };
}
