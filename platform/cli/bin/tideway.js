#!/usr/bin/env node
/**
 * The command as npm finds it, on a bare clone too: plain JavaScript for Node 20, without
 * dependencies. Runs the real one (src/main.ts) on Node 24.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bareDoctor } from "./bare-doctor.js";

const NODE_MAJOR = 24;
const cli = dirname(dirname(fileURLToPath(import.meta.url)));
const checkout = dirname(dirname(cli));
const node = findNode();

if (node !== null && existsSync(join(checkout, "node_modules", ".package-lock.json"))) {
  run(node);
} else if (process.argv[2] === "doctor") {
  process.exitCode = await bareDoctor({ checkout, node, args: process.argv.slice(3) });
} else {
  console.error("Tideway is not installed yet. npm ci");
  console.error("(npm start installs and starts it; npx tideway doctor says what is missing.)");
  process.exitCode = 1;
}

function findNode() {
  const installed = join(checkout, "node_modules", "node", "bin", "node");
  if (existsSync(installed)) return installed;
  return Number(process.versions.node.split(".")[0]) >= NODE_MAJOR ? process.execPath : null;
}

/** Hands on the terminal, the signals and the exit code. */
function run(command) {
  const child = spawn(command, [join(cli, "src", "main.ts"), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // At Ctrl-C the terminal tells both of us, at `kill` only this process hears it.
  const forward = (signal) => child.kill(signal);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, forward);
  child.on("error", (error) => {
    console.error(`${command} cannot be run: ${error.message}. npm ci`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = signal === null ? code : 128 + (constants.signals[signal] ?? 0);
  });
}
