/**
 * The processes of an installation, found by what they left on disk: it works while control is dead.
 * A pid is only used together with the moment its process began, so that no stranger is hit.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { identify, isAlive, readStatus } from "@tideway/supervisor";
import type { Identity } from "@tideway/supervisor";
import type { Client } from "pg";
import type { Installation } from "../system/harness.ts";

export interface Targets {
  /** Live instances of a service. */
  instances(service: string): Identity[];
  /** supervisor, control, gateway, bus or postgres; null while it does not run. */
  part(name: string): Identity | null;
  /** Server processes of PostgreSQL that serve somebody, the bus and services alike. */
  backends(): Promise<Identity[]>;
}

/** Only while it is still the process it was. Answers whether it was. */
export function signal(target: Identity, name: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, name);
    return true;
  } catch (error) {
    // It ended between the two calls.
    if (error instanceof Error && Reflect.get(error, "code") === "ESRCH") return false;
    throw error;
  }
}

export function targetsOf(tideway: Installation): Targets {
  const records = join(tideway.home, "run/instances");
  return {
    instances: (service) =>
      readdirSync(records)
        .filter((file) => file.endsWith(".json"))
        .flatMap((file) => identityOf(join(records, file), service)),
    part: (name) => {
      const status = readStatus(join(tideway.home, "run/supervisor.json"));
      if (name === "supervisor") return status !== null && isAlive(status) ? status : null;
      const running = status?.processes.find((one) => one.name === name)?.running ?? null;
      return running !== null && isAlive(running) ? running : null;
    },
    backends: async () => {
      const found = await ask(tideway, async (client) => {
        const sql = `select pid from pg_stat_activity
                     where backend_type = 'client backend' and pid <> pg_backend_pid()`;
        return (await client.query<{ pid: number }>(sql)).rows;
      }).catch(() => []);
      return found.flatMap(({ pid }) => identify(pid) ?? []);
    },
  };
}

function identityOf(file: string, service: string): Identity[] {
  try {
    // The engine writes it; the fields are those of its InstanceRecord.
    const record = JSON.parse(readFileSync(file, "utf8")) as {
      readonly revision: string;
      readonly pid: number | null;
      readonly startTime: string | null;
    };
    if (record.revision.replace(/-\d+$/, "") !== service) return [];
    const running = record.pid === null ? null : identify(record.pid);
    return running !== null && running.start === record.startTime ? [running] : [];
  } catch {
    // It was removed or replaced while we looked.
    return [];
  }
}

async function ask<T>(tideway: Installation, act: (client: Client) => Promise<T>): Promise<T> {
  const client = await tideway.database("postgres");
  client.on("error", () => {
    // The query under way rejects with the same error.
  });
  try {
    return await act(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
