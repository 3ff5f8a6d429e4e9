/** PostgreSQL as it is installed, killed in every way a machine has, with a session at work. */
import * as fs from "node:fs";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { backendsOf, clearAfterCrash, findPostmaster, isPostgresReady } from "@tideway/supervisor";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareHome } from "../home.ts";
import { startSupervisor, writeSupervisorOptions } from "../supervisor-client.ts";
import { readSupervisor } from "../supervisor-client.ts";
import { stopAll } from "../stop-all.ts";
import { aHome, removeHome } from "../test/a-home.ts";
import { databaseUser } from "./database-user.ts";
import { preparePostgres } from "./prepare.ts";
import { postgresFiles, superuserUrl } from "./start-options.ts";

const home = aHome();
const files = postgresFiles(home);
const user = databaseUser();

beforeAll(async () => {
  prepareHome(home, user);
  await startPostgres();
  await withClient((client) => client.query("create table kept (word text not null)"));
});

afterAll(() => removeHome(home));

describe("the cluster", () => {
  test("is UTF-8 with checksums and SCRAM, keeps every commit, and is named after the home", async () => {
    const settings = await withClient(async (client) => {
      const { rows } = await client.query<{ name: string; setting: string }>(
        "select name, setting from pg_settings where name = any($1)",
        [Object.keys(EXPECTED)],
      );
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    });
    expect(settings).toEqual(EXPECTED);
    await expect(connectAs("wrong")).rejects.toMatchObject({ code: "28P01" });
  });

  test.runIf(process.getuid?.() === 0)("never runs as root, and root's secrets stay root's", () => {
    const pid = findPostmaster(files)?.pid ?? 0;
    expect(fs.statSync(`/proc/${pid}`).uid).toBe(user?.uid);
    expect(fs.statSync(home.secrets)).toMatchObject({ uid: 0, mode: 0o40700 });
    expect(fs.statSync(join(home.run, "pg"))).toMatchObject({ uid: user?.uid, mode: 0o40700 });
  });

  const EXPECTED = {
    cluster_name: `tideway-${home.hash}`,
    data_checksums: "on",
    fsync: "on",
    full_page_writes: "on",
    listen_addresses: "",
    max_connections: "200",
    password_encryption: "scram-sha-256",
    server_encoding: "UTF8",
    synchronous_commit: "on",
  };
});

describe("kill -9", () => {
  test("of the server: orphaned backends are ended and it is back with every commit", async () => {
    await withClient((client) => client.query("insert into kept values ('before the crash')"));
    const session = await connectAs();
    const { rows } = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
    const backend = rows[0]?.pid ?? 0;
    // A stopped process cannot notice that its server died: the worst kind of orphan.
    process.kill(backend, "SIGSTOP");
    const postmaster = findPostmaster(files);
    process.kill(postmaster?.pid ?? 0, "SIGKILL");
    const startedAtMs = performance.now();
    await until(() => isPostgresReady(files) && findPostmaster(files)?.pid !== postmaster?.pid, {
      deadlineMs: 15_000,
      what: "PostgreSQL is back",
    });
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    expect(backendsOf(files.clusterName)).not.toContain(backend);
    const words = await withClient((client) => client.query("select word from kept"));
    expect(words.rows).toEqual([{ word: "before the crash" }]);
  });

  test("of the supervisor: PostgreSQL runs on, its sessions too, and is adopted", async () => {
    const session = await connectAs();
    const postmaster = findPostmaster(files);
    await killSupervisor();
    expect((await session.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await startSupervisor(home);
    await until(() => kept()?.running?.pid === postmaster?.pid, {
      deadlineMs: 5_000,
      what: "the successor names the same process",
    });
    expect((await session.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
    await session.end();
  });

  test("of the supervisor, its note lost: PostgreSQL is found by its own pid file", async () => {
    const postmaster = findPostmaster(files);
    await killSupervisor();
    fs.rmSync(join(home.run, "supervisor.json"));
    await startSupervisor(home);
    await until(() => kept()?.running?.pid === postmaster?.pid, {
      deadlineMs: 5_000,
      what: "the successor names the same process",
    });
  });

  test("of both: the next start clears what is left", async () => {
    const session = await connectAs();
    const { rows } = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
    process.kill(rows[0]?.pid ?? 0, "SIGSTOP");
    await killSupervisor();
    process.kill(findPostmaster(files)?.pid ?? 0, "SIGKILL");
    await until(() => findPostmaster(files) === null, { deadlineMs: 5_000, what: "it is dead" });
    expect(backendsOf(files.clusterName)).toContain(rows[0]?.pid);
    expect(fs.existsSync(join(files.dataFolder, "postmaster.pid"))).toBe(true);
    await startPostgres();
    expect((await withClient((client) => client.query("select 3 as three"))).rowCount).toBe(1);
  });

  test("a server that runs is never cleared away", async () => {
    await expect(clearAfterCrash(files)).rejects.toThrow("PostgreSQL runs");
  });
});

describe("stopping", () => {
  test("ends open sessions, leaves no process, and the next start needs no recovery", async () => {
    const session = await connectAs();
    expect(await stopAll(home)).toBe(true);
    await session.end().catch(() => undefined);
    expect(findPostmaster(files)).toBeNull();
    expect(backendsOf(files.clusterName)).toEqual([]);
    const log = join(home.logs, "postgres.log");
    const before = fs.statSync(log).size;
    await startPostgres();
    const text = fs.readFileSync(log, "utf8").slice(before);
    expect(text).toContain("ready to accept connections");
    expect(text).not.toContain("recovery");
  });
});

async function startPostgres(): Promise<void> {
  const postgres = preparePostgres(home, { user, env: {}, unsafe: false });
  writeSupervisorOptions(home, { runFolder: home.run, processes: [postgres] });
  await startSupervisor(home);
  await until(() => isPostgresReady(files), { deadlineMs: 30_000, what: "PostgreSQL is ready" });
}

async function killSupervisor(): Promise<void> {
  process.kill(readSupervisor(home).status?.pid ?? 0, "SIGKILL");
  await until(() => !readSupervisor(home).alive, { deadlineMs: 5_000, what: "it is dead" });
}

function kept() {
  return readSupervisor(home).status?.processes.find(({ name }) => name === "postgres");
}

async function connectAs(password?: string): Promise<Client> {
  const url = new URL(superuserUrl(home));
  if (password !== undefined) url.password = password;
  const client = new Client({ connectionString: url.href });
  client.on("error", () => undefined); // We kill the server under it.
  await client.connect();
  return client;
}

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectAs();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
