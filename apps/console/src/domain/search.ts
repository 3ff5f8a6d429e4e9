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

export const SAGA_STATES = [
  "running",
  "waiting",
  "compensating",
  "completed",
  "compensated",
] as const;
export type SagaStateName = (typeof SAGA_STATES)[number];
export const KEY_STATES = ["retrying", "quarantined"] as const;
export type KeyStateName = (typeof KEY_STATES)[number];

export interface SagasSearch {
  /** Sagas of one service only. */
  readonly service?: string;
  readonly state?: SagaStateName;
  /** Those that somebody should look at only. */
  readonly attention?: true;
}

export interface SagaSearch {
  /** Where the saga lives; without it each service is asked. */
  readonly service?: string;
}

export interface EventsSearch {
  /** For the log: events of this type only. */
  readonly type?: string;
  /** For the log: events of this ordering key only. */
  readonly key?: string;
}

export interface EventGroupSearch {
  readonly state?: KeyStateName;
}

type Raw = Record<string, unknown>;
const TEXT_LENGTH_MAX = 100;
/** What the api takes as a type or an ordering key. */
export const KEY_LENGTH_MAX = 200;
const TYPE_LENGTH_MIN = 3;

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

export function readSagasSearch(raw: Raw): SagasSearch {
  return {
    ...optional("service", serviceOf(raw["service"])),
    ...optional("state", oneOf(SAGA_STATES, raw["state"])),
    ...optional("attention", raw["attention"] === true ? (true as const) : undefined),
  };
}

export function readSagaSearch(raw: Raw): SagaSearch {
  return optional("service", serviceOf(raw["service"]));
}

export function readEventsSearch(raw: Raw): EventsSearch {
  const type = textOf(raw["type"], KEY_LENGTH_MAX);
  return {
    ...optional("type", type !== undefined && type.length >= TYPE_LENGTH_MIN ? type : undefined),
    ...optional("key", textOf(raw["key"], KEY_LENGTH_MAX)),
  };
}

export function readEventGroupSearch(raw: Raw): EventGroupSearch {
  return optional("state", oneOf(KEY_STATES, raw["state"]));
}

function serviceOf(value: unknown): string | undefined {
  const name = textOf(value);
  return name !== undefined && /^[a-z][a-z0-9-]{1,30}$/.test(name) ? name : undefined;
}

function minutesOf(value: unknown): 5 | 15 | undefined {
  return value === 5 || value === 15 ? value : undefined;
}

function oneOf<const T extends string>(allowed: readonly T[], value: unknown): T | undefined {
  return allowed.find((candidate) => candidate === value);
}

/** Numbers are texts here too: the router reads `q=8` as a number. */
function textOf(value: unknown, lengthMax = TEXT_LENGTH_MAX): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value).slice(0, lengthMax);
  return text === "" ? undefined : text;
}

/** The field where there is a value, and nothing at all where there is none. */
export function optional<K extends string, V>(
  key: K,
  value: V | undefined,
): { readonly [P in K]?: V } {
  if (value === undefined) return {};
  // A computed key widens to a string index; this is exactly the one optional field.
  return { [key]: value } as { readonly [P in K]: V };
}
