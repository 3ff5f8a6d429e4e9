/**
 * What `npx tideway doctor` can say before anything is installed; afterwards src/doctor/ says it
 * all. Plain JavaScript for Node 20, without dependencies.
 */
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, realpathSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";

const EXIT_OK = 0;
const EXIT_NOT_HEALTHY = 3;
const MEGABYTE = 1_048_576;

export async function bareDoctor({ checkout, node, args, env = process.env }) {
  const home = homeFolder(checkout, env, args);
  const checks = [
    nodeCheck(node),
    fail("installation", "NOT_INSTALLED", "Nothing is installed yet.", "npm ci"),
    ...(await portChecks(env, args)),
    diskCheck(home, env),
    homeCheck(home),
  ];
  if (args.includes("--json"))
    console.log(
      JSON.stringify({ healthy: false, mended: [], checks: checks.map(viewOf) }, null, 2),
    );
  else for (const check of checks) tell(check);
  return checks.every(({ code }) => code === null) ? EXIT_OK : EXIT_NOT_HEALTHY;
}

function nodeCheck(node) {
  if (node !== null) return pass("node", node);
  const message = `Node ${process.version} runs here; the Node 24 that Tideway brings is not there.`;
  return fail("node", "NODE_TOO_OLD", message, "npm ci --include=optional");
}

async function portChecks(env, args) {
  const first = Number(valueOf(args, "--port") ?? env.TIDEWAY_PORT ?? 8080);
  const checks = [];
  for (const [offset, purpose] of ["public", "operators", "internal"].entries()) {
    const port = first + offset;
    const problem = await new Promise((done) => {
      const server = createServer().on("error", (error) => done(error.code));
      server.listen({ host: "127.0.0.1", port, exclusive: true }, () =>
        server.close(() => done(null)),
      );
    });
    const message = `Port ${port} (${purpose}) cannot be had: ${problem}.`;
    const mend = `npx tideway up --port ${first + 1_000}`;
    checks.push(
      problem === null
        ? pass(`port ${port}`, "free")
        : fail(`port ${port}`, "PORT_TAKEN", message, mend),
    );
  }
  return checks;
}

function diskCheck(home, env) {
  const needed = Number(env.TIDEWAY_DISK_FREE_MIN_MB ?? 1_024);
  const { bavail, bsize } = statfsSync(nearest(home));
  const free = Math.floor((bavail * bsize) / MEGABYTE);
  if (free >= needed) return pass("disk", `${free} MB free`);
  const message = `${home} has ${free} MB free, ${needed} are needed.`;
  return fail("disk", "DISK_FULL", message, "TIDEWAY_HOME=/folder/with/room npx tideway up");
}

function homeCheck(home) {
  try {
    accessSync(nearest(home), constants.W_OK | constants.X_OK);
    return pass("home", home);
  } catch (error) {
    const message = `${home} cannot be written: ${error.message}.`;
    return fail(
      "home",
      "HOME_NOT_WRITABLE",
      message,
      `sudo chown -R ${process.env.USER ?? process.getuid?.()} ${home}`,
    );
  }
}

function homeFolder(checkout, env, args) {
  const given = valueOf(args, "--home") ?? env.TIDEWAY_HOME;
  if (given) return resolve(given);
  const root = realpathSync(checkout);
  if (process.getuid?.() !== 0) return join(root, ".tideway");
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 12);
  return join("/var/lib/tideway", hash);
}

function nearest(folder) {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

function valueOf(args, name) {
  const inline = args.find((arg) => arg.startsWith(`${name}=`));
  if (inline !== undefined) return inline.slice(name.length + 1);
  return args.includes(name) ? args[args.indexOf(name) + 1] : undefined;
}

function pass(name, told) {
  return { name, told, code: null, message: null, mend: null };
}

function fail(name, code, message, mend) {
  return { name, told: null, code, message, mend };
}

function tell({ name, told, code, message, mend }) {
  if (code === null) console.error(`✓ ${name}: ${told}`);
  else console.error(`✗ ${name}: ${message}\n  ${code}  mend: ${mend}`);
}

function viewOf({ name, told, code, message, mend }) {
  const failures = code === null ? [] : [{ code, message, mend, given: {}, fixable: false }];
  return { check: name, ok: code === null, told, failures };
}
