/**
 * Sagas of three steps over three services, from the start to the committed end: `sagas.throughput`
 * with a bounded number under way, `sagas.p99` at 50 a second. Beside DBOS doing the same steps against
 * three plain HTTP services on the same server, without a gateway between.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { RING } from "../test/fixtures/ring/ring-api.ts";
import type { RingName } from "../test/fixtures/ring/ring-api.ts";
import { peerDatabase, peersInstalled, runPeer, startBackbone } from "./backbone.ts";
import type { Backbone } from "./backbone.ts";
import { print, say } from "./figure.ts";

const WARM_SECONDS = 5;
const SECONDS = 20;
const STEADY_PER_SECOND = 50;
const UNDER_WAY = 32;
const PARTICIPANT_PORTS = [19_411, 19_412, 19_413];

interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export async function sagasBench(): Promise<void> {
  const backbone = await startBackbone();
  try {
    const peer = (await peersInstalled()) ? await measurePeer(backbone) : null;
    // One service begins them all, as the peer's one process does.
    const [initiator] = RING;
    await runSagas(backbone, initiator, 0, WARM_SECONDS);
    const steady = await runSagas(backbone, initiator, STEADY_PER_SECOND, SECONDS);
    const full = await runSagas(backbone, initiator, 0, SECONDS);
    report({ steady, full }, peer);
  } finally {
    await backbone.stop();
  }
}

async function runSagas(
  backbone: Backbone,
  initiator: RingName,
  perSecond: number,
  seconds: number,
): Promise<Measured> {
  const body = { seconds, perSecond, underWayMax: perSecond === 0 ? UNDER_WAY : 1_000 };
  // The route's own schema.
  const run = (await backbone.call(initiator, "POST", "/runs", body)) as {
    finished: number;
    failed: number;
    perSecond: number;
    latenciesMs: number[];
  };
  if (run.failed > 0) throw new Error(`${run.failed} sagas did not complete.`);
  const sorted = run.latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const measured = { perSecond: run.perSecond, p50: at(0.5), p99: at(0.99) };
  say(`${perSecond || "as many as go"} a second: ${JSON.stringify(measured)}`);
  return measured;
}

async function measurePeer({ installation }: Backbone): Promise<{
  readonly full: Measured;
  readonly steady: Measured;
}> {
  const participants: ChildProcess[] = [];
  try {
    for (const port of PARTICIPANT_PORTS) {
      const url = await peerDatabase(installation, `peer_step_${port}`);
      const script = join(import.meta.dirname, "peers/participant.mjs");
      const child = spawn(process.execPath, [script, String(port), url], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      participants.push(child);
      await once(child.stdout, "data");
    }
    const url = await peerDatabase(installation, "peer_sagas");
    const run = async (rate: string): Promise<Measured> => {
      const args = [url, String(SECONDS), rate, PARTICIPANT_PORTS.join(",")];
      // What the script prints.
      const measured = (await runPeer("dbos.mjs", args)) as Measured;
      say(`DBOS, ${rate}: ${JSON.stringify(measured)}`);
      return measured;
    };
    return { full: await run("max"), steady: await run(String(STEADY_PER_SECOND)) };
  } finally {
    for (const child of participants) child.kill("SIGTERM");
  }
}

function report(
  ours: { full: Measured; steady: Measured },
  peer: { full: Measured; steady: Measured } | null,
): void {
  const all = `three steps over three services, PostgreSQL (fsync on) and load on the same 2 cores; ours through the gateway, the peer without one`;
  print({
    name: "sagas.throughput",
    value: ours.full.perSecond,
    unit: "sagas/s",
    better: "higher",
    peer: "@dbos-inc/dbos-sdk",
    peerValue: peer?.full.perSecond ?? null,
    conditions: `${UNDER_WAY} under way, ${SECONDS} s, ${all}`,
  });
  for (const quantile of ["p50", "p99"] as const) {
    print({
      name: `sagas.${quantile}`,
      value: ours.steady[quantile],
      unit: "ms",
      better: "lower",
      peer: "@dbos-inc/dbos-sdk",
      peerValue: peer?.steady[quantile] ?? null,
      conditions: `${STEADY_PER_SECOND}/s, ${SECONDS} s, ${all}`,
    });
  }
}
