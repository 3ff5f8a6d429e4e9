/** What can be done to an installation: each fault strikes at once and says how it is healed. */
import type { Seeded } from "../system/seeded.ts";
import type { Routes } from "./routes.ts";
import { signal } from "./targets.ts";
import type { Targets } from "./targets.ts";

export type FaultKind = "kill" | "pause" | "link" | "cut" | "delivery";

/** A fault that has struck. */
export interface Struck {
  readonly kind: FaultKind;
  /** Who was hit, for the report: "payments", "postgres backend". */
  readonly target: string;
  /** How long it lasts; 0 for a kill. */
  readonly lastsMs: number;
  readonly heal: () => void;
}

export interface FaultsOptions {
  readonly targets: Targets;
  readonly routes: Routes;
  readonly random: Seeded;
  readonly services: readonly string[];
  /** Starts the supervisor again; nobody else would. */
  readonly reviveSupervisor: () => Promise<void>;
}

/** Dealt, not drawn, so that a short run has its share of each; kills last no time. */
export const FAULT_DECK: readonly FaultKind[] = [
  "kill",
  "kill",
  "kill",
  "pause",
  "link",
  "cut",
  "delivery",
];
const PAUSE_MS = { min: 500, max: 8_000 } as const;
const LINK_MS = { min: 1_000, max: 6_000 } as const;
const NOTHING = (): void => undefined;

/** Strikes once, at somebody who is there; null when nobody was. */
export async function strike(options: FaultsOptions, kind: FaultKind): Promise<Struck | null> {
  switch (kind) {
    case "kill":
      return kill(options);
    case "pause":
      return pauseOne(options);
    case "link":
      return spoilLink(options);
    case "cut":
      return cutCommits(options);
    case "delivery":
      return mistreatDeliveries(options);
    default:
      throw new Error(`${String(kind)} is no kind of fault.`);
  }
}

async function kill(options: FaultsOptions): Promise<Struck | null> {
  const { random, services } = options;
  const parts = ["gateway", "control", "bus", "postgres", "postgres backend", "supervisor"];
  const target = random.pick([...services, ...services, ...parts]);
  const victim = await victimOf(options, target);
  if (victim === null || !signal(victim, "SIGKILL")) return null;
  if (target === "supervisor") await options.reviveSupervisor();
  return { kind: "kill", target, lastsMs: 0, heal: NOTHING };
}

async function pauseOne(options: FaultsOptions): Promise<Struck | null> {
  const { random, services } = options;
  const parts = ["gateway", "control", "bus", "postgres backend"];
  const target = random.pick([...services, ...services, ...parts]);
  const victim = await victimOf(options, target);
  if (victim === null || !signal(victim, "SIGSTOP")) return null;
  const lastsMs = random.between(PAUSE_MS.min, PAUSE_MS.max);
  return { kind: "pause", target, lastsMs, heal: () => void signal(victim, "SIGCONT") };
}

async function victimOf({ random, targets, services }: FaultsOptions, target: string) {
  const choose = <T>(found: readonly T[]): T | null =>
    found.length === 0 ? null : random.pick(found);
  if (services.includes(target)) return choose(targets.instances(target));
  if (target === "postgres backend") return choose(await targets.backends());
  return targets.part(target);
}

/** Between somebody and PostgreSQL: late, slow, silent, closing late, half closed, or reset. */
function spoilLink({ random, routes }: FaultsOptions): Struck {
  const [target, proxy] = random.pick([...routes.databases]);
  const what = random.pick([
    "late",
    "slow",
    "silent",
    "slow close",
    "half close",
    "reset",
  ] as const);
  if (what === "late") proxy.set({ latencyMs: random.between(5, 150), jitterMs: 50 });
  if (what === "slow") proxy.set({ bytesPerSecond: random.between(5_000, 50_000) });
  if (what === "silent") proxy.set({ isSilent: true });
  if (what === "slow close") proxy.set({ slowCloseMs: random.between(500, 3_000) });
  if (what === "half close") proxy.halfClose();
  if (what === "reset" || what === "slow close") proxy.reset();
  const lastsMs = random.between(LINK_MS.min, LINK_MS.max);
  return { kind: "link", target: `${target} ${what}`, lastsMs, heal: () => proxy.heal() };
}

/** For a while a share of the commits loses its COMMIT or its reply. */
function cutCommits({ random, routes }: FaultsOptions): Struck {
  const [target, proxy] = random.pick([...routes.databases]);
  proxy.set({
    cutBeforeCommitShare: random.between(1, 10) / 100,
    cutAfterCommitShare: random.between(1, 10) / 100,
  });
  const lastsMs = random.between(LINK_MS.min, LINK_MS.max);
  return { kind: "cut", target, lastsMs, heal: () => proxy.heal() };
}

function mistreatDeliveries({ random, routes }: FaultsOptions): Struck | null {
  const shim = routes.deliveries;
  if (shim === null) return null;
  const share = (): number => random.between(0, 50) / 100;
  shim.set({
    repeatShare: share(),
    repeatMs: random.between(0, 5_000),
    holdShare: share(),
    holdMs: random.between(0, 2_000),
    loseReplyShare: share() / 2,
  });
  const lastsMs = random.between(LINK_MS.min, LINK_MS.max);
  return { kind: "delivery", target: "bus to gateway", lastsMs, heal: () => shim.heal() };
}
