/** Started by bin/tideway.js on Node 24. */
import { resolve } from "node:path";
import { commands } from "./commands/index.ts";
import { runCommandLine } from "./run.ts";

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(name, () => interrupted.abort(new Error(`Interrupted by ${name}.`)));
// A reader that went away (`tideway status | head -1`) is no reason to fail.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

process.exitCode = await runCommandLine(process.argv.slice(2), {
  commands,
  checkout: resolve(import.meta.dirname, "../../.."),
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupted.signal,
});
