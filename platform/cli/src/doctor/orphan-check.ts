import { backendsOf, clearAfterCrash, end, findPostmaster } from "@tideway/supervisor";
import { cliErrors } from "../errors.ts";
import { postgresFiles } from "../postgres/start-options.ts";
import { readSupervisor } from "../supervisor-client.ts";
import type { Check } from "./check.ts";

const POSTGRES_GRACE_MS = 30_000;

/** PostgreSQL, or backends of a killed one, left over from a crash. `up` copes with both. */
export const orphanCheck: Check = {
  name: "orphans",
  blocking: false,
  run: ({ home }) => {
    const files = postgresFiles(home);
    const { alive } = readSupervisor(home);
    const postmaster = findPostmaster(files);
    if (alive) return "none";
    if (postmaster !== null) {
      const error = cliErrors.error("POSTMASTER_ORPHANED", { given: { pid: postmaster.pid } });
      const fix = async (): Promise<string> => {
        await end(postmaster, "SIGINT", POSTGRES_GRACE_MS);
        await clearAfterCrash(files);
        return `shut PostgreSQL down (pid ${postmaster.pid})`;
      };
      return [{ error, fix }];
    }
    const backends = backendsOf(files.clusterName);
    if (backends.length === 0) return "none";
    const error = cliErrors.error("BACKENDS_ORPHANED", { given: { count: backends.length } });
    const fix = async (): Promise<string> => {
      await clearAfterCrash(files);
      return `ended the processes ${backends.join(", ")}`;
    };
    return [{ error, fix }];
  },
};
