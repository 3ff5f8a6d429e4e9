/**
 * The installation that the benches of events and sagas measure: the real system with three more
 * services in a ring (test/fixtures/ring), released by the real command line.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { RING } from "../test/fixtures/ring/ring-api.ts";
import type { RingName } from "../test/fixtures/ring/ring-api.ts";
import { addRing } from "../test/fixtures/ring/ring-copy.ts";
import { copyCheckout, install } from "../test/system/harness.ts";
import type { Installation } from "../test/system/harness.ts";
import { say } from "./figure.ts";

export interface Backbone {
  readonly installation: Installation;
  /** Calls a route of one of the three; throws what it refuses. */
  call(name: RingName, method: "GET" | "POST", path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startBackbone(): Promise<Backbone> {
  const installation = await install({ TIDEWAY_IDENTITY_SCRYPT_N: "1024" });
  const copy = copyCheckout();
  try {
    addRing(copy);
    for (const name of RING) {
      const released = await installation.tideway(["deploy", name], copy);
      if (released.code !== 0) throw new Error(released.stdout + released.stderr);
    }
  } catch (error) {
    await installation.stop();
    throw error;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  say(`${RING.join(", ")} are released beside the real services.`);
  return {
    installation,
    call: (name, method, path, body) => call(installation, name, method, path, body),
    stop: () => installation.stop(),
  };
}

async function call(
  { publicUrl }: Installation,
  name: RingName,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const reply = await fetch(`${publicUrl}/api/${name}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const answer: unknown = await reply.json();
  if (!reply.ok) throw new Error(`${method} ${path} of ${name}: ${JSON.stringify(answer)}`);
  return answer;
}

/** A database of the peer's own on the same server; its address. */
export async function peerDatabase(installation: Installation, name: string): Promise<string> {
  const client = await installation.database("postgres");
  await client.query(`create database ${name}`);
  await client.end();
  const password = readFileSync(join(installation.home, "secrets/postgres.password"), "utf8");
  const host = encodeURIComponent(join(installation.home, "run/pg"));
  return `postgresql://postgres:${password.trim()}@localhost/${name}?host=${host}`;
}

/** True when the peers are there; installs them where they are not. Says why when it cannot. */
export async function peersInstalled(): Promise<boolean> {
  const folder = join(import.meta.dirname, "peers");
  if (existsSync(join(folder, "node_modules"))) return true;
  try {
    await promisify(execFile)("npm", ["ci", "--ignore-scripts"], { cwd: folder });
    return true;
  } catch (error) {
    say(`The peers are not installed: ${String(error).slice(0, 300)}`);
    return false;
  }
}

/** Runs a script of bench/peers and answers the JSON of its last line. */
export async function runPeer(script: string, args: readonly string[]): Promise<unknown> {
  const path = join(import.meta.dirname, "peers", script);
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args], {
    timeout: 180_000,
    maxBuffer: 16 * 1_048_576,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
