import { createHash } from "node:crypto";
import { join } from "node:path";
import type { PostgresFiles, ProcessOptions } from "@tideway/supervisor";
import type { Home } from "../home.ts";
import { readSecret } from "../home.ts";
import { dataFolderOf } from "./cluster.ts";
import type { DatabaseUser } from "./database-user.ts";
import { settingArguments } from "./settings.ts";

/** A checkpoint of everything in shared buffers to a slow disk fits well. */
const STOP_GRACE_MS = 30_000;

/** How the supervisor starts, ends and recognises PostgreSQL. */
export function postgresProcess(
  home: Home,
  settings: ReadonlyMap<string, string>,
  user: DatabaseUser | null,
): ProcessOptions {
  const command = join(home.postgres, "bin", "postgres");
  const args = ["-D", dataFolderOf(home), ...settingArguments(settings)];
  return {
    name: "postgres",
    command,
    args,
    cwd: "/",
    // Libraries print numbers and dates by LC_ALL; PATH is for nothing but completeness.
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC" },
    ...(user !== null && { uid: user.uid, gid: user.gid }),
    logFile: join(home.logs, "postgres.log"),
    listen: [],
    // SIGINT is PostgreSQL's fast shutdown: ends the sessions, writes a checkpoint, ends.
    stopSignal: "SIGINT",
    stopGraceMs: STOP_GRACE_MS,
    fingerprint: createHash("sha256").update(args.join("\0")).digest("hex").slice(0, 16),
    postgres: postgresFiles(home),
  };
}

export function postgresFiles(home: Home): PostgresFiles {
  return {
    clusterName: `tideway-${home.hash}`,
    dataFolder: dataFolderOf(home),
    socketFile: home.databaseSocket,
  };
}

/** The superuser's address. The folder stands where a host would, which `new URL` understands too. */
export function superuserUrl(home: Home): string {
  const password = readSecret(join(home.secrets, "postgres.password"));
  const host = encodeURIComponent(join(home.run, "pg"));
  return `postgresql://postgres:${password}@${host}:5432/postgres`;
}
