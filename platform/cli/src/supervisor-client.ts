/** How commands find the supervisor of a home, start it, and talk to it. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "@tideway/kernel";
import { isAlive, readStatus } from "@tideway/supervisor";
import type { Identity, SupervisorOptions, SupervisorStatus } from "@tideway/supervisor";
import { cliErrors } from "./errors.ts";
import type { Home } from "./home.ts";
import { tellingLine } from "./last-lines.ts";
import { turnLogsOver } from "./turn-logs-over.ts";

const START_DEADLINE_MS = 10_000;
/** Gateway 10 s, control with its instances 30 s, PostgreSQL 30 s, and room for the signals. */
const STOP_DEADLINE_MS = 90_000;

export interface SupervisorState {
  readonly alive: boolean;
  readonly status: SupervisorStatus | null;
}

/** What is known of the supervisor without asking it: it may be dead and its processes alive. */
export function readSupervisor(home: Home): SupervisorState {
  const status = readStatus(join(home.run, "supervisor.json"));
  return { alive: status !== null && isAlive(status), status };
}

/** The processes that run, whether or not a supervisor does. */
export function runningProcesses(status: SupervisorStatus | null): (Identity & { name: string })[] {
  return (status?.processes ?? []).flatMap(({ name, running }) =>
    running !== null && isAlive(running) ? [{ name, ...running }] : [],
  );
}

export function optionsFileOf(home: Home): string {
  return join(home.run, "supervisor.options.json");
}

/** Writes what the supervisor is to run; mode 0600, for the database's password is in it. */
export function writeSupervisorOptions(home: Home, options: SupervisorOptions): void {
  const file = optionsFileOf(home);
  fs.writeFileSync(`${file}.new`, JSON.stringify(options, null, 2), { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** Starts the supervisor in a session of its own and waits for its socket. Throws SUPERVISOR_FAILED. */
export async function startSupervisor(home: Home): Promise<number> {
  turnLogsOver(home);
  const logFile = join(home.logs, "supervisor.log");
  const log = fs.openSync(logFile, "a", 0o640);
  const main = fileURLToPath(new URL("main.ts", import.meta.resolve("@tideway/supervisor")));
  const child = spawn(process.execPath, [main, optionsFileOf(home)], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
  });
  fs.closeSync(log);
  child.unref();
  const pid = child.pid ?? 0;
  const answers = until(
    async () => {
      if (child.exitCode !== null) {
        const problem = tellingLine(logFile) ?? "it says nothing.";
        throw cliErrors.error("SUPERVISOR_FAILED", { given: { problem } });
      }
      const answer = await askSupervisor(home, "status", 1_000).catch(() => null);
      return isStatus(answer) && answer.pid === pid;
    },
    { deadlineMs: START_DEADLINE_MS, what: "the supervisor answers on its socket" },
  );
  await answers.catch((error: unknown) => {
    child.kill("SIGTERM");
    throw error;
  });
  return pid;
}

/** One question, one line of JSON as the answer. Rejects when nobody listens or time runs out. */
export function askSupervisor(
  home: Home,
  act: "status" | "stop",
  deadlineMs: number = STOP_DEADLINE_MS,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(home.run, "supervisor.sock"));
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new Error(`The supervisor did not answer within ${deadlineMs} ms.`)),
      deadlineMs,
    );
    socket.on("error", fail);
    socket.on("close", () => {
      clearTimeout(timer);
      reject(new Error("The supervisor hung up."));
    });
    // The reader repeats the socket's errors, and an error nobody listens to ends the process.
    const lines = createInterface(socket).on("error", fail);
    lines.on("line", (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line));
      socket.destroy();
    });
    socket.write(`{"do":"${act}"}\n`);
  });
}

function isStatus(answer: unknown): answer is SupervisorStatus {
  return typeof answer === "object" && answer !== null && "startedAtMs" in answer;
}
