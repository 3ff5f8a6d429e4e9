/** Whether the home can be written and is whole. */
import * as fs from "node:fs";
import { join } from "node:path";
import { CodedError, isCoded } from "@tideway/kernel";
import { cliErrors } from "../errors.ts";
import { prepareHome, runFolderProblem } from "../home.ts";
import type { Home } from "../home.ts";
import { hasBinaries, postgresPackageOrNull, tryBinary } from "../postgres/binaries.ts";
import { clusterProblem } from "../postgres/cluster.ts";
import { databaseUser } from "../postgres/database-user.ts";
import type { DatabaseUser } from "../postgres/database-user.ts";
import { readSupervisor } from "../supervisor-client.ts";
import type { Check, Finding } from "./check.ts";
import { nearestFolder } from "./machine-checks.ts";

export const homeCheck: Check = {
  name: "home",
  blocking: true,
  run: ({ home }) => {
    const error = problemWithWriting(home.folder);
    return error === null ? home.folder : [{ error }];
  },
};

export const runFolderCheck: Check = {
  name: "run folder",
  blocking: true,
  run: ({ home }) => {
    const link = join(home.folder, "run");
    const problem = runFolderProblem(home);
    if (problem === null) return home.run;
    const error = cliErrors.error("RUN_FOLDER_BROKEN", { given: { folder: link, problem } });
    // While a supervisor lives, its sockets are in there.
    if (readSupervisor(home).alive) return [{ error }];
    return [{ error, fix: () => remakeRunFolder(home) }];
  },
};

export const clusterCheck: Check = {
  name: "database cluster",
  blocking: true,
  run: ({ home, up }) => {
    if (up.postgresUrl !== null) return "a server of your own";
    const source = postgresPackageOrNull();
    if (source === null) {
      const platform = `${process.platform}-${process.arch}`;
      return [{ error: cliErrors.error("POSTGRES_PACKAGE_MISSING", { given: { platform } }) }];
    }
    const user = userOrNull();
    const problem = clusterProblem(home, source.major, user);
    if (problem instanceof CodedError) return [{ error: problem }];
    const findings = binaryFindings(home, user);
    return findings.length > 0
      ? findings
      : `PostgreSQL ${source.version}${hasBinaries(home, source) ? "" : ", not copied yet"}`;
  },
};

function binaryFindings(home: Home, user: DatabaseUser | null): Finding[] {
  if (!fs.existsSync(join(home.postgres, "version"))) return [];
  try {
    tryBinary(home, user);
    return [];
  } catch (error) {
    if (isCoded(error, "HOME_NOT_ENTERABLE")) return [{ error }];
    throw error;
  }
}

/** Without one, another check says so. */
function userOrNull(): DatabaseUser | null {
  try {
    return databaseUser();
  } catch (error) {
    if (isCoded(error, "ROOT_WITHOUT_USER")) return null;
    throw error;
  }
}

function problemWithWriting(folder: string): CodedError | null {
  const nearest = nearestFolder(folder);
  const probe = join(nearest, `.tideway-probe-${process.pid}`);
  try {
    fs.writeFileSync(probe, "");
    fs.rmSync(probe);
    return null;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    const user = process.env["USER"] ?? String(process.getuid?.());
    return cliErrors.error("HOME_NOT_WRITABLE", { given: { folder, problem, user }, cause });
  }
}

function remakeRunFolder(home: Home): string {
  const link = join(home.folder, "run");
  const aside = `${link}.broken-${Date.now()}`;
  if (fs.lstatSync(link, { throwIfNoEntry: false }) !== undefined) fs.renameSync(link, aside);
  // The far one, below the temporary folder: only ours may be removed.
  if (home.run !== link && fs.lstatSync(home.run, { throwIfNoEntry: false }) !== undefined)
    fs.rmSync(home.run, { recursive: true });
  prepareHome(home, userOrNull());
  return `made ${link} anew; the old one is ${aside}`;
}
