/** How many instances each revision shall have now, and who wakes with whom. */
import type { RevisionState } from "@tideway/engine";
import type { GatewayState } from "@tideway/gateway";
import { calledServices, wantedInstances } from "@tideway/scaler";
import type { Observed } from "@tideway/scaler";
import type { Activity } from "./activity.ts";
import type { RevisionRow } from "./store/revisions.ts";
import type { Wanted } from "./wanted.ts";

export interface CountInput {
  readonly wanted: Wanted;
  readonly running: ReadonlyMap<string, RevisionState>;
  readonly activity: Activity;
  /** Null while it does not answer; nobody falls asleep then. */
  readonly gateway: GatewayState | null;
}

/** By revision. A service that wakes wakes what it calls, through any number of services. */
export function countInstances(input: CountInput): ReadonlyMap<string, number> {
  const { wanted, running, activity, gateway } = input;
  activity.observe(gateway, wanted.revisions.keys());
  const counts = new Map<string, number>();
  for (const row of wanted.revisions.values()) counts.set(row.revision, countOf(input, row));
  const rows = [...wanted.revisions.values()];
  const waking = rows.filter(
    ({ revision }) => (counts.get(revision) ?? 0) > 0 && !isReady(running.get(revision)),
  );
  const calls = new Map(rows.map((row) => [row.service, callsOf(rows, row.service)]));
  const called = calledServices(
    calls,
    waking.map(({ service }) => service),
  );
  for (const row of rows) {
    if (!called.has(row.service) || counts.get(row.revision) !== 0) continue;
    activity.touch(row.revision);
    counts.set(row.revision, countOf(input, row));
  }
  return counts;
}

function countOf(input: CountInput, row: RevisionRow): number {
  const { wanted } = input;
  const { scaling } = row.manifest;
  return wantedInstances({
    manifest: row.manifest,
    // A rollout asks for one instance at least, also before the first request.
    bounds: { min: wanted.inRollout.has(row.service) ? 1 : 0, max: scaling.instancesMax },
    observed: observe(row, input),
  });
}

function observe(row: RevisionRow, input: CountInput): Observed {
  const { wanted, activity, gateway, running } = input;
  const service = wanted.services.find((one) => one.service === row.service);
  const candidateWeight = service?.candidate === row.revision ? service.weight : 0;
  const stableWeight = service?.stable === row.revision ? 100 - (service.weight ?? 0) : 0;
  const measured = gateway?.services.find((one) => one.service === row.service);
  const counters = measured?.revisions.find((one) => one.revision === row.revision);
  // While the gateway is away at the start, what runs goes on and what sleeps is left alone.
  const hasInstances = (running.get(row.revision)?.instances.length ?? 0) > 0;
  return {
    weight: candidateWeight + stableWeight,
    inFlight: counters?.inFlight ?? 0,
    queued: measured?.queued ?? 0,
    idleMs: activity.idleMs(row.revision) ?? (hasInstances ? 0 : Infinity),
  };
}

/** Of every revision of the service: the candidate may call others than the stable one. */
function callsOf(rows: readonly RevisionRow[], service: string): string[] {
  return rows.filter((row) => row.service === service).flatMap((row) => row.manifest.calls);
}

function isReady(state: RevisionState | undefined): boolean {
  return (state?.instances ?? []).some(({ status }) => status === "ready");
}
