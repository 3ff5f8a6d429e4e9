import * as fs from "node:fs";
import { join } from "node:path";
import type { Home } from "./home.ts";

const LOG_BYTES_MAX = 64 * 1_048_576;

/**
 * Puts logs of more than 64 MB aside as `<name>.1`, in place of an earlier one. Done before a start:
 * whoever has one open goes on writing to the old file.
 */
export function turnLogsOver(home: Home, bytesMax: number = LOG_BYTES_MAX): void {
  for (const name of fs.readdirSync(home.logs).filter((name) => name.endsWith(".log"))) {
    const file = join(home.logs, name);
    if (fs.statSync(file).size > bytesMax) fs.renameSync(file, `${file}.1`);
  }
}
