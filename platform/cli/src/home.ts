/** Where everything of one installation is kept; docs/explain/parts.md lists what is in it. */
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { cliErrors } from "./errors.ts";

/** A Unix socket's path has room for 107 bytes and a zero, on macOS for 103. */
const SOCKET_BYTES_MAX = process.platform === "darwin" ? 103 : 107;
const DATABASE_SOCKET = "pg/.s.PGSQL.5432";

export interface Home {
  readonly folder: string;
  /** First 12 hex digits of the folder's SHA-256: tells one installation's processes from another's. */
  readonly hash: string;
  /** Without links: where the folder is too deep for sockets it lies below the temporary folder. */
  readonly run: string;
  readonly logs: string;
  readonly secrets: string;
  readonly postgres: string;
  readonly apps: string;
  readonly databaseSocket: string;
}

export interface HomeOptions {
  readonly checkout: string;
  readonly env: NodeJS.ProcessEnv;
  readonly homeFolder?: string | undefined;
  /** 0 for root; for tests. */
  readonly uid?: number;
  readonly temporaryFolder?: string;
}

/** Finds the home: --home, TIDEWAY_HOME, and else a folder of its own for each checkout. Writes nothing. */
export function homeOf(options: HomeOptions): Home {
  const given = options.homeFolder ?? options.env["TIDEWAY_HOME"] ?? "";
  const folder = given === "" ? defaultFolder(options) : resolve(given);
  const hash = shortHash(folder);
  const near = join(folder, "run");
  const far = join(options.temporaryFolder ?? fs.realpathSync(tmpdir()), `tideway-${hash}`);
  const run = fits(near) ? near : far;
  return {
    folder,
    hash,
    run,
    logs: join(folder, "logs"),
    secrets: join(folder, "secrets"),
    postgres: join(folder, "postgres"),
    apps: join(folder, "apps"),
    databaseSocket: join(run, DATABASE_SOCKET),
  };
}

/**
 * Makes the folders and secrets that are missing. Run as root, other users may pass through the
 * folder (the database's own user must), but not look into it.
 * Throws HOME_NOT_WRITABLE, RUN_FOLDER_BROKEN, SOCKET_PATH_TOO_LONG.
 */
export function prepareHome(home: Home, owner: { uid: number; gid: number } | null): void {
  const mode = owner === null ? 0o700 : 0o711;
  try {
    makeFolder(home.folder, mode);
    for (const folder of [home.logs, home.secrets]) makeFolder(folder, 0o700);
    for (const name of ["apps", "revisions", "gateway"]) makeFolder(join(home.folder, name), 0o700);
    makeFolder(join(home.logs, "instances"), 0o700);
    makeFolder(home.postgres, owner === null ? 0o700 : 0o755);
  } catch (error) {
    throw notWritable(home.folder, error);
  }
  prepareRun(home, mode, owner);
  makeSecret(join(home.secrets, "postgres.password"));
  makeSecret(join(home.secrets, "operator.token"));
}

/** A random secret of 32 bytes in base64url, unless the file is there already. Mode 0600. */
export function makeSecret(file: string): void {
  if (fs.existsSync(file)) return;
  const next = `${file}.${process.pid}`;
  fs.writeFileSync(next, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  fs.renameSync(next, file);
}

export function readSecret(file: string): string {
  return fs.readFileSync(file, "utf8").trim();
}

function prepareRun(home: Home, mode: number, owner: { uid: number; gid: number } | null): void {
  const overflow = socketOverflow(home);
  if (overflow !== null) throw cliErrors.error("SOCKET_PATH_TOO_LONG", { given: overflow });
  const link = join(home.folder, "run");
  const problem = runFolderProblem(home);
  if (problem !== null)
    throw cliErrors.error("RUN_FOLDER_BROKEN", { given: { folder: link, problem } });
  makeFolder(home.run, mode);
  if (home.run !== link && !fs.existsSync(link)) {
    fs.rmSync(link, { force: true });
    fs.symlinkSync(home.run, link);
  }
  makeFolder(join(home.run, "instances"), 0o700);
  makeFolder(join(home.run, "pg"), 0o700);
  if (owner !== null) fs.chownSync(join(home.run, "pg"), owner.uid, owner.gid);
}

/** The numbers when a socket's path has no room in the system's address, or null. */
export function socketOverflow({ databaseSocket: path }: Home) {
  const bytes = Buffer.byteLength(path);
  return bytes > SOCKET_BYTES_MAX ? { path, bytes, limit: SOCKET_BYTES_MAX } : null;
}

/** Why `run` cannot be used, or null. What is not there yet is no problem: `up` makes it. */
export function runFolderProblem(home: Home): string | null {
  for (const folder of new Set([join(home.folder, "run"), home.run])) {
    const isLink = home.run !== join(home.folder, "run") && folder !== home.run;
    const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (isLink) {
      if (!stat.isSymbolicLink()) return "it should be a link to a shorter path";
      if (fs.readlinkSync(folder) !== home.run) return "the link leads elsewhere";
    } else if (!stat.isDirectory()) return "it is not a folder";
    // Below a temporary folder somebody else could have made it first.
    else if (stat.uid !== process.getuid?.()) return `it belongs to user ${stat.uid}`;
    else if ((stat.mode & 0o022) !== 0) return "others may write into it";
  }
  return null;
}

function makeFolder(folder: string, mode: number): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
  fs.chmodSync(folder, mode);
}

function defaultFolder({ checkout, uid = process.getuid?.() }: HomeOptions): string {
  const root = fs.realpathSync(checkout);
  return uid === 0 ? join("/var/lib/tideway", shortHash(root)) : join(root, ".tideway");
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function fits(run: string): boolean {
  return Buffer.byteLength(join(run, DATABASE_SOCKET)) <= SOCKET_BYTES_MAX;
}

function notWritable(folder: string, error: unknown): Error {
  const problem = error instanceof Error ? error.message : String(error);
  const user = process.env["USER"] ?? String(process.getuid?.());
  return cliErrors.error("HOME_NOT_WRITABLE", { given: { folder, problem, user }, cause: error });
}
