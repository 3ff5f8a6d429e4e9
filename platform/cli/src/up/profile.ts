/** What production refuses (each with a code of its own) so that nobody runs a demo by mistake. */
import * as fs from "node:fs";
import { join, sep } from "node:path";
import { profileErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { makeSecret } from "../home.ts";
import type { Profile } from "./up-options.ts";

export interface ProfileOptions {
  readonly profile: Profile;
  readonly unsafe: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Throws PRODUCTION_UNSAFE, PRODUCTION_DEMO_DATA, PRODUCTION_WITHOUT_TLS, PRODUCTION_MASTER_KEY. */
export function checkProfile(home: Home, { profile, unsafe, env }: ProfileOptions): void {
  if (profile === "demo") return;
  if (unsafe) throw profileErrors.error("PRODUCTION_UNSAFE");
  if (firstProfileOf(home) === "demo")
    throw profileErrors.error("PRODUCTION_DEMO_DATA", { given: { folder: home.folder } });
  const tlsProblem = problemWithTls(env);
  if (tlsProblem !== null)
    throw profileErrors.error("PRODUCTION_WITHOUT_TLS", { given: { problem: tlsProblem } });
  const keyProblem = problemWithMasterKey(home, env["TIDEWAY_MASTER_KEY_FILE"] ?? "");
  if (keyProblem !== null)
    throw profileErrors.error("PRODUCTION_MASTER_KEY", { given: { problem: keyProblem } });
}

/** Notes for ever under which profile the data was begun, and makes the demo's master key. */
export function settleProfile(home: Home, { profile, env }: ProfileOptions): void {
  const file = join(home.folder, "profile");
  if (!fs.existsSync(file)) fs.writeFileSync(file, `${profile}\n`, { mode: 0o600 });
  if ((env["TIDEWAY_MASTER_KEY_FILE"] ?? "") === "") makeSecret(join(home.secrets, "master.key"));
}

/** The profile this home was first started with; null when it never was. */
export function firstProfileOf(home: Home): string | null {
  const file = join(home.folder, "profile");
  if (fs.existsSync(file)) return fs.readFileSync(file, "utf8").trim();
  // Data without a note is of unknown descent: treat it as what the default would have made.
  return fs.existsSync(join(home.postgres, "data")) ? "demo" : null;
}

function problemWithTls(env: NodeJS.ProcessEnv): string | null {
  const certificate = env["TIDEWAY_TLS_CERT"] ?? "";
  if (certificate === "") {
    const proxy = env["TIDEWAY_TRUSTED_PROXY"] ?? "";
    return proxy === "" ? "neither TIDEWAY_TLS_CERT nor TIDEWAY_TRUSTED_PROXY is set" : null;
  }
  for (const [name, file] of [
    ["TIDEWAY_TLS_CERT", certificate],
    ["TIDEWAY_TLS_KEY", env["TIDEWAY_TLS_KEY"] ?? ""],
  ] as const) {
    const problem = unreadable(name, file);
    if (problem !== null) return problem;
  }
  return null;
}

function problemWithMasterKey(home: Home, file: string): string | null {
  const problem = unreadable("TIDEWAY_MASTER_KEY_FILE", file);
  if (problem !== null) return problem;
  // Whoever gets a copy of the home must not get the key with it, by a link neither.
  const inside = (fs.existsSync(home.folder) ? fs.realpathSync(home.folder) : home.folder) + sep;
  if (fs.realpathSync(file).startsWith(inside)) return `${file} lies in ${home.folder}`;
  return null;
}

function unreadable(name: string, file: string): string | null {
  if (file === "") return `${name} is not set`;
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return null;
  } catch {
    return `${name} names ${file}, which cannot be read`;
  }
}
