/** What the machine and the installation must offer. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { isCoded } from "@tideway/kernel";
import { cliErrors } from "../errors.ts";
import { databaseUser } from "../postgres/database-user.ts";
import type { Check } from "./check.ts";

const NODE_MAJOR = 24;
const MEGABYTE = 1_048_576;
/** 1 GB: the binaries, the first WAL files, a build of the apps, and room to shut down cleanly. */
const DISK_FREE_MIN_MB = "1024";

export const nodeCheck: Check = {
  name: "node",
  blocking: true,
  run: () => {
    const major = Number(process.versions.node.split(".")[0]);
    if (major >= NODE_MAJOR) return process.version;
    return [{ error: cliErrors.error("NODE_TOO_OLD", { given: { given: process.version } }) }];
  },
};

/** Asks tools/install.mjs, which decides before every start: one truth about what is installed. */
export const installationCheck: Check = {
  name: "installation",
  blocking: false,
  run: ({ checkout }) => {
    const tool = join(checkout, "tools", "install.mjs");
    const { status, stdout } = spawnSync(process.execPath, [tool, "--check"], {
      encoding: "utf8",
      timeout: 30_000,
    });
    if (status === 0) return "as the lockfile says";
    return [{ error: cliErrors.error("NOT_INSTALLED", { given: { problem: stdout.trim() } }) }];
  },
};

export const userCheck: Check = {
  name: "database user",
  blocking: true,
  run: ({ up }) => {
    if (up.postgresUrl !== null) return "a server of your own";
    try {
      return databaseUser()?.name ?? "you";
    } catch (error) {
      if (isCoded(error, "ROOT_WITHOUT_USER")) return [{ error }];
      throw error;
    }
  },
};

export const diskCheck: Check = {
  name: "disk",
  blocking: true,
  run: ({ home, env }) => {
    const neededMegabytes = Number(env["TIDEWAY_DISK_FREE_MIN_MB"] ?? DISK_FREE_MIN_MB);
    const { bavail, bsize } = fs.statfsSync(nearestFolder(home.folder));
    const freeMegabytes = Math.floor((bavail * bsize) / MEGABYTE);
    if (freeMegabytes >= neededMegabytes) return `${freeMegabytes} MB free`;
    const given = { folder: home.folder, freeMegabytes, neededMegabytes };
    return [{ error: cliErrors.error("DISK_FULL", { given }) }];
  },
};

/** The folder itself, or the one it would be made in. */
export function nearestFolder(folder: string): string {
  let nearest = folder;
  while (!fs.existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  return nearest;
}
