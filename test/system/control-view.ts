/** What a test of control sees of the installation: control's word, the gateway's file, the processes. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ADMIN_BASE_PATH, adminApi } from "@tideway/api-admin";
import type { Rollout } from "@tideway/api-admin";
import { createClient } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import { until } from "@tideway/kernel";
import type { Installation } from "./harness.ts";

export type Admin = ClientOf<typeof adminApi>;

export interface View {
  readonly admin: Admin;
  /** The latest rollout; asks again while control is being restarted. */
  rollout(service: string): Promise<Rollout>;
  /** Waits until the latest rollout satisfies `test`, 60 s at most. */
  reach(service: string, what: string, test: (rollout: Rollout) => boolean): Promise<Rollout>;
  /** Waits until gateway and processes are what the database says, and nothing else. */
  settled(service: string, wanted: Wanted): Promise<Settled>;
}

export interface Wanted {
  readonly stable: string;
  readonly candidate?: string;
  /** Percent; 0 without a candidate. */
  readonly weight?: number;
}

export interface Settled {
  /** Pids of the instances, by revision. */
  readonly pids: Readonly<Record<string, number>>;
}

const WAIT_MS_MAX = 60_000;

export function viewOf(tideway: Installation): View {
  const token = readFileSync(join(tideway.home, "secrets/operator.token"), "utf8").trim();
  const baseUrl = tideway.operatorsUrl + ADMIN_BASE_PATH;
  const admin = createClient(adminApi, { baseUrl, token: () => token });
  const rollout = (service: string): Promise<Rollout> =>
    until(() => admin.latestRollout({ params: { service } }).catch(() => undefined), {
      deadlineMs: WAIT_MS_MAX,
      intervalMs: 100,
      what: "control answers",
    });
  return {
    admin,
    rollout,
    reach: async (service, what, test) => {
      let last: Rollout | null = null;
      const look = async () => {
        last = await rollout(service);
        return test(last) && last;
      };
      return until(look, { deadlineMs: WAIT_MS_MAX, intervalMs: 100, what }).catch(
        (cause: unknown) => {
          throw new Error(`${what}: ${JSON.stringify(last, null, 2)}`, { cause });
        },
      );
    },
    settled: (service, wanted) => settled(tideway, service, wanted),
  };
}

async function settled(
  tideway: Installation,
  service: string,
  { stable, candidate, weight = 0 }: Wanted,
): Promise<Settled> {
  const expected = JSON.stringify({ stable, candidate: candidate ?? null, weight });
  const revisions = [stable, ...(candidate === undefined ? [] : [candidate])].sort();
  let seen = "";
  const look = () => {
    const { split, endpoints } = configured(tideway.home, service);
    const records = instances(tideway.home, service);
    const running = [...new Set(records.map(({ revision }) => revision))].sort();
    seen = JSON.stringify({ split, endpoints, records });
    const isWhole =
      JSON.stringify(split) === expected &&
      JSON.stringify(running) === JSON.stringify(revisions) &&
      JSON.stringify(Object.keys(endpoints).sort()) === JSON.stringify(revisions) &&
      records.every((one) => one.pid !== null && endpoints[one.revision] === 1);
    if (!isWhole || records.length !== revisions.length) return false;
    return { pids: Object.fromEntries(records.map((one) => [one.revision, one.pid ?? 0])) };
  };
  const what = `the world is ${expected}`;
  return until(look, { deadlineMs: WAIT_MS_MAX, intervalMs: 100, what }).catch((cause: unknown) => {
    throw new Error(`${what}; it is ${seen}`, { cause });
  });
}

/** What the gateway has on its disk: it serves that, also after a restart. */
function configured(home: string, service: string) {
  // The gateway's own file; docs/explain/parts.md.
  const config = JSON.parse(readFileSync(join(home, "gateway/config.json"), "utf8")) as {
    services: {
      name: string;
      split: { stable: string; candidate: string | null; weight: number };
      revisions: { id: string; endpoints: unknown[] }[];
    }[];
  };
  const own = config.services.find(({ name }) => name === service);
  if (own === undefined) throw new Error(`The gateway does not know ${service}.`);
  const { stable, candidate, weight } = own.split;
  const endpoints = Object.fromEntries(own.revisions.map((one) => [one.id, one.endpoints.length]));
  return { split: { stable, candidate, weight }, endpoints };
}

/** The engine's records of what runs. */
function instances(home: string, service: string): { revision: string; pid: number | null }[] {
  const folder = join(home, "run/instances");
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.flatMap((name) => {
    try {
      // The engine's own file.
      const record = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
        revision: string;
        pid: number | null;
      };
      return record.revision.replace(/-\d+$/, "") === service ? [record] : [];
    } catch (error) {
      // It ended between the two looks.
      if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return [];
      throw error;
    }
  });
}
