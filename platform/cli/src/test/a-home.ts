/** For tests: homes that really start, with small processes in the place of control, gateway and bus. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { until } from "@tideway/kernel";
import { isAlive } from "@tideway/supervisor";
import type { Command } from "../command.ts";
import type { ExitCode } from "../exit-codes.ts";
import { homeOf, prepareHome } from "../home.ts";
import type { Home } from "../home.ts";
import { databaseUser } from "../postgres/database-user.ts";
import { preparePostgres } from "../postgres/prepare.ts";
import { runCommandLine } from "../run.ts";
import { stopAll } from "../stop-all.ts";
import { readSupervisor, runningProcesses } from "../supervisor-client.ts";
import type { EntryPoints } from "../up/processes.ts";

/** This very checkout. */
export const repository = resolve(import.meta.dirname, "../../../..");
/** Stands for a checkout that has no apps, since building them takes seconds. */
const WITHOUT_APPS = import.meta.dirname;

const answering = fileURLToPath(
  new URL("test/answering.ts", import.meta.resolve("@tideway/supervisor")),
);
const bus = join(import.meta.dirname, "answering-bus.ts");
export const fixtures: EntryPoints = { control: answering, gateway: answering, bus };

/** A new home below /tmp, where the database's own user can get at it. */
export function aHome(): Home {
  const folder = fs.mkdtempSync("/tmp/tideway-home-");
  fs.chmodSync(folder, 0o755);
  return homeOf({ checkout: repository, env: {}, homeFolder: join(folder, "home") });
}

/** One with a cluster that was never started: initdb takes its time on a busy disk. */
export function aPreparedHome(template: Home): Home {
  if (!fs.existsSync(template.folder)) {
    const user = databaseUser();
    prepareHome(template, user);
    preparePostgres(template, { user, env: {}, unsafe: false });
  }
  const home = aHome();
  // Owners must stay as they are, which node's own copying does not do.
  execFileSync("cp", ["-a", template.folder, home.folder]);
  return home;
}

/** Ends what runs from it and removes it. */
export async function removeHome(home: Home): Promise<void> {
  const { alive, status } = readSupervisor(home);
  if (alive && status !== null) {
    process.kill(status.pid, "SIGKILL");
    await until(() => !isAlive(status), { deadlineMs: 5_000, what: "the supervisor ended" });
  }
  for (const { name, pid } of runningProcesses(status))
    if (name !== "postgres") process.kill(pid, "SIGKILL");
  await stopAll(home);
  fs.rmSync(resolve(home.folder, ".."), { recursive: true, force: true });
}

/** The first of three ports in a row that are free. */
export async function freePorts(): Promise<number> {
  return await until(
    async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      const first = typeof address === "object" && address !== null ? address.port : 0;
      const next = [1, 2].map((offset) => createServer().listen(first + offset, "127.0.0.1"));
      const heard = next.map((one) =>
        once(one, "listening").then(
          () => true,
          () => false,
        ),
      );
      const all = await Promise.all(heard);
      for (const one of [server, ...next]) if (one.listening) one.close();
      return all.every(Boolean) && first < 65_000 ? first : undefined;
    },
    { deadlineMs: 5_000, what: "three free ports in a row" },
  );
}

export interface Ran {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly ended: Promise<Ran>;
  readonly stderr: () => string;
  interrupt(): void;
}

/** Starts a command line in this process, with its output collected. */
export function start(
  commands: readonly Command[],
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  checkout: string = WITHOUT_APPS,
): RunningCommand {
  const [stdout, stderr] = [new Collected(), new Collected()];
  const interrupted = new AbortController();
  const full = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env };
  const { signal } = interrupted;
  const ended = runCommandLine(args, { commands, checkout, stdout, stderr, env: full, signal });
  return {
    ended: ended.then((code) => ({ code, stdout: stdout.text, stderr: stderr.text })),
    stderr: () => stderr.text,
    interrupt: () => interrupted.abort(new Error("Interrupted by SIGINT.")),
  };
}

export async function run(
  commands: readonly Command[],
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  checkout: string = WITHOUT_APPS,
): Promise<Ran> {
  return await start(commands, args, env, checkout).ended;
}

class Collected extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString("utf8");
    done();
  }
}
