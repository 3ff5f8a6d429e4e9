/** The database cluster in the home's postgres/data. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { cliErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { readSecret } from "../home.ts";
import type { DatabaseUser } from "./database-user.ts";

const INIT_TIMEOUT_MS = 60_000;
/** Without one of these a cluster was never finished, or was damaged. */
const ESSENTIAL = ["PG_VERSION", "global/pg_control", "base", "pg_wal", "postgresql.conf"];

export function dataFolderOf(home: Home): string {
  return join(home.postgres, "data");
}

/** What is wrong with the cluster, as a coded error, or null. One that is not there yet is fine. */
export function clusterProblem(home: Home, major: string, user: DatabaseUser | null): Error | null {
  const folder = dataFolderOf(home);
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  const missing = ESSENTIAL.find((name) => !fs.existsSync(join(folder, name)));
  if (missing !== undefined) {
    const given = { folder, problem: `${missing} is missing` };
    return cliErrors.error("POSTGRES_DATA_BROKEN", { given });
  }
  const version = fs.readFileSync(join(folder, "PG_VERSION"), "utf8").trim();
  if (version !== major) {
    const given = { folder, given: version, expected: major };
    return cliErrors.error("POSTGRES_VERSION_MISMATCH", { given });
  }
  const uid = user?.uid ?? process.getuid?.();
  if (stat.uid === uid) return null;
  const given = { folder, owner: stat.uid, user: user?.name ?? String(uid) };
  return cliErrors.error("POSTGRES_DATA_OWNER", { given });
}

/**
 * Makes the cluster when there is none, in a folder beside it that is renamed when whole, so that a
 * half-made one is never found. Throws POSTGRES_INIT_FAILED.
 */
export function initCluster(home: Home, user: DatabaseUser | null): void {
  const folder = dataFolderOf(home);
  if (fs.existsSync(folder)) return;
  const next = `${folder}.new`;
  const passwordFile = join(home.postgres, "password.new");
  fs.rmSync(next, { recursive: true, force: true });
  fs.mkdirSync(next, { mode: 0o700 });
  try {
    fs.writeFileSync(passwordFile, readSecret(join(home.secrets, "postgres.password")), {
      mode: 0o600,
    });
    if (user !== null)
      for (const path of [next, passwordFile]) fs.chownSync(path, user.uid, user.gid);
    runInitdb(home, { next, passwordFile, user });
  } finally {
    fs.rmSync(passwordFile, { force: true });
  }
  fs.renameSync(next, folder);
}

interface InitOptions {
  readonly next: string;
  readonly passwordFile: string;
  readonly user: DatabaseUser | null;
}

function runInitdb(home: Home, { next, passwordFile, user }: InitOptions): void {
  const args = [
    `--pgdata=${next}`,
    "--username=postgres",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
  ];
  const result = spawnSync(join(home.postgres, "bin", "initdb"), args, {
    ...(user !== null && { uid: user.uid, gid: user.gid }),
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC" },
    encoding: "utf8",
    timeout: INIT_TIMEOUT_MS,
  });
  if (result.status === 0) return;
  const problem = result.error?.message ?? result.stderr.trim().split("\n").slice(-3).join("; ");
  throw cliErrors.error("POSTGRES_INIT_FAILED", { given: { problem } });
}
