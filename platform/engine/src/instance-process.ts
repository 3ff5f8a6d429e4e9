/** Starts the process of one instance. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { hasCode } from "./process-identity.ts";

export interface ProcessOrder {
  readonly node: string;
  /** The revision's folder; main.mjs is run in it. */
  readonly folder: string;
  readonly memoryLimitMb: number;
  /** Nothing of the engine's own environment is added. */
  readonly environment: Readonly<Record<string, string>>;
  /** Descriptor of the listening socket; the instance finds it as its descriptor 3. */
  readonly socket: number;
  /** Descriptor of the log. */
  readonly log: number;
  /** Where the process writes its pid before it does anything else. */
  readonly identityPath: string;
  /** Without this file the process ends at once: whoever ordered it has given it up. */
  readonly recordPath: string;
}

/** Below the revision's folder, so that it goes when the revision goes. */
const COMPILE_CACHE = ".compile-cache";

/**
 * Runs as the instance's own pid, then becomes node. `read` takes the start time from /proc without
 * starting a program; where there is no /proc, ps knows it. instance-record.ts says why the record
 * is looked for after the pid is written.
 */
const PROLOGUE = `
if read -r start < "/proc/$$/stat"; then :; else
  start=$(TZ=UTC LC_ALL=C ps -o lstart= -p "$$")
fi 2>/dev/null
printf '%s\\n%s\\n' "$$" "$start" > "$0" || exit 1
if [ ! -e "$1" ]; then rm -f "$0"; exit 1; fi
shift
exec "$@"
`;

/** The few variables programs expect to find whoever starts them. */
export function minimalEnvironment(order: {
  readonly node: string;
  readonly folder: string;
}): Record<string, string> {
  return {
    PATH: `${dirname(order.node)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: order.folder,
    LANG: "C.UTF-8",
    NODE_COMPILE_CACHE: join(order.folder, COMPILE_CACHE),
  };
}

/**
 * The process, already running; in a session of its own, so that signals to our group do not
 * reach it and signals to its group reach all it started. Rejects when it could not be made.
 * It is made before the first await, so the caller may close both descriptors right away.
 */
export async function startProcess(order: ProcessOrder): Promise<ChildProcess> {
  const child = spawnOnce(order);
  if (child.pid !== undefined) {
    child.unref();
    return child;
  }
  // Node reports a failed spawn a turn later.
  throw await new Promise<Error>((resolve) => child.once("error", resolve));
}

function spawnOnce(order: ProcessOrder): ChildProcess {
  const environment = { ...minimalEnvironment(order), ...order.environment };
  makeCompileCache(order.folder);
  const command = [
    order.node,
    `--max-old-space-size=${order.memoryLimitMb}`,
    join(order.folder, "main.mjs"),
  ];
  const files = [order.identityPath, order.recordPath];
  return spawn("/bin/sh", ["-c", PROLOGUE, ...files, ...command], {
    cwd: order.folder,
    env: environment,
    detached: true,
    stdio: ["ignore", order.log, order.log, order.socket],
  });
}

/** A cache whose folder is missing is silently not used; one that cannot be made is only slower. */
function makeCompileCache(folder: string): void {
  try {
    mkdirSync(join(folder, COMPILE_CACHE));
  } catch (error) {
    if (["EEXIST", "EACCES", "EROFS"].some((code) => hasCode(error, code))) return;
    throw error;
  }
}
