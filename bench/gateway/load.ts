/** Load over 64 keep-alive connections: wrk where it is installed, else autocannon. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { isInstalled, pinned } from "../processes.ts";

export interface Load {
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
}

const run = promisify(execFile);
const CONNECTIONS = 64;

export async function generateLoad(url: string, seconds: number, core: number): Promise<Load> {
  return isInstalled("wrk") ? byWrk(url, seconds, core) : byAutocannon(url, seconds, core);
}

async function byWrk(url: string, seconds: number, core: number): Promise<Load> {
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, url];
  const [program = "", ...rest] = pinned(core, ["wrk", ...args]);
  const { stdout } = await run(program, rest);
  const found = /(\d+) requests in ([\d.]+)(m?s)/.exec(stdout);
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? "0";
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(
    stdout,
  );
  const sockets = (broken ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0);
  return {
    requests: Number(found?.[1]),
    failed: Number(failed) + sockets,
    seconds: Number(found?.[2]) / (found?.[3] === "ms" ? 1_000 : 1),
  };
}

async function byAutocannon(url: string, seconds: number, core: number): Promise<Load> {
  const script = join(import.meta.dirname, "../../node_modules/autocannon/autocannon.js");
  const args = ["-c", String(CONNECTIONS), "-d", String(seconds), "--json", url];
  const [program = "", ...rest] = pinned(core, [process.execPath, script, ...args]);
  const { stdout } = await run(program, rest, { maxBuffer: 64 * 1_048_576 });
  // autocannon's documented result.
  const result = JSON.parse(stdout) as {
    requests: { total: number };
    non2xx: number;
    errors: number;
    duration: number;
  };
  return {
    requests: result.requests.total,
    failed: result.non2xx + result.errors,
    seconds: result.duration,
  };
}
