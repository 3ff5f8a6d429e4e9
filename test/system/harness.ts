/** A whole installation for a test: its own home and ports, started and asked by the real command line. */
import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";

const checkout = join(import.meta.dirname, "../..");
const runFile = promisify(execFile);

export interface Installation {
  readonly home: string;
  readonly port: number;
  readonly publicUrl: string;
  readonly operatorsUrl: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs a command of `tideway`; the exit code is part of the answer, not an error. */
  readonly tideway: (args: readonly string[], from?: string) => Promise<CommandAnswer>;
  /** A connection to one of its databases, with a superuser's rights. */
  database(name: string): Promise<Client>;
  /** The pid of supervisor, postgres, control or gateway. */
  pidOf(part: string): Promise<number>;
  stop(): Promise<void>;
}

export interface CommandAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const COMMAND_MS_MAX = 900_000;

/**
 * Starts everything on free ports in a new home. `variables` reach control and the services,
 * `options` are those of `tideway up`.
 */
export async function install(
  variables: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<Installation> {
  const home = mkdtempSync(join(tmpdir(), "tw-system-"));
  const port = await freePorts();
  const env = { ...process.env, TIDEWAY_HOME: home, ...variables };
  const tideway = (args: readonly string[], from = checkout) => command(from, env, args);
  const up = await tideway(["up", "--detach", "--port", String(port), ...options]);
  const installation: Installation = {
    home,
    port,
    env,
    publicUrl: `http://127.0.0.1:${port}`,
    operatorsUrl: `http://127.0.0.1:${port + 1}`,
    tideway,
    database: (name) => connect(home, name),
    pidOf: async (part) => {
      const answer = await tideway(["status", "--json"]);
      // The command's documented shape.
      const view = JSON.parse(answer.stdout) as { processes: { name: string; pid: number }[] };
      const pid = view.processes.find(({ name }) => name === part)?.pid;
      if (!pid) throw new Error(`${part} does not run:\n${answer.stdout}${answer.stderr}`);
      return pid;
    },
    stop: async () => {
      const down = await tideway(["down"]);
      if (down.code !== 0) throw new Error(`down failed:\n${down.stderr}`);
      if (!process.env["TIDEWAY_KEEP"]) rmSync(home, { recursive: true, force: true });
    },
  };
  if (up.code === 0) return installation;
  throw new Error(`up failed with ${up.code}:\n${up.stdout}${up.stderr}\n${lastLog(home)}`);
}

/** A copy of the checkout's services in which one file is changed, to be released from. */
export function patchedCopy(file: string, patch: (text: string) => string): string {
  const copy = copyCheckout();
  const path = join(copy, file);
  const before = readFileSync(path, "utf8");
  const after = patch(before);
  if (after === before) throw new Error(`The patch did not change ${file}.`);
  writeFileSync(path, after);
  return copy;
}

/** What is needed to release from, in a temporary folder of its own. */
export function copyCheckout(): string {
  const copy = mkdtempSync(join(tmpdir(), "tw-patched-"));
  for (const name of ["platform/cli", "services", "apis", "package.json", "package-lock.json"]) {
    cpSync(join(checkout, name), join(copy, name), {
      recursive: true,
      filter: (path) => !path.includes("node_modules"),
    });
  }
  linkPackages(copy);
  return copy;
}

/** The installed packages, but the apis of the copy itself. */
function linkPackages(copy: string): void {
  const [from, to] = [join(checkout, "node_modules"), join(copy, "node_modules")];
  const own = join(to, "@tideway");
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name !== "@tideway") symlinkSync(join(from, name), join(to, name));
  }
  for (const name of readdirSync(join(from, "@tideway"))) {
    const api = /^api-(.+)$/.exec(name)?.[1];
    const target = api === undefined ? join(from, "@tideway", name) : join(copy, "apis", api);
    symlinkSync(target, join(own, name));
  }
}

async function command(
  from: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<CommandAnswer> {
  const bin = join(from, "platform/cli/bin/tideway.js");
  try {
    const { stdout, stderr } = await runFile(process.execPath, [bin, ...args], {
      cwd: from,
      env,
      timeout: COMMAND_MS_MAX,
      maxBuffer: 64 * 1_048_576,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const field = (name: string): unknown => Reflect.get(Object(error), name);
    const code = field("code");
    if (typeof code !== "number") throw error;
    return { code, stdout: String(field("stdout")), stderr: String(field("stderr")) };
  }
}

async function connect(home: string, database: string): Promise<Client> {
  const password = readFileSync(join(home, "secrets/postgres.password"), "utf8").trim();
  const host = join(home, "run/pg");
  const client = new Client({ host, user: "postgres", password, database });
  client.on("error", () => {
    // Tests kill PostgreSQL: the query under way, or the next one, rejects with the same error.
  });
  await client.connect();
  return client;
}

/** Three free ports in a row. */
async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 20_000);
    const free = await Promise.all([first, first + 1, first + 2].map(isFree));
    if (free.every(Boolean)) return first;
  }
  throw new Error("No three free ports in a row were found.");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => {
      // A listening TCP server has an AddressInfo, never a string.
      const own = (server.address() as AddressInfo).port === port;
      server.close(() => resolve(own));
    });
  });
}

function lastLog(home: string): string {
  return ["supervisor", "control", "gateway", "bus", "postgres"]
    .map((name) => {
      try {
        const lines = readFileSync(join(home, `logs/${name}.log`), "utf8").split("\n");
        return `== ${name}\n${lines.slice(-20).join("\n")}`;
      } catch {
        return `== ${name}: no log`;
      }
    })
    .join("\n");
}
