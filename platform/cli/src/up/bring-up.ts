/** The steps of `tideway up`, each with a tick and its time. */
import type { ProcessOptions } from "@tideway/supervisor";
import { buildApps } from "../apps/build-apps.ts";
import type { BuiltApp } from "../apps/build-apps.ts";
import type { DeployMissing, SignIn } from "../deploy-missing.ts";
import { CHECKS, examine } from "../doctor/examine.ts";
import { cliErrors } from "../errors.ts";
import { prepareHome } from "../home.ts";
import type { Home } from "../home.ts";
import type { Output } from "../output.ts";
import { databaseUser } from "../postgres/database-user.ts";
import { preparePostgres } from "../postgres/prepare.ts";
import { superuserUrl } from "../postgres/start-options.ts";
import { readSupervisor, startSupervisor, writeSupervisorOptions } from "../supervisor-client.ts";
import { platformProcesses } from "./processes.ts";
import type { EntryPoints } from "./processes.ts";
import { checkProfile, settleProfile } from "./profile.ts";
import { healthUrlOf } from "./up-options.ts";
import type { UpOptions } from "./up-options.ts";
import * as ready from "./wait-ready.ts";

export interface BringUpOptions {
  readonly home: Home;
  readonly checkout: string;
  readonly env: NodeJS.ProcessEnv;
  readonly up: UpOptions;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly entryPoints: EntryPoints;
  readonly deployMissing: DeployMissing;
  readonly readyDeadlineMs: number;
  /** Called as soon as there is something that would have to be stopped again. */
  readonly onStarted: () => void;
}

export interface BroughtUp {
  readonly apps: readonly BuiltApp[];
  readonly signIns: readonly SignIn[];
}

/**
 * Checks, prepares, builds, starts and waits until everything answers. Throws coded errors; what
 * was started by then still runs and is the caller's to stop.
 */
export async function bringUp(options: BringUpOptions): Promise<BroughtUp> {
  const { home, env, up, output, signal } = options;
  const { alive, status } = readSupervisor(home);
  if (alive) throw cliErrors.error("ALREADY_RUNNING", { given: { pid: status?.pid ?? 0 } });
  checkProfile(home, { ...up, env });
  await output.step("machine and home checked", () => check(options));
  signal.throwIfAborted();
  const postgres = await output.step("PostgreSQL prepared", () => prepare(options));
  signal.throwIfAborted();
  const apps = await buildApps(home, options);
  signal.throwIfAborted();
  const postgresUrl = up.postgresUrl ?? superuserUrl(home);
  const processes = platformProcesses(home, { ...options, postgresUrl });
  writeSupervisorOptions(home, {
    runFolder: home.run,
    processes: postgres === null ? processes : [postgres, ...processes],
  });
  await output.step("supervisor started", () => startSupervisor(home));
  options.onStarted();
  await waitForAll(options);
  const signIns: SignIn[] = [];
  const announceSignIn = (signIn: SignIn): void => void signIns.push(signIn);
  // Events wait in their outboxes until the bus is there, so nothing else has to wait for it.
  const released = options.deployMissing({ ...options, apps, announceSignIn });
  await allOrFirstFailure([released, waitForBus(options)]);
  signal.throwIfAborted();
  return { apps, signIns };
}

/** The first of doctor's findings that `up` cannot live with is thrown, the others are told. */
async function check({ output, ...context }: BringUpOptions): Promise<void> {
  const blocking = CHECKS.filter((one) => one.blocking);
  const findings = (await examine(context, blocking)).flatMap((examined) => examined.findings);
  const [first, ...others] = findings;
  for (const { error } of others) output.failure(error);
  if (first !== undefined) throw first.error;
}

async function prepare({ home, env, up }: BringUpOptions): Promise<ProcessOptions | null> {
  if (up.postgresUrl !== null) {
    prepareHome(home, null);
    settleProfile(home, { ...up, env });
    await ready.checkPostgresUrl(up.postgresUrl);
    return null;
  }
  const user = databaseUser();
  prepareHome(home, user);
  settleProfile(home, { ...up, env });
  return preparePostgres(home, { user, env, unsafe: up.unsafe });
}

/** Ends with the first failure, when all have ended: what is still told would come after the end. */
async function allOrFirstFailure(works: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}

async function waitForBus({ home, output, signal, readyDeadlineMs }: BringUpOptions) {
  await output.step("bus answers", () =>
    ready.waitForBus(home, { deadlineMs: readyDeadlineMs, signal }),
  );
}

async function waitForAll(options: BringUpOptions): Promise<void> {
  const { home, env, up, output, signal, readyDeadlineMs: deadlineMs } = options;
  const { operators, public: open } = up.listeners;
  if (up.postgresUrl === null)
    await output.step("PostgreSQL takes connections", () =>
      ready.waitForPostgres(home, { deadlineMs: ready.POSTGRES_DEADLINE_MS, signal }),
    );
  for (const [name, listener] of [
    ["control", operators],
    ["gateway", open],
  ] as const) {
    const url = healthUrlOf(listener, env);
    await output.step(`${name} answers`, () =>
      ready.waitForHealth(home, { name, url, deadlineMs, signal }),
    );
  }
}
