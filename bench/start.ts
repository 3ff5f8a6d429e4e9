/**
 * `start.ready`: from `tideway up` to everything answering, installed and built, on yesterday's
 * data. `start.idleMemory`: proportional set size of every process of it, ten seconds later.
 */
import { sleep } from "@tideway/kernel";
import { install } from "../test/system/harness.ts";
import { print, say } from "./figure.ts";
import { pssBytes, withDescendants } from "./processes.ts";

const RUNS = 3;
const IDLE_MS = 10_000;
const MEGABYTE = 1_000_000;

export async function startBench(): Promise<void> {
  say("A first start makes the databases and builds the apps; it is not measured.");
  const installation = await install({});
  const { tideway, port } = installation;
  try {
    const readySeconds: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const down = await tideway(["down"]);
      if (down.code !== 0) throw new Error(down.stderr);
      const startedAtMs = performance.now();
      const up = await tideway(["up", "--detach", "--port", String(port)]);
      if (up.code !== 0) throw new Error(up.stderr);
      readySeconds.push((performance.now() - startedAtMs) / 1_000);
      say(up.stderr.trimEnd());
    }
    const conditions = `identity, ledger, payments, wallet, console; best of ${RUNS} second starts`;
    print({
      name: "start.ready",
      value: Math.min(...readySeconds),
      unit: "s",
      better: "lower",
      peer: null,
      peerValue: null,
      conditions,
    });
    await sleep(IDLE_MS);
    const pids = await allPids(tideway);
    const memory = pids.reduce((sum, pid) => sum + pssBytes(pid), 0);
    print({
      name: "start.idleMemory",
      value: memory / MEGABYTE,
      unit: "MB",
      better: "lower",
      peer: null,
      peerValue: null,
      conditions: `proportional set size of ${pids.length} processes, idle for 10 s`,
    });
  } finally {
    await installation.stop();
  }
}

interface ServiceView {
  readonly lanes: readonly { readonly instances: readonly { readonly pid: number | null }[] }[];
}

/** The platform's processes, all instances, and whatever they started. */
async function allPids(
  tideway: (args: readonly string[]) => Promise<{ stdout: string }>,
): Promise<number[]> {
  // Both commands document these shapes.
  const status = JSON.parse((await tideway(["status", "--json"])).stdout) as {
    processes: { pid: number | null }[];
  };
  const services = JSON.parse(
    (await tideway(["get", "services", "--json"])).stdout,
  ) as ServiceView[];
  const instances = services.flatMap(({ lanes }) => lanes.flatMap((lane) => lane.instances));
  const roots = [...status.processes, ...instances].flatMap(({ pid }) => pid ?? []);
  return withDescendants(roots);
}
