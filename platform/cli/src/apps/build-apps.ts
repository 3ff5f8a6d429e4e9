/** Builds the apps with Vite into the home, a folder for each digest, when there is none yet. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cliErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { tellingLine } from "../last-lines.ts";
import type { Output } from "../output.ts";
import { appDigest } from "./app-digest.ts";

/** Names and, for those the gateway serves, where. */
const APPS = [
  { app: "wallet", path: "/" },
  { app: "console", path: null },
] as const;
const BUILD_TIMEOUT_MS = 300_000;
const KEPT_BUILDS = 3;
/** Vite's default loader writes into node_modules, which need not be ours to write. */
const LOADER = ["--configLoader", "runner"];

export interface BuiltApp {
  readonly app: string;
  /** Where the gateway serves it; null for the console, which control serves at "/". */
  readonly path: string | null;
  readonly folder: string;
  readonly digest: string;
}

export interface BuildOptions {
  readonly checkout: string;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/**
 * Builds what changed, one app beside the other, and writes `apps/apps.json`: the list of what is
 * to be served. An app without a vite.config.ts is skipped with a note. Throws BUILD_FAILED.
 */
export async function buildApps(home: Home, options: BuildOptions): Promise<BuiltApp[]> {
  const built = await Promise.all(APPS.map((app) => buildApp(home, app, options)));
  const apps = built.filter((app) => app !== null);
  const file = join(home.apps, "apps.json");
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(apps, null, 2)}\n`);
  fs.renameSync(`${file}.new`, file);
  return apps;
}

async function buildApp(
  home: Home,
  { app, path }: (typeof APPS)[number],
  { checkout, output, signal }: BuildOptions,
): Promise<BuiltApp | null> {
  const source = join(checkout, "apps", app);
  if (!fs.existsSync(join(source, "vite.config.ts"))) {
    output.note(`- ${app} is not there yet: apps/${app} has no vite.config.ts`);
    return null;
  }
  const digest = appDigest(checkout, app);
  const folder = join(home.apps, app, digest);
  if (fs.existsSync(join(folder, "index.html"))) {
    // The newest ones are kept, and one that is used again is new.
    fs.utimesSync(folder, new Date(), new Date());
  } else {
    await output.step(`${app} built`, () => runVite({ app, source, folder, home, signal }));
    dropOldBuilds(dirname(folder));
  }
  return { app, path, folder, digest };
}

interface ViteRun {
  readonly app: string;
  readonly source: string;
  readonly folder: string;
  readonly home: Home;
  readonly signal: AbortSignal;
}

/** Into a folder beside, renamed when whole: a broken build is never served. */
async function runVite({ app, source, folder, home, signal }: ViteRun): Promise<void> {
  const next = `${folder}.${process.pid}`;
  const logFile = join(home.logs, `build-${app}.log`);
  const vite = join(
    dirname(createRequire(import.meta.url).resolve("vite/package.json")),
    "bin/vite.js",
  );
  fs.mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  const log = fs.openSync(logFile, "w", 0o640);
  try {
    const args = [
      vite,
      "build",
      "--outDir",
      next,
      "--emptyOutDir",
      "--logLevel",
      "warn",
      ...LOADER,
    ];
    const child = spawn(process.execPath, args, {
      cwd: source,
      stdio: ["ignore", log, log],
      signal,
      timeout: BUILD_TIMEOUT_MS,
    });
    const [code] = await once(child, "exit");
    if (code !== 0 || !fs.existsSync(join(next, "index.html"))) {
      const problem = tellingLine(logFile) ?? "it says nothing.";
      throw cliErrors.error("BUILD_FAILED", { given: { app, folder: source, problem } });
    }
    // Another `up` may have been quicker; its build is the same.
    if (!fs.existsSync(folder)) fs.renameSync(next, folder);
  } finally {
    fs.closeSync(log);
    fs.rmSync(next, { recursive: true, force: true });
  }
}

function dropOldBuilds(folder: string): void {
  const builds = fs
    .readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => ({ path, usedAtMs: fs.statSync(path).mtimeMs }))
    .sort((a, b) => b.usedAtMs - a.usedAtMs);
  for (const { path } of builds.slice(KEPT_BUILDS)) fs.rmSync(path, { recursive: true });
}
