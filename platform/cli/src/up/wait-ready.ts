import * as http from "node:http";
import * as https from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { isPostgresReady } from "@tideway/supervisor";
import { sleep } from "@tideway/kernel";
import { cliErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { tellingLine } from "../last-lines.ts";
import { postgresFiles } from "../postgres/start-options.ts";
import { readSupervisor } from "../supervisor-client.ts";

const POLL_MS = 25;
const PROBE_MS = 2_000;
/** Recovery after a crash replays at most 128 MB; a slow disk may take its time. */
export const POSTGRES_DEADLINE_MS = 120_000;
export const PROCESS_DEADLINE_MS = 45_000;

export interface WaitOptions {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Waits until the embedded server takes connections. Throws PROCESS_NOT_READY. */
export async function waitForPostgres(home: Home, options: WaitOptions): Promise<void> {
  await waitFor(home, "postgres", options, () => isPostgresReady(postgresFiles(home)));
}

/** Waits until `GET url` answers 200. Throws PROCESS_NOT_READY with the end of the log. */
export async function waitForHealth(
  home: Home,
  { name, url, ...options }: WaitOptions & { name: string; url: string },
): Promise<void> {
  await waitFor(home, name, options, async () => (await statusOf(url)) === 200);
}

/** Waits until the bus answers 200 on its socket. Throws PROCESS_NOT_READY with the end of the log. */
export async function waitForBus(home: Home, options: WaitOptions): Promise<void> {
  const socketPath = join(home.run, "bus.sock");
  await waitFor(home, "bus", options, async () => {
    return (await statusOf("http://bus/health", socketPath)) === 200;
  });
}

/** Whether somebody takes connections at this server's address. Throws POSTGRES_UNREACHABLE. */
export async function checkPostgresUrl(url: string): Promise<void> {
  const { hostname, port, searchParams } = new URL(url);
  const host = searchParams.get("host") ?? decodeURIComponent(hostname);
  const number = Number(port === "" ? "5432" : port);
  const address = host.startsWith("/") ? `${host}/.s.PGSQL.${number}` : `${host}:${number}`;
  const problem = await new Promise<string | null>((resolve) => {
    const socket = host.startsWith("/") ? connect(address) : connect(number, host);
    socket.setTimeout(PROBE_MS, () => socket.destroy(new Error("it does not answer")));
    socket.on("connect", () => resolve(null)).on("error", (error) => resolve(error.message));
    socket.on("connect", () => socket.destroy());
  });
  if (problem !== null)
    throw cliErrors.error("POSTGRES_UNREACHABLE", { given: { address, problem } });
}

async function waitFor(
  home: Home,
  name: string,
  { deadlineMs, signal }: WaitOptions,
  isReady: () => boolean | Promise<boolean>,
): Promise<void> {
  const endsAtMs = performance.now() + deadlineMs;
  while (!(await isReady())) {
    signal.throwIfAborted();
    if (performance.now() > endsAtMs) throw notReady(home, name, deadlineMs);
    await sleep(POLL_MS, signal);
  }
}

function notReady(home: Home, name: string, deadlineMs: number): Error {
  const { status } = readSupervisor(home);
  const lastExit = status?.processes.find((process) => process.name === name)?.lastExit ?? null;
  const logFile = join(home.logs, `${name}.log`);
  const line = tellingLine(logFile) ?? "it says nothing.";
  const problem = lastExit === null ? line : `it ${lastExit}: ${line}`;
  const given = { name, seconds: deadlineMs / 1_000, problem, logFile };
  return cliErrors.error("PROCESS_NOT_READY", { given });
}

/** The status, or null when nobody answers; asked over a Unix socket where one is given. */
function statusOf(url: string, socketPath?: string): Promise<number | null> {
  return new Promise((resolve) => {
    const { request } = url.startsWith("https:") ? https : http;
    // Our own listener on this machine: its certificate names the public host, not 127.0.0.1.
    const asked = request(url, {
      timeout: PROBE_MS,
      rejectUnauthorized: false,
      agent: false,
      ...(socketPath === undefined ? {} : { socketPath }),
    });
    asked.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    });
    asked.on("timeout", () => asked.destroy(new Error("No answer.")));
    asked.on("error", () => resolve(null));
    asked.end();
  });
}
