import { spawnSync } from "node:child_process";
import { cliErrors } from "../errors.ts";

export interface DatabaseUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const CANDIDATES = ["tideway", "postgres", "nobody"];

/**
 * Who PostgreSQL runs as: null means ourselves. It refuses to run as root, so root lends it the
 * first of the users that exists. Throws ROOT_WITHOUT_USER.
 */
export function databaseUser(
  uid: number | undefined = process.getuid?.(),
  candidates: readonly string[] = CANDIDATES,
): DatabaseUser | null {
  if (uid !== 0) return null;
  for (const name of candidates) {
    const [user, group] = [idOf("-u", name), idOf("-g", name)];
    if (user !== null && user !== 0 && group !== null) return { name, uid: user, gid: group };
  }
  throw cliErrors.error("ROOT_WITHOUT_USER", { given: { users: candidates.join(", ") } });
}

function idOf(flag: "-u" | "-g", name: string): number | null {
  const { status, stdout } = spawnSync("id", [flag, name], { encoding: "utf8", timeout: 5_000 });
  return status === 0 ? Number(stdout.trim()) : null;
}
