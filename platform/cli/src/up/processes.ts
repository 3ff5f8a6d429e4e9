import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ProcessOptions } from "@tideway/supervisor";
import type { Home } from "../home.ts";
import type { Listener, UpOptions } from "./up-options.ts";

/**
 * Control drains its instances for up to 20 s, the gateway what is in flight for up to 10 s; the bus
 * awaits the answers of its deliveries.
 */
const CONTROL_GRACE_MS = 30_000;
const GATEWAY_GRACE_MS = 15_000;
const BUS_GRACE_MS = 15_000;

/** Variables of the operator's shell that a process may need; everything else stays behind. */
const KEPT =
  /^(TIDEWAY_.*|PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/;

/** The TypeScript files that are control, gateway and bus. */
export interface EntryPoints {
  readonly control: string;
  readonly gateway: string;
  readonly bus: string;
}

export function entryPointsOf(checkout: string): EntryPoints {
  return {
    control: join(checkout, "platform/control/src/main.ts"),
    gateway: join(checkout, "platform/gateway/src/main.ts"),
    bus: join(checkout, "platform/bus/src/main.ts"),
  };
}

export interface ProcessesOptions {
  readonly up: UpOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly entryPoints: EntryPoints;
  /** With the superuser's password. */
  readonly postgresUrl: string;
  readonly checkout: string;
}

/** Control, gateway and bus, in the order in which they start; they end in the reverse one. */
export function platformProcesses(home: Home, options: ProcessesOptions): ProcessOptions[] {
  const { up, entryPoints, postgresUrl, checkout } = options;
  const { public: open, operators, internal } = up.listeners;
  const common = {
    ...keptVariables(options.env),
    TIDEWAY_HOME: home.folder,
    TIDEWAY_PROFILE: up.profile,
    TIDEWAY_PUBLIC_URL: open.url,
    TIDEWAY_INTERNAL_URL: internal.url,
    TIDEWAY_OPERATORS_URL: operators.url,
  };
  // The gateway has no business with the database, so it does not learn the address.
  const withoutDatabase = { ...common, TIDEWAY_POSTGRES_URL: "" };
  return [
    nodeProcess(home, {
      name: "control",
      entry: entryPoints.control,
      env: { ...common, TIDEWAY_POSTGRES_URL: postgresUrl, TIDEWAY_OPERATORS_LISTEN: "fd:3" },
      listen: [operators],
      stopGraceMs: CONTROL_GRACE_MS,
      cwd: checkout,
    }),
    nodeProcess(home, {
      name: "gateway",
      entry: entryPoints.gateway,
      env: {
        ...withoutDatabase,
        TIDEWAY_PUBLIC_LISTEN: "fd:3",
        TIDEWAY_INTERNAL_LISTEN: "fd:4",
      },
      listen: [open, internal],
      stopGraceMs: GATEWAY_GRACE_MS,
      cwd: checkout,
    }),
    nodeProcess(home, {
      name: "bus",
      entry: entryPoints.bus,
      env: { ...busVariables(common), ...(up.unsafe ? { TIDEWAY_UNSAFE: "1" } : {}) },
      listen: [],
      stopGraceMs: BUS_GRACE_MS,
      cwd: checkout,
    }),
  ];
}

/** What control knows of the installation's secrets is not the bus's business: it has its own file. */
const FOR_THE_BUS: ReadonlySet<string> = new Set(
  [
    "HOME",
    "INTERNAL_URL",
    "PROFILE",
    "NATS_URL",
    "NATS_REPLICAS",
    "NATS_SEPARATE_POWER",
    "NATS_MONITOR_URL",
    "LOG_LEVEL",
  ].map((name) => `TIDEWAY_${name}`),
);

function busVariables(common: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(common).filter(
    ([name]) => !name.startsWith("TIDEWAY_") || FOR_THE_BUS.has(name),
  );
  return Object.fromEntries(entries);
}

interface NodeProcess {
  readonly name: string;
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly listen: readonly Listener[];
  readonly stopGraceMs: number;
  readonly cwd: string;
}

function nodeProcess(
  home: Home,
  { name, entry, env, listen, ...rest }: NodeProcess,
): ProcessOptions {
  const own = Object.keys(env).filter((key) => key.startsWith("TIDEWAY_"));
  const addresses = listen.map(({ host, port }) => ({ host, port }));
  // PATH and the like differ from shell to shell and are no reason to replace what runs.
  const told = JSON.stringify([
    process.execPath,
    entry,
    own.sort().map((key) => [key, env[key]]),
    addresses,
  ]);
  return {
    name,
    command: process.execPath,
    args: [entry],
    env,
    listen: addresses,
    logFile: join(home.logs, `${name}.log`),
    stopSignal: "SIGTERM",
    fingerprint: createHash("sha256").update(told).digest("hex").slice(0, 16),
    ...rest,
  };
}

function keptVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (KEPT.test(name) && value !== undefined) kept[name] = value;
  return kept;
}
