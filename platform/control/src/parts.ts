/** The platform's own parts, as control sees them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GatewayState } from "@tideway/gateway";
import type { Pool } from "@tideway/store";
import type { BusHealth } from "./bus/bus-admin.ts";

export interface PartView {
  part: string;
  state: "up" | "down" | "starting";
  pid: number | null;
  detail: string;
}

export async function showParts(context: {
  readonly home: string;
  readonly gateway: GatewayState | null;
  readonly bus: BusHealth | null;
  readonly pool: Pool;
}): Promise<PartView[]> {
  const { gateway, bus } = context;
  const postgres = await context.pool
    .query<{ version: string }>("select current_setting('server_version') as version")
    .then((found) => found.rows[0]?.version ?? null)
    .catch(() => null);
  const supervisor = await supervisorPid(context.home);
  return [
    {
      part: "supervisor",
      state: supervisor === null ? "down" : "up",
      pid: supervisor,
      detail: supervisor === null ? "Nobody restarts control and gateway." : "Watches the others.",
    },
    {
      part: "postgresql",
      state: postgres === null ? "down" : "up",
      pid: null,
      detail: postgres === null ? "It does not answer." : `Version ${postgres}.`,
    },
    { part: "control", state: "up", pid: process.pid, detail: "Answers you." },
    {
      part: "gateway",
      state: gateway === null ? "down" : "up",
      pid: null,
      detail: gateway === null ? "It does not answer." : `Configuration ${gateway.epoch}.`,
    },
    { part: "bus", pid: null, ...busState(bus) },
  ];
}

function busState(bus: BusHealth | null): Pick<PartView, "state" | "detail"> {
  if (bus === null) return { state: "down", detail: "It does not answer; events wait." };
  if (bus.status !== "ok") return { state: "starting", detail: "It waits for its configuration." };
  return { state: "up", detail: `Configuration ${bus.epoch}.` };
}

/** The supervisor's pid if such a process lives. */
async function supervisorPid(home: string): Promise<number | null> {
  try {
    const text = await readFile(join(home, "run", "supervisor.json"), "utf8");
    const pid: unknown = Reflect.get(Object(JSON.parse(text)), "pid");
    if (typeof pid !== "number") return null;
    process.kill(pid, 0);
    return pid;
  } catch {
    return null;
  }
}
