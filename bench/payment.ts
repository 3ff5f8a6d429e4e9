/**
 * Payments from person to person through the gateway, payments, identity and the ledger:
 * `payment.throughput` with 16 under way all the time, `payment.p99` at a steady 20 a second.
 */
import { signInPeople } from "../platform/cli/src/demo/people.ts";
import type { DemoPerson } from "../platform/cli/src/demo/people.ts";
import { quantileMs, runTraffic } from "../platform/cli/src/demo/traffic.ts";
import { install } from "../test/system/harness.ts";
import { print, say } from "./figure.ts";

const PEOPLE = 200;
const SECONDS = 20;
const STEADY_PER_SECOND = 20;
const UNDER_WAY = 16;
/** More than any machine does, so that the bound in flight is what limits. */
const OVER_PER_SECOND = 2_000;

export async function paymentBench(): Promise<void> {
  const installation = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  const { publicUrl } = installation;
  const signal = new AbortController().signal;
  try {
    const people = await signInPeople({ publicUrl, count: PEOPLE, signal, concurrency: 8 });
    say(`${PEOPLE} people have money.`);
    await measure(publicUrl, people, signal);
  } finally {
    await installation.stop();
  }
}

async function measure(
  publicUrl: string,
  people: readonly DemoPerson[],
  signal: AbortSignal,
): Promise<void> {
  const run = (perSecond: number, seconds: number, inFlightMax: number) =>
    runTraffic({ publicUrl, people, perSecond, seconds, signal, inFlightMax });
  await run(STEADY_PER_SECOND, 5, 100);
  const steady = await run(STEADY_PER_SECOND, SECONDS, 100);
  const startedAtMs = performance.now();
  const full = await run(OVER_PER_SECOND, SECONDS, UNDER_WAY);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const failed = steady.failures.length + full.failures.length;
  if (failed > 0) throw new Error(`${failed} payments failed: ${JSON.stringify(full.failures[0])}`);
  const all = "load generator, PostgreSQL (fsync on) and five processes on the same 2 cores";
  print({
    name: "payment.throughput",
    value: full.acknowledged.length / seconds,
    unit: "payments/s",
    better: "higher",
    peer: null,
    peerValue: null,
    conditions: `${UNDER_WAY} under way, ${SECONDS} s, ${all}`,
  });
  print({
    name: "payment.p99",
    value: quantileMs(steady.latenciesMs, 0.99) ?? 0,
    unit: "ms",
    better: "lower",
    peer: null,
    peerValue: null,
    conditions: `open loop, ${STEADY_PER_SECOND}/s for ${SECONDS} s, ${all}`,
  });
}
