import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { cliErrors, usageErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { dataFolderOf } from "./cluster.ts";
import type { DatabaseUser } from "./database-user.ts";

/** Off, any of these lets a crash lose what was acknowledged, or tear a page. */
const DURABILITY = ["fsync", "full_page_writes", "synchronous_commit"];

/** A name and its value for every `-c`; later ones win, the operator's come last. */
export function settingsOf(home: Home, extra: string | undefined): ReadonlyMap<string, string> {
  return new Map([
    ["cluster_name", `tideway-${home.hash}`],
    ["unix_socket_directories", join(home.run, "pg")],
    ["unix_socket_permissions", "0700"],
    ["listen_addresses", ""],
    ["port", "5432"],
    ["max_connections", "200"],
    ["shared_buffers", "128MB"],
    // Recovery after a crash reads what was written since the checkpoint: 3 s for this much.
    ["max_wal_size", "128MB"],
    ["min_wal_size", "64MB"],
    ["checkpoint_timeout", "5min"],
    ["password_encryption", "scram-sha-256"],
    ["timezone", "UTC"],
    ["log_timezone", "UTC"],
    ["log_line_prefix", "%m [%p] %q%u@%d "],
    ["log_lock_waits", "on"],
    ...parseSettings(extra ?? ""),
  ]);
}

export function settingArguments(settings: ReadonlyMap<string, string>): string[] {
  return [...settings].flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/**
 * Asks PostgreSQL itself what would hold, configuration files and their includes considered.
 * Throws DURABILITY_OFF.
 */
export function checkDurability(
  home: Home,
  settings: ReadonlyMap<string, string>,
  user: DatabaseUser | null,
): void {
  for (const setting of DURABILITY) {
    const args = ["-D", dataFolderOf(home), ...settingArguments(settings), "-C", setting];
    const result = spawnSync(join(home.postgres, "bin", "postgres"), args, {
      ...(user !== null && { uid: user.uid, gid: user.gid }),
      cwd: "/",
      encoding: "utf8",
      timeout: 10_000,
    });
    const value = result.stdout.trim();
    if (result.status !== 0 || value === "off") {
      const told = result.status === 0 ? value : `unknown (${result.stderr.trim()})`;
      throw cliErrors.error("DURABILITY_OFF", { given: { setting, value: told } });
    }
  }
}

function parseSettings(text: string): [string, string][] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const [, name, value] = /^([a-z_.]+)\s*=\s*(.*)$/.exec(part) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      const given = `TIDEWAY_POSTGRES_SETTINGS (${part})`;
      throw usageErrors.error("OPTION_VALUE_INVALID", {
        given: { command: "up", given, expected: "a list of name=value" },
      });
    });
}
