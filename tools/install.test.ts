/**
 * The installer on a small project of its own, with the real npm and no network: its one package
 * comes from a tarball. A preinstall script counts how often npm really installed.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const TOOL = join(import.meta.dirname, "install.mjs");
let root = "";

beforeEach(() => {
  root = fs.mkdtempSync("/tmp/tideway-install-");
  fs.mkdirSync(join(root, "tools"));
  fs.copyFileSync(TOOL, join(root, "tools/install.mjs"));
  makePackage("1.0.0");
  npm("install", "--package-lock-only");
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

describe("install", () => {
  test("installs what is missing once, with a tick and its time, then is silent", async () => {
    const first = await install();
    expect(first.code).toBe(0);
    expect(first.stdout).toBe("");
    expect(first.stderr).toMatch(/✓ installed {2}\d+\.\d s/);
    expect(fs.existsSync(join(root, "node_modules/leaf/package.json"))).toBe(true);
    expect(await install()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(installations()).toBe(1);
  });

  test("installs again when the lockfile names another version, or what is there is not whole", async () => {
    await install();
    makePackage("1.0.1");
    // This npm command writes node_modules/.package-lock.json too, although it installs nothing.
    npm("install", "--package-lock-only");
    expect((await check()).stdout).toContain("node_modules/leaf is 1.0.0 instead of 1.0.1");
    expect((await install()).code).toBe(0);
    expect(await check()).toMatchObject({ code: 0 });
    fs.rmSync(join(root, "node_modules/.package-lock.json"));
    expect((await check()).stdout).toContain("nothing is installed");
    fs.writeFileSync(join(root, "node_modules/.package-lock.json"), '{"packages":{}}');
    expect((await check()).stdout).toContain("node_modules/leaf is missing");
    fs.rmSync(join(root, "node_modules/leaf"), { recursive: true });
    fs.writeFileSync(join(root, "node_modules/.package-lock.json"), "half");
    expect((await install()).code).toBe(0);
    expect(installations()).toBe(3);
  });

  test("two at once: one installs, the other waits, and both are content", async () => {
    const [one, two] = await Promise.all([install(), install()]);
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(installations()).toBe(1);
    expect(await check()).toMatchObject({ code: 0 });
    expect(fs.readdirSync(join(root, ".cache/install"))).toEqual([]);
  });

  test("the mark of an installation that was killed holds nobody up", async () => {
    fs.mkdirSync(join(root, ".cache/install"), { recursive: true });
    fs.writeFileSync(join(root, ".cache/install", `${process.pid} 1`), "");
    expect((await install()).code).toBe(0);
  });

  test("a failing npm is told with what to do, and fails", async () => {
    const manifest = { name: "project", version: "1.0.0", dependencies: { other: "file:x.tgz" } };
    fs.writeFileSync(join(root, "package.json"), JSON.stringify(manifest));
    const told = await install();
    expect(told.code).toBe(1);
    expect(told.stderr).toContain("✗ not installed: npm ci ended with code");
    expect(told.stderr).toContain("npm ci");
    expect(fs.readdirSync(join(root, ".cache/install"))).toEqual([]);
  });
});

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const install = (): Promise<Ran> => run();
const check = (): Promise<Ran> => run("--check");

async function run(...args: string[]): Promise<Ran> {
  const { npm_execpath: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(root, "tools/install.mjs"), ...args], {
    env: { ...env, npm_config_offline: "true", npm_config_loglevel: "error" },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

/** The project, and a tarball of its one dependency. */
function makePackage(version: string): void {
  const leaf = join(root, "leaf");
  fs.rmSync(leaf, { recursive: true, force: true });
  fs.mkdirSync(leaf);
  fs.writeFileSync(join(leaf, "package.json"), JSON.stringify({ name: "leaf", version }));
  npm("pack", "./leaf");
  fs.rmSync(leaf, { recursive: true });
  const count = `node -e "require('fs').appendFileSync('installations', 'x')"`;
  const manifest = {
    name: "project",
    version: "1.0.0",
    dependencies: { leaf: `file:leaf-${version}.tgz` },
    scripts: { preinstall: count },
  };
  fs.writeFileSync(join(root, "package.json"), JSON.stringify(manifest));
}

function npm(...args: string[]): void {
  const quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];
  execFileSync("npm", [...args, ...quiet], { cwd: root, stdio: "pipe" });
}

function installations(): number {
  const file = join(root, "installations");
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").length : 0;
}
