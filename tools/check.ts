/** `npm run check`: types, lint, format and rooms, side by side; prints what failed and exits 1. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

interface Check {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

interface Outcome extends Check {
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", name);
const checks: readonly Check[] = [
  { name: "types (node)", script: bin("typescript/bin/tsc"), args: ["-p", "tsconfig.node.json"] },
  {
    name: "types (wallet)",
    script: bin("typescript/bin/tsc"),
    args: ["-p", "tsconfig.wallet.json"],
  },
  {
    name: "types (console)",
    script: bin("typescript/bin/tsc"),
    args: ["-p", "tsconfig.console.json"],
  },
  { name: "lint", script: bin("oxlint/bin/oxlint"), args: ["--type-aware"] },
  {
    name: "format",
    script: bin("prettier/bin/prettier.cjs"),
    args: ["--check", "--log-level=warn", "."],
  },
  { name: "rooms", script: join(root, "tools/check-rooms.ts"), args: [] },
];

function run(check: Check): Promise<Outcome> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [check.script, ...check.args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  return new Promise((resolve) => {
    child.on("close", (code) => {
      resolve({
        ...check,
        code: code ?? 1,
        output,
        seconds: (performance.now() - startedAt) / 1_000,
      });
    });
  });
}

mkdirSync(join(root, ".cache"), { recursive: true });
const outcomes = await Promise.all(checks.map(run));
for (const outcome of outcomes) {
  const sign = outcome.code === 0 ? "✔" : "✖";
  console.error(`${sign} ${outcome.name} ${outcome.seconds.toFixed(1)} s`);
  if (outcome.code !== 0) console.error(outcome.output.trimEnd());
}
process.exitCode = outcomes.every((outcome) => outcome.code === 0) ? 0 : 1;
