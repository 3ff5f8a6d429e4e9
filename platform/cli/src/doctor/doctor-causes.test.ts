/** Causes that need the machine's help: a disk that is really full, an address that is not ours. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { doctor } from "../commands/doctor.ts";
import { freePorts, repository, run } from "../test/a-home.ts";

const canMount = process.platform === "linux" && process.getuid?.() === 0;
let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync("/tmp/tideway-causes-");
  fs.chmodSync(folder, 0o755);
});
afterEach(() => {
  if (canMount) spawnSync("umount", [folder], { stdio: "ignore" });
  fs.rmSync(folder, { recursive: true, force: true });
});

async function failuresOf(home: string, env: NodeJS.ProcessEnv = {}) {
  const args = ["doctor", "--json", "--home", home, "--port", String(await freePorts())];
  const { code, stdout } = await run([doctor], args, env, repository);
  // The command documents this shape.
  const { checks } = JSON.parse(stdout) as {
    checks: { failures: { code: string; mend: string }[] }[];
  };
  return { code, failures: checks.flatMap(({ failures }) => failures) };
}

test.runIf(canMount)(
  "a disk of 64 MB is told with what is free and what is needed",
  async ({ skip }) => {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], {
        stdio: "ignore",
      });
    } catch {
      skip(
        "A small disk cannot be mounted here; doctor.test.ts covers the words by a given minimum.",
      );
    }
    const told = await failuresOf(join(folder, "home"));
    expect(told.code).toBe(3);
    expect(told.failures.map(({ code }) => code)).toEqual(["DISK_FULL"]);
  },
);

test("an address that this machine does not have", async () => {
  const env = {
    TIDEWAY_PROFILE: "production",
    // TEST-NET-1 (RFC 5737): it is only asked of the kernel, nothing is sent.
    TIDEWAY_LISTEN_HOST: "192.0.2.1",
    TIDEWAY_TRUSTED_PROXY: "192.0.2.1",
  };
  const told = await failuresOf(join(folder, "home"), env);
  expect(told.code).toBe(3);
  expect(told.failures.map(({ code }) => code)).toContain("PORT_FORBIDDEN");
});

test("a home too deep for sockets on a machine whose temporary folder is too deep as well", async () => {
  const before = process.env["TMPDIR"];
  const deep = join(folder, "d".repeat(60), "e".repeat(60));
  fs.mkdirSync(deep, { recursive: true });
  process.env["TMPDIR"] = deep;
  try {
    const told = await failuresOf(join(deep, "home"));
    expect(told.code).toBe(3);
    expect(told.failures.map(({ code }) => code)).toContain("SOCKET_PATH_TOO_LONG");
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
});

/** The Node that the machine itself has, as a newcomer's would be. */
const systemNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => fs.existsSync(path));
const systemMajor = systemNode
  ? Number(
      execFileSync(systemNode, ["-p", "process.versions.node"], { encoding: "utf8" }).split(".")[0],
    )
  : 24;

test.runIf(systemMajor < 24)("an older Node without an installation beside it", () => {
  for (const path of [
    "platform/cli/bin",
    "tools/install.mjs",
    "package.json",
    "package-lock.json",
  ]) {
    fs.cpSync(join(repository, path), join(folder, path), { recursive: true });
  }
  const bin = join(folder, "platform/cli/bin/tideway.js");
  const told = spawnSync(systemNode ?? "", [bin, "doctor"], { encoding: "utf8" });
  expect(told.status).toBe(3);
  expect(told.stdout + told.stderr).toContain("NODE_TOO_OLD");
  expect(told.stdout + told.stderr).toContain("npm ci");
});
