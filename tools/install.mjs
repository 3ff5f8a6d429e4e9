/**
 * Runs before `npm start` and `npm test`: installs what the lockfile names when node_modules does
 * not hold exactly that, and is silent and quick when it does. Plain JavaScript for Node 20, without
 * dependencies, since nothing is installed when it is needed.
 *
 *   node tools/install.mjs           installs when necessary
 *   node tools/install.mjs --check   prints what is wrong and ends with 1, installs nothing
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCK_WAIT_MS = 15 * 60_000;
const LOCK_RETRY_MS = 250;

if (process.argv.includes("--check")) {
  const problem = installationProblem(ROOT);
  if (problem !== null) console.log(problem);
  process.exitCode = problem === null ? 0 : 1;
} else {
  process.exitCode = await install(ROOT);
}

async function install(root) {
  if (installationProblem(root) === null) return 0;
  const release = await lock(join(root, ".cache", "install"));
  try {
    // Whoever held the lock before us may have done it.
    const problem = installationProblem(root);
    if (problem === null) return 0;
    console.error(`Installing: ${problem}.`);
    const startedAtMs = Date.now();
    const code = await npmCi(root);
    const left = code === 0 ? installationProblem(root) : `npm ci ended with code ${code}`;
    if (left !== null) return fail(left);
    console.error(`✓ installed  ${((Date.now() - startedAtMs) / 1_000).toFixed(1)} s`);
    return 0;
  } finally {
    release();
  }
}

/** Why what is installed is not what the lockfile names, in a few words; null when it is. */
function installationProblem(root) {
  const wanted = packagesOf(join(root, "package-lock.json"));
  if (wanted === null) return "package-lock.json cannot be read";
  const hidden = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return "nothing is installed yet";
  const present = packagesOf(hidden);
  if (present === null) return "node_modules/.package-lock.json cannot be read";
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue; // The root itself; npm does not repeat it.
    const found = present[path];
    if (found === undefined && !entry.optional) return `${path} is missing`;
    if (found === undefined) continue;
    if (identityOf(found) !== identityOf(entry)) return `${path} differs`;
    if (!path.startsWith("node_modules/") || entry.link) continue;
    // npm's own note may run ahead: `npm install --package-lock-only` writes it and installs nothing.
    const version = versionIn(join(root, path));
    if (version !== entry.version) return `${path} is ${version} instead of ${entry.version}`;
  }
  const extra = Object.keys(present).find((path) => wanted[path] === undefined);
  if (extra !== undefined) return `${extra} is too much`;
  return nodeProblem(root, wanted);
}

/** Node 24 is an optional package: npm goes on without it where it cannot be had. */
function nodeProblem(root, wanted) {
  const node = "node_modules/node";
  if (wanted[node] === undefined || Number(process.versions.node.split(".")[0]) >= 24) return null;
  if (!existsSync(join(root, node, "bin", "node"))) return `${node}/bin/node is missing`;
  return null;
}

/** Where a package comes from does not matter (mirrors), what is in it does. */
function identityOf({ version, integrity, link, dependencies, optionalDependencies }) {
  return JSON.stringify({ version, integrity, link, dependencies, optionalDependencies });
}

function versionIn(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
  } catch {
    return "not there"; // Or not whole, which comes to the same.
  }
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? null;
  } catch {
    return null; // Missing or half written; both are told by the caller.
  }
}

function npmCi(root) {
  // Under `npm start` npm says where it is itself; otherwise the one on the path is meant.
  const own = process.env.npm_execpath;
  const command = own?.endsWith(".js") ? process.execPath : "npm";
  const args = [
    ...(command === "npm" ? [] : [own]),
    "ci",
    "--no-fund",
    "--no-audit",
    "--loglevel=error",
  ];
  // stdout is for data; what npm says is progress.
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => child.kill(name));
  return new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

function fail(problem) {
  console.error(`✗ not installed: ${problem}.`);
  if (problem.startsWith("node_modules/node/"))
    console.error(
      "  npm left Node 24 out: npm ci --include=optional, or run everything with a Node 24 of your own.",
    );
  else if (problem.includes("code 127"))
    console.error("  There is no npm: install Node 20 or later with it.");
  else
    console.error(
      "  Read what npm said above. If it names allowScripts, the package's install script is not in\n" +
        "  package.json's list: git checkout package.json package-lock.json && npm ci. Otherwise: npm ci",
    );
  return 1;
}

/**
 * One install at a time: each leaves a mark and then looks round; who sees a living other withdraws,
 * waits a while (not all the same) and tries again. The mark of one that was killed does not count.
 */
async function lock(folder) {
  const mine = `${process.pid} ${startOf(process.pid)}`;
  const deadline = Date.now() + LOCK_WAIT_MS;
  mkdirSync(folder, { recursive: true });
  for (let told = false; ; told = true) {
    writeFileSync(join(folder, mine), "");
    const others = readdirSync(folder).filter((name) => name !== mine);
    const alive = others.filter(
      (name) => `${parseInt(name, 10)} ${startOf(parseInt(name, 10))}` === name,
    );
    for (const dead of others.filter((name) => !alive.includes(name)))
      rmSync(join(folder, dead), { force: true });
    if (alive.length === 0) return () => rmSync(join(folder, mine), { force: true });
    rmSync(join(folder, mine), { force: true });
    if (!told) console.error(`Waiting for another installation (pid ${parseInt(alive[0], 10)}).`);
    if (Date.now() > deadline)
      throw new Error(`Another installation did not end: ${alive.join(", ")}.`);
    await sleep(LOCK_RETRY_MS * (0.5 + Math.random()));
  }
}

/** When a process began: a pid alone may be somebody else's by now. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    const { stdout } = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return stdout?.trim() || "none";
  }
}
