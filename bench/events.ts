/**
 * Events of 1 KiB from one commit to the committed effect of another service, through outbox, relay,
 * log, gateway and inbox: `events.throughput` with ten events a commit and a bounded number
 * unfinished, `events.onePerCommit` with one, `events.p50` and `events.p99` at 500 a second. Beside
 * graphile-worker on the same server, whose jobs stay in the database that made them.
 */
import { sleep } from "@tideway/kernel";
import { RING } from "../test/fixtures/ring/ring-api.ts";
import type { RingName } from "../test/fixtures/ring/ring-api.ts";
import { peerDatabase, peersInstalled, runPeer, startBackbone } from "./backbone.ts";
import type { Backbone } from "./backbone.ts";
import { print, say } from "./figure.ts";

const WARM_SECONDS = 5;
const SECONDS = 20;
const PER_COMMIT = 10;
const STEADY_PER_SECOND = 500;
const WAITING_MAX = 1_000;
const KEYS = 1_000;
/** With number, moment and envelope an event has 1 KiB. */
const PAD_BYTES = 900;

interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export async function eventsBench(): Promise<void> {
  const backbone = await startBackbone();
  try {
    const peer = (await peersInstalled()) ? await measurePeer(backbone) : null;
    await throwBalls(backbone, { perSecond: 0, perCommit: PER_COMMIT, seconds: WARM_SECONDS });
    const steady = await throwBalls(backbone, {
      perSecond: STEADY_PER_SECOND,
      perCommit: PER_COMMIT,
    });
    const full = await throwBalls(backbone, { perSecond: 0, perCommit: PER_COMMIT });
    const single = await throwBalls(backbone, { perSecond: 0, perCommit: 1 });
    report({ steady, full, single }, peer);
  } finally {
    await backbone.stop();
  }
}

interface Throw {
  /** Over all three services; 0: as fast as it goes. */
  readonly perSecond: number;
  readonly perCommit: number;
  readonly seconds?: number;
}

async function throwBalls(backbone: Backbone, options: Throw): Promise<Measured> {
  const seconds = options.seconds ?? SECONDS;
  const { perSecond, perCommit } = options;
  await Promise.all(RING.map((name) => caught(backbone, name, true)));
  const before = await countAll(backbone);
  const body = {
    seconds,
    commitsPerSecond: Math.round(perSecond / perCommit / RING.length),
    perCommit,
    keys: KEYS,
    waitingMax: Math.round(WAITING_MAX / RING.length),
    padBytes: PAD_BYTES,
  };
  const startedAtMs = performance.now();
  const runs = Promise.all(
    RING.map((name) => backbone.call(name, "POST", "/throws", body) as Promise<{ thrown: number }>),
  );
  await sleep(seconds * 1_000);
  const inTime = (await countAll(backbone)) - before;
  const elapsed = (performance.now() - startedAtMs) / 1_000;
  const thrown = (await runs).reduce((sum, one) => sum + one.thrown, 0);
  await everythingCaught(backbone, before + thrown);
  const all = await Promise.all(RING.map((name) => caught(backbone, name, true)));
  const latencies = all.flatMap((one) => one.latenciesMs).toSorted((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const measured = { perSecond: inTime / elapsed, p50: at(0.5), p99: at(0.99) };
  say(`${JSON.stringify(options)}: ${JSON.stringify(measured)}, ${thrown} thrown`);
  return measured;
}

/** Nothing may be lost, and nothing applied twice. */
async function everythingCaught(backbone: Backbone, wanted: number): Promise<void> {
  const endsAtMs = performance.now() + 60_000;
  for (;;) {
    const count = await countAll(backbone);
    if (count === wanted) return;
    if (count > wanted || performance.now() > endsAtMs) {
      throw new Error(`${wanted} events were thrown and ${count} effects are there.`);
    }
    await sleep(50);
  }
}

async function caught(backbone: Backbone, name: RingName, latencies: boolean) {
  const path = `/caught${latencies ? "?latencies=true" : ""}`;
  // The route's own schema.
  return (await backbone.call(name, "GET", path)) as { caught: number; latenciesMs: number[] };
}

async function countAll(backbone: Backbone): Promise<number> {
  const all = await Promise.all(RING.map((name) => caught(backbone, name, false)));
  return all.reduce((sum, one) => sum + one.caught, 0);
}

interface PeerMeasured {
  readonly full: Measured;
  readonly single: Measured;
  readonly steady: Measured;
}

/** Three processes, each with a database of its own, as ours. */
async function measurePeer({ installation }: Backbone): Promise<PeerMeasured> {
  const urls = await Promise.all(
    RING.map((name) => peerDatabase(installation, `peer_events_${name}`)),
  );
  const run = async (rate: string, perCommit: number): Promise<Measured> => {
    const parts = (await Promise.all(
      urls.map((url) => runPeer("graphile.mjs", [url, String(SECONDS), rate, String(perCommit)])),
    )) as (Measured & { produced: number; applied: number })[];
    const lost = parts.find(({ produced, applied }) => produced !== applied);
    if (lost !== undefined) throw new Error(`The peer lost jobs: ${JSON.stringify(lost)}`);
    const measured = {
      perSecond: parts.reduce((sum, one) => sum + one.perSecond, 0),
      p50: Math.max(...parts.map(({ p50 }) => p50)),
      p99: Math.max(...parts.map(({ p99 }) => p99)),
    };
    say(`graphile-worker, ${rate}, ${perCommit} a commit: ${JSON.stringify(measured)}`);
    return measured;
  };
  return {
    full: await run("max", PER_COMMIT),
    single: await run("max", 1),
    steady: await run(String(STEADY_PER_SECOND / PER_COMMIT / RING.length), PER_COMMIT),
  };
}

function report(
  ours: { steady: Measured; full: Measured; single: Measured },
  peer: PeerMeasured | null,
): void {
  const all =
    "1 KiB, three services, all with PostgreSQL (fsync on) and load on the same 2 cores; the peer without order, log, gateway and another service's database";
  const rate = { unit: "events/s", better: "higher", peer: "graphile-worker" } as const;
  const late = { unit: "ms", better: "lower", peer: "graphile-worker" } as const;
  print({
    ...rate,
    name: "events.throughput",
    value: ours.full.perSecond,
    peerValue: peer?.full.perSecond ?? null,
    conditions: `${PER_COMMIT} a commit, ${WAITING_MAX} unfinished at most, ${SECONDS} s, ${all}`,
  });
  print({
    ...rate,
    name: "events.onePerCommit",
    value: ours.single.perSecond,
    peerValue: peer?.single.perSecond ?? null,
    conditions: `1 a commit, ${WAITING_MAX} unfinished at most, ${SECONDS} s, ${all}`,
  });
  for (const quantile of ["p50", "p99"] as const) {
    print({
      ...late,
      name: `events.${quantile}`,
      value: ours.steady[quantile],
      peerValue: peer?.steady[quantile] ?? null,
      conditions: `${STEADY_PER_SECOND}/s, ${PER_COMMIT} a commit, from before the commit to after the effect's, ${SECONDS} s, ${all}`,
    });
  }
}
