import { findPostmaster } from "@tideway/supervisor";
import type { ProcessOptions } from "@tideway/supervisor";
import type { Home } from "../home.ts";
import { copyBinaries, hasBinaries, postgresPackage } from "./binaries.ts";
import { clusterProblem, initCluster } from "./cluster.ts";
import type { DatabaseUser } from "./database-user.ts";
import { checkDurability, settingsOf } from "./settings.ts";
import { postgresFiles, postgresProcess } from "./start-options.ts";

export interface PrepareOptions {
  readonly user: DatabaseUser | null;
  readonly env: NodeJS.ProcessEnv;
  /** True lets durability be off. */
  readonly unsafe: boolean;
}

/**
 * Copies the binaries, makes the cluster where there is none, and says how to start it. Leaves a
 * server that runs (of an earlier supervisor) alone. Throws the POSTGRES_* errors, DURABILITY_OFF.
 */
export function preparePostgres(home: Home, options: PrepareOptions): ProcessOptions {
  const source = postgresPackage();
  const running = findPostmaster(postgresFiles(home)) !== null;
  const problem = clusterProblem(home, source.major, options.user);
  if (problem !== null) throw problem;
  if (!running && !hasBinaries(home, source)) copyBinaries(home, source, options.user);
  initCluster(home, options.user);
  const settings = settingsOf(home, options.env["TIDEWAY_POSTGRES_SETTINGS"]);
  if (!options.unsafe) checkDurability(home, settings, options.user);
  return postgresProcess(home, settings, options.user);
}
