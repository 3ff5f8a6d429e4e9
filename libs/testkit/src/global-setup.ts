/**
 * Runs once before all unit tests. Files ask for a database of their own with `testDatabase`. What
 * the services read of each other meanwhile is recorded, and compared in the end with what they say
 * they read (services/<name>/expectations.json): the gate of releases rests on it.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startTestServer } from "./postgres-server.ts";

const checkout = join(import.meta.dirname, "../../..");

export default async function setup(): Promise<() => Promise<void>> {
  const compareReads = recordReads();
  if (process.env["TIDEWAY_TEST_POSTGRES_URL"]) return compareReads;
  const server = await startTestServer();
  process.env["TIDEWAY_TEST_POSTGRES_URL"] = server.url;
  return async () => {
    await server.stop();
    await compareReads();
  };
}

function recordReads(): () => Promise<void> {
  if (process.env["TIDEWAY_EXPECTATIONS_FILE"]) return async () => {};
  const folder = join(checkout, ".cache");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `reads-${process.pid}.jsonl`);
  process.env["TIDEWAY_EXPECTATIONS_FILE"] = file;
  return async () => {
    // Tests that let no services talk record nothing.
    if (!existsSync(file)) return;
    const bin = join(checkout, "platform/cli/bin/tideway.js");
    const args = [bin, "check", "api", "--reads", file];
    try {
      await promisify(execFile)(process.execPath, args, { cwd: checkout });
      rmSync(file, { force: true });
    } catch (error) {
      // The file stays, for the command that the message names.
      const told: unknown = Reflect.get(Object(error), "stdout");
      const hint: unknown = Reflect.get(Object(error), "stderr");
      throw new Error(`${String(told)}${String(hint)}`, { cause: error });
    }
  };
}
