/**
 * Puts faulty proxies between an installation's parts. Services and the bus learn the address of
 * PostgreSQL from files below secrets/database when they start, so the files are rewritten to a
 * proxy's socket and whoever had read them is killed: control, which hands the addresses on, and
 * then the instances. The bus learns the gateway's address from the supervisor, whose options are
 * rewritten while it is dead; the next one adopts everything but the bus.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { homeOf } from "../../platform/cli/src/home.ts";
import { optionsFileOf, startSupervisor } from "../../platform/cli/src/supervisor-client.ts";
import { readStatus } from "@tideway/supervisor";
import type { SupervisorOptions } from "@tideway/supervisor";
import type { Installation } from "../system/harness.ts";
import { startDeliveryShim } from "./delivery-shim.ts";
import type { DeliveryShim } from "./delivery-shim.ts";
import { startFaultyProxy } from "./faulty-proxy.ts";
import type { FaultyProxy } from "./faulty-proxy.ts";
import { signal } from "./targets.ts";
import type { Targets } from "./targets.ts";

export interface Routes {
  /** In front of PostgreSQL, by who connects through it: a service's name, or bus. */
  readonly databases: ReadonlyMap<string, FaultyProxy>;
  /** Between the bus and the gateway; null where there is no bus. */
  readonly deliveries: DeliveryShim | null;
  heal(): void;
  close(): Promise<void>;
}

export interface RoutesOptions {
  readonly tideway: Installation;
  readonly targets: Targets;
  /** A folder of our own with a short path, for sockets. */
  readonly folder: string;
  readonly random: () => number;
}

const READY_MS_MAX = 60_000;

export async function placeProxies(options: RoutesOptions): Promise<Routes> {
  const { tideway, targets } = options;
  const databases = new Map<string, FaultyProxy>();
  const secrets = join(tideway.home, "secrets/database");
  const services = readdirSync(secrets).flatMap((file) =>
    file.endsWith(".url") ? [file.slice(0, -".url".length)] : [],
  );
  for (const service of services) {
    const proxy = await databaseProxy(options, service);
    databases.set(service, proxy);
    const file = join(secrets, `${service}.url`);
    writeFileSync(file, throughProxy(options, service, readFileSync(file, "utf8")), SECRET);
  }
  await restart(targets, "control");
  await until(
    () =>
      fetch(`${tideway.operatorsUrl}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    {
      deadlineMs: READY_MS_MAX,
      what: "control answers again",
    },
  );
  for (const service of services) {
    for (const instance of targets.instances(service)) signal(instance, "SIGKILL");
  }
  for (const [service, proxy] of databases) {
    await until(() => proxy.counts().connections > 0, {
      deadlineMs: READY_MS_MAX,
      what: `${service} connects through its proxy`,
    });
  }
  const deliveries = await rerouteBus(options, databases);
  return {
    databases,
    deliveries,
    heal: () => {
      for (const proxy of databases.values()) proxy.heal();
      deliveries?.heal();
    },
    close: async () => {
      for (const proxy of databases.values()) await proxy.close();
      await deliveries?.close();
    },
  };
}

const SECRET = { mode: 0o600 };

function databaseProxy({ tideway, folder, random }: RoutesOptions, name: string) {
  mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  return startFaultyProxy({
    listen: { path: join(folder, name, ".s.PGSQL.5432") },
    target: { path: join(tideway.home, "run/pg/.s.PGSQL.5432") },
    protocol: "postgres",
    random,
  });
}

function throughProxy({ folder }: RoutesOptions, name: string, url: string): string {
  const changed = new URL(url.trim());
  // The socket's folder may stand in the place of the host.
  changed.hostname = "localhost";
  changed.searchParams.set("host", join(folder, name));
  return changed.href;
}

/** Its database and its way to the gateway; null where the installation has no bus. */
async function rerouteBus(
  options: RoutesOptions,
  databases: Map<string, FaultyProxy>,
): Promise<DeliveryShim | null> {
  const { tideway, targets } = options;
  const file = join(tideway.home, "secrets/database/bus.json");
  if (!existsSync(file)) return null;
  databases.set("bus", await databaseProxy(options, "bus"));
  // Control writes it: addresses by name.
  const urls = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  for (const [name, url] of Object.entries(urls)) urls[name] = throughProxy(options, "bus", url);
  writeFileSync(file, JSON.stringify(urls), SECRET);
  const gateway = `http://127.0.0.1:${tideway.port + 2}`;
  const shim = await startDeliveryShim({ gateway, random: options.random });
  const home = homeOf({ checkout: tideway.home, env: {}, homeFolder: tideway.home });
  const supervisor = readStatus(join(home.run, "supervisor.json"));
  if (supervisor !== null) signal(supervisor, "SIGKILL");
  // Written by `tideway up` in this shape.
  const kept = JSON.parse(readFileSync(optionsFileOf(home), "utf8")) as SupervisorOptions;
  const processes = kept.processes.map((one) =>
    one.name === "bus"
      ? {
          ...one,
          env: { ...one.env, TIDEWAY_INTERNAL_URL: shim.url },
          fingerprint: `${one.fingerprint} through a shim`,
        }
      : one,
  );
  writeFileSync(optionsFileOf(home), JSON.stringify({ ...kept, processes }), SECRET);
  await startSupervisor(home);
  await until(() => targets.part("bus") !== null, {
    deadlineMs: READY_MS_MAX,
    what: "the bus runs again",
  });
  return shim;
}

/** Kills a part with -9 and waits until the supervisor has started it again. */
async function restart(targets: Targets, name: string): Promise<void> {
  const before = targets.part(name);
  if (before === null) throw new Error(`${name} does not run.`);
  signal(before, "SIGKILL");
  await until(
    () => {
      const now = targets.part(name);
      return now !== null && now.pid !== before.pid;
    },
    { deadlineMs: READY_MS_MAX, what: `${name} runs again` },
  );
}
