/** The platform's own parts, as control sees them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GatewayState } from "@tideway/gateway";
import type { Pool } from "@tideway/store";

export interface PartView {
  part: string;
  state: "up" | "down" | "starting";
  pid: number | null;
  detail: string;
}

export async function showParts(context: {
  readonly home: string;
  readonly gateway: GatewayState | null;
  readonly pool: Pool;
}): Promise<PartView[]> {
  const { gateway } = context;
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
  ];
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
