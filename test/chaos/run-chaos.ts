/**
 * Chaos over a whole installation: people pay while a nemesis kills, stops, cuts and delays; then
 * everything is healed, the installation comes to rest, and the checkers read its databases.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep, until } from "@tideway/kernel";
import { homeOf } from "../../platform/cli/src/home.ts";
import { startSupervisor } from "../../platform/cli/src/supervisor-client.ts";
import { signInPeople } from "../../platform/cli/src/demo/people.ts";
import { found } from "../invariants/index.ts";
import type { LeaseAct, Violation } from "../invariants/index.ts";
import { install } from "../system/harness.ts";
import type { Installation } from "../system/harness.ts";
import { countPending } from "../system/money-books.ts";
import { payersOf, startTraffic } from "../system/money-traffic.ts";
import type { Traffic } from "../system/money-traffic.ts";
import { seeded } from "../system/seeded.ts";
import { checkAll } from "./checks.ts";
import type { Checked } from "./checks.ts";
import type { ProxyCounts } from "./faulty-proxy.ts";
import { startNemesis } from "./nemesis.ts";
import type { Blow, Episode } from "./nemesis.ts";
import {
  consumersOf,
  readInbox,
  readLanes,
  readLeases,
  readLog,
  readOutbox,
  readSagas,
  servicesOf,
} from "./read-state.ts";
import { placeProxies } from "./routes.ts";
import type { Routes } from "./routes.ts";
import { targetsOf } from "./targets.ts";
import type { Targets } from "./targets.ts";
import { percentilesOf, recoveryAfter, timed } from "./workload.ts";
import type { GoodTry, Percentiles } from "./workload.ts";

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Orders a second, 60 at most. */
  readonly perSecond: number;
  readonly note: (text: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly seconds: number;
  /** Faults by kind and target. */
  readonly kills: Readonly<Record<string, number>>;
  readonly pauses: Readonly<Record<string, number>>;
  readonly links: Readonly<Record<string, number>>;
  readonly cuts: { readonly beforeCommit: number; readonly afterCommit: number };
  readonly deliveries: { readonly repeated: number; readonly held: number; readonly lost: number };
  readonly orders: number;
  readonly acknowledged: number;
  readonly payments: Checked["payments"];
  readonly events: Checked["events"];
  readonly sagas: Readonly<Record<string, number>>;
  /** Of the payments that were acknowledged, each good try by itself, faults included. */
  readonly latencyMs: Percentiles;
  /** From an episode's end to the first payment that was begun later and acknowledged. */
  readonly recoveryMs: Percentiles;
  /** From an episode's end to the end of each saga that was under way then. */
  readonly sagaRecoveryMs: Percentiles;
  readonly violations: readonly Violation[];
}

const PEOPLE = 20;
const PER_SECOND_MAX = 60;
const SIGN_IN_MS_MAX = 180_000;
const REST_MS_MAX = 180_000;
const CALM_MS = 5_000;
const LEASE_LOOK_MS = 500;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const tideway = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  const folder = mkdtempSync(join(tmpdir(), "twc-"));
  const random = seeded(options.seed);
  const chance = (): number => random.between(0, 999_999) / 1_000_000;
  let routes: Routes | null = null;
  try {
    const targets = targetsOf(tideway);
    routes = await placeProxies({ tideway, targets, folder, random: chance });
    options.note(`proxies before ${[...routes.databases.keys()].join(", ")}`);
    const suffered = await suffer(options, tideway, targets, routes);
    const rest = await untilQuiet(tideway);
    const checked = await checkAll(tideway, suffered.traffic.orders, suffered.leases);
    const violations = [...rest, ...checked.violations];
    return reportOf(options, routes, suffered, { ...checked, violations });
  } finally {
    // Nobody could end well without a way to its database.
    routes?.heal();
    await tideway.stop();
    await routes?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Suffered {
  readonly traffic: Traffic;
  readonly tries: readonly GoodTry[];
  readonly episodes: readonly Episode[];
  readonly leases: readonly LeaseAct[];
}

/** People pay while the nemesis strikes; ends when both have stopped and all is healed. */
async function suffer(
  options: ChaosOptions,
  tideway: Installation,
  targets: Targets,
  routes: Routes,
): Promise<Suffered> {
  const { seed, perSecond } = options;
  const { publicUrl } = tideway;
  const signal = AbortSignal.timeout(SIGN_IN_MS_MAX);
  const people = await signInPeople({ publicUrl, count: PEOPLE, signal, concurrency: 4 });
  const { payers, tries } = timed(payersOf(publicUrl, people));
  const traffic = startTraffic(payers, seeded(seed + 1), Math.min(PER_SECOND_MAX, perSecond));
  const leases = watchLeases(tideway);
  try {
    const episodes = await strikeFor(options, tideway, { targets, routes, tries });
    await sleep(CALM_MS);
    return { traffic, episodes, tries, leases: leases.acts };
  } finally {
    await traffic.stop();
    await leases.stop();
  }
}

/** Some calm first, then the nemesis. */
async function strikeFor(
  { seed, seconds, note }: ChaosOptions,
  tideway: Installation,
  struck: {
    readonly targets: Targets;
    readonly routes: Routes;
    readonly tries: readonly GoodTry[];
  },
): Promise<readonly Episode[]> {
  const { targets, routes, tries } = struck;
  await sleep(CALM_MS);
  const home = homeOf({ checkout: tideway.home, env: {}, homeFolder: tideway.home });
  const nemesis = startNemesis({
    targets,
    routes,
    note,
    random: seeded(seed + 2),
    services: servicesOf(tideway),
    reviveSupervisor: async () => void (await startSupervisor(home)),
    recoveredAfter: (overMs) => recoveryAfter(overMs, tries),
  });
  await sleep(seconds * 1_000);
  await nemesis.stop();
  note("all is healed");
  return nemesis.episodes;
}

function reportOf(
  { seed, seconds }: ChaosOptions,
  routes: Routes,
  { traffic, episodes, tries }: Suffered,
  checked: Checked,
): ChaosReport {
  const shim = routes.deliveries?.counts();
  const counts = [...routes.databases.values()].map((proxy) => proxy.counts());
  const sum = (of: (one: ProxyCounts) => number) => counts.reduce((all, one) => all + of(one), 0);
  const blows = episodes.flatMap((episode) => episode.blows);
  const states = Map.groupBy(checked.sagas, ({ state }) => state);
  return {
    seed,
    seconds,
    kills: countBy(blows, "kill"),
    pauses: countBy(blows, "pause"),
    links: countBy(blows, "link"),
    cuts: { beforeCommit: sum((one) => one.cutsBefore), afterCommit: sum((one) => one.cutsAfter) },
    deliveries: {
      repeated: shim?.repeated ?? 0,
      held: shim?.held ?? 0,
      lost: shim?.repliesLost ?? 0,
    },
    orders: traffic.orders.length,
    acknowledged: traffic.acknowledged(),
    payments: checked.payments,
    events: checked.events,
    sagas: Object.fromEntries([...states].map(([state, all]) => [state, all.length])),
    latencyMs: percentilesOf(tries.map(({ beganMs, endedMs }) => endedMs - beganMs)),
    recoveryMs: percentilesOf(episodes.map(({ recoveryMs }) => recoveryMs ?? Infinity)),
    sagaRecoveryMs: percentilesOf(sagaRecoveries(episodes, checked)),
    violations: checked.violations,
  };
}

/** Of the sagas that were under way when an episode ended. */
function sagaRecoveries(episodes: readonly Episode[], { sagas }: Checked): number[] {
  const ends = episodes.map(({ overMs }) => overMs + performance.timeOrigin);
  return sagas.flatMap(({ createdMs, updatedMs }) => {
    const last = ends.findLast((ms) => ms > createdMs && ms < updatedMs);
    return last === undefined ? [] : [updatedMs - last];
  });
}

function countBy(blows: readonly Blow[], kind: Blow["kind"]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { target } of blows.filter((one) => one.kind === kind)) {
    counts[target] = (counts[target] ?? 0) + 1;
  }
  return counts;
}

/** Looks who holds which lease while all goes on; a look that fails is left out. */
function watchLeases(tideway: Installation): {
  readonly acts: readonly LeaseAct[];
  stop(): Promise<void>;
} {
  const acts: LeaseAct[] = [];
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sleep(LEASE_LOOK_MS, stopping.signal);
      // The database is down now and then; what it says next counts.
      const seen = await readLeases(tideway, servicesOf(tideway)).catch(() => []);
      // Looks are too far apart to see releases, so only fences and their owners are compared.
      for (const one of seen) acts.push({ ...one, kind: "taken", atMs: 0, untilMs: 0 });
    }
  };
  const ended = loop();
  return {
    acts,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

/** Waits until nothing is under way any more; what still is after the deadline is a violation. */
async function untilQuiet(tideway: Installation): Promise<Violation[]> {
  let left = "nothing is known";
  const look = async (): Promise<boolean> => {
    left = await whatIsLeft(tideway);
    return left === "";
  };
  try {
    await until(() => look().catch(() => false), {
      deadlineMs: REST_MS_MAX,
      intervalMs: 1_000,
      what: "the installation comes to rest",
    });
    return [];
  } catch {
    // Told as a violation, so that the checkers still run.
    return found("set", [`not at rest after ${REST_MS_MAX} ms: ${left}`]);
  }
}

async function whatIsLeft(tideway: Installation): Promise<string> {
  const left: string[] = [];
  const pending = await countPending(tideway);
  if (pending > 0) left.push(`${pending} payments pending`);
  for (const service of servicesOf(tideway)) {
    const outbox = await readOutbox(tideway, service);
    if (outbox.length > 0) left.push(`${outbox.length} events in the outbox of ${service}`);
    const sagas = await readSagas(tideway, service);
    const open = sagas.filter(({ state }) => state !== "completed" && state !== "compensated");
    if (open.length > 0) left.push(`${open.length} sagas of ${service}`);
  }
  const lanes = await readLanes(tideway);
  if (lanes.length > 0) left.push(`${lanes.length} keys in trouble`);
  // Last, as it reads the whole log: events may linger on their way, and whatever is said to be lost
  // then is.
  if (left.length === 0) left.push(...(await whatWaits(tideway)));
  return left.join(", ");
}

async function whatWaits(tideway: Installation): Promise<string[]> {
  const log = await readLog(tideway);
  const waiting: string[] = [];
  for (const { service, consumes } of consumersOf(tideway)) {
    if (consumes.length === 0) continue;
    const inbox = new Set((await readInbox(tideway, service)).map(({ event }) => event));
    const missing = log.filter(({ event, type }) => consumes.includes(type) && !inbox.has(event));
    if (missing.length > 0) waiting.push(`${missing.length} events not applied by ${service}`);
  }
  return waiting;
}
