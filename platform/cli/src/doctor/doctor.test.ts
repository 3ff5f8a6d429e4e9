/** Every failure doctor names is caused for real, told with its code, and mended where it says so. */
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { until } from "@tideway/kernel";
import { backendsOf, findPostmaster, isPostgresReady } from "@tideway/supervisor";
import { Client } from "pg";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { doctor } from "../commands/doctor.ts";
import { homeOf } from "../home.ts";
import type { Home } from "../home.ts";
import { databaseUser } from "../postgres/database-user.ts";
import { preparePostgres } from "../postgres/prepare.ts";
import { postgresFiles, superuserUrl } from "../postgres/start-options.ts";
import { readSupervisor, startSupervisor, writeSupervisorOptions } from "../supervisor-client.ts";
import { aHome, aPreparedHome, freePorts, removeHome, repository, run } from "../test/a-home.ts";
import { upOptionsOf } from "../up/up-options.ts";
import { homeCheck } from "./home-checks.ts";
import { installationCheck } from "./machine-checks.ts";

const isRoot = process.getuid?.() === 0;
const template = aHome();
let home: Home;
let port = 0;

beforeEach(async () => {
  home = aPreparedHome(template);
  port = await freePorts();
});

afterEach(() => removeHome(home));
afterAll(() => removeHome(template));

interface Told {
  readonly code: number;
  readonly failures: readonly { code: string; message: string; mend: string }[];
  readonly mended: readonly string[];
}

async function examined(env: NodeJS.ProcessEnv = {}, ...rest: string[]): Promise<Told> {
  const args = ["doctor", "--json", "--home", home.folder, "--port", String(port), ...rest];
  const { code, stdout } = await run([doctor], args, env, repository);
  const { checks, mended } = JSON.parse(stdout) as {
    checks: { failures: Told["failures"] }[];
    mended: string[];
  };
  return { code, failures: checks.flatMap(({ failures }) => failures), mended };
}

const codes = ({ failures }: Told): string[] => failures.map(({ code }) => code);

test("a whole home on a fit machine is healthy", async () => {
  expect(await examined()).toEqual({ code: 0, failures: [], mended: [] });
});

describe("the machine", () => {
  test("a taken port is named with the command for free ones, which are free", async () => {
    const holder = createServer().listen(port + 1, "127.0.0.1");
    await once(holder, "listening");
    const told = await examined();
    holder.close();
    expect(told.code).toBe(3);
    expect(codes(told)).toEqual(["PORT_TAKEN"]);
    expect(told.failures[0]?.message).toContain(String(port + 1));
    port = Number(/--port (\d+)$/.exec(told.failures[0]?.mend ?? "")?.[1]);
    expect(codes(await examined())).toEqual([]);
  });

  test("a disk with too little room", async () => {
    const told = await examined({ TIDEWAY_DISK_FREE_MIN_MB: "999999999" });
    expect(told).toMatchObject({ code: 3, failures: [{ code: "DISK_FULL" }] });
  });

  test("packages that do not match the lockfile", () => {
    const checkout = fs.mkdtempSync("/tmp/tideway-bare-");
    fs.mkdirSync(join(checkout, "tools"));
    const tool = join(repository, "tools/install.mjs");
    fs.copyFileSync(tool, join(checkout, "tools/install.mjs"));
    fs.writeFileSync(join(checkout, "package-lock.json"), '{"packages":{"":{}}}');
    const up = upOptionsOf(NO_FLAGS, {});
    const found = installationCheck.run({ home, checkout, env: {}, up });
    expect(found).toMatchObject([{ error: { code: "NOT_INSTALLED" } }]);
    fs.rmSync(checkout, { recursive: true });
  });

  test.runIf(isRoot)("root without any user to lend PostgreSQL", () => {
    expect(() => databaseUser(0, ["no-such-user-1", "no-such-user-2"])).toThrow(
      expect.objectContaining({ code: "ROOT_WITHOUT_USER" }),
    );
  });

  test("a path too deep for a socket goes below the temporary folder, and fails only there", () => {
    const deep = `/tmp/${"deep/".repeat(30)}home`;
    const options = { checkout: "/", env: {}, homeFolder: deep };
    expect(Buffer.byteLength(homeOf(options).databaseSocket)).toBeLessThanOrEqual(107);
    const far = homeOf({ ...options, temporaryFolder: `/tmp/${"deep/".repeat(30)}` });
    expect(Buffer.byteLength(far.databaseSocket)).toBeGreaterThan(107);
  });
});

describe("the home", () => {
  test("that cannot be written", async () => {
    const file = join(dirname(home.folder), "file");
    fs.writeFileSync(file, "");
    const up = upOptionsOf(NO_FLAGS, {});
    const inside = homeOf({ checkout: "/", env: {}, homeFolder: join(file, "home") });
    const found = await homeCheck.run({ home: inside, checkout: "/", env: {}, up });
    expect(found).toMatchObject([{ error: { code: "HOME_NOT_WRITABLE" } }]);
  });

  test("whose cluster lost a part", async () => {
    fs.rmSync(join(home.postgres, "data/global/pg_control"));
    const told = await examined();
    expect(codes(told)).toEqual(["POSTGRES_DATA_BROKEN"]);
    expect(told.failures[0]?.mend).toContain(`mv ${home.postgres}/data`);
  });

  test("whose cluster was made by another version", async () => {
    fs.writeFileSync(join(home.postgres, "data/PG_VERSION"), "17\n");
    expect(codes(await examined())).toEqual(["POSTGRES_VERSION_MISMATCH"]);
  });

  test.runIf(isRoot)("whose cluster belongs to somebody else", async () => {
    fs.chownSync(join(home.postgres, "data"), 0, 0);
    expect(codes(await examined())).toEqual(["POSTGRES_DATA_OWNER"]);
  });

  test.runIf(isRoot)("that the database's user cannot enter", async () => {
    fs.chmodSync(dirname(home.folder), 0o700);
    expect(codes(await examined())).toEqual(["HOME_NOT_ENTERABLE"]);
  });

  test("whose run folder is a file: made anew by --fix, the old one kept aside", async () => {
    fs.rmSync(home.run, { recursive: true });
    fs.writeFileSync(home.run, "not a folder");
    expect(codes(await examined())).toEqual(["RUN_FOLDER_BROKEN"]);
    const told = await examined({}, "--fix");
    expect(told).toMatchObject({ code: 0, failures: [] });
    expect(told.mended[0]).toContain("run.broken-");
    expect(fs.statSync(home.run).isDirectory()).toBe(true);
  });
});

describe("left over from a crash", () => {
  const files = () => postgresFiles(home);

  beforeEach(async () => {
    const processes = [preparePostgres(home, { user: databaseUser(), env: {}, unsafe: false })];
    writeSupervisorOptions(home, { runFolder: home.run, processes });
    await startSupervisor(home);
    await until(() => isPostgresReady(files()), {
      deadlineMs: 20_000,
      what: "PostgreSQL is ready",
    });
  });

  test("PostgreSQL without its supervisor: told, and shut down in order by --fix", async () => {
    await killSupervisor();
    expect(codes(await examined())).toEqual(["POSTMASTER_ORPHANED"]);
    expect(await examined({}, "--fix")).toMatchObject({ code: 0, failures: [] });
    expect(findPostmaster(files())).toBeNull();
    expect(fs.readFileSync(join(home.logs, "postgres.log"), "utf8")).toContain("is shut down");
  });

  test("a session at work without its server: told, and ended by --fix", async () => {
    const client = new Client({ connectionString: superuserUrl(home) });
    client.on("error", () => undefined); // We kill the server under it.
    await client.connect();
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    // Counting never looks whether the server lives, unlike pg_sleep.
    client.query("select count(*) from generate_series(1, 100000000000)").catch(() => undefined);
    await killSupervisor();
    process.kill(findPostmaster(files())?.pid ?? 0, "SIGKILL");
    await until(() => findPostmaster(files()) === null, { deadlineMs: 5_000, what: "it is dead" });
    expect(backendsOf(files().clusterName)).toContain(rows[0]?.pid);
    expect(codes(await examined())).toEqual(["BACKENDS_ORPHANED"]);
    expect(await examined({}, "--fix")).toMatchObject({ code: 0, failures: [] });
    expect(backendsOf(files().clusterName)).toEqual([]);
  });

  test("while a supervisor lives nothing is an orphan", async () => {
    expect(await examined({}, "--fix")).toEqual({ code: 0, failures: [], mended: [] });
    expect(isPostgresReady(files())).toBe(true);
  });
});

const NO_FLAGS = {
  port: undefined,
  "operators-port": undefined,
  "internal-port": undefined,
  profile: undefined,
  unsafe: false,
};

async function killSupervisor(): Promise<void> {
  process.kill(readSupervisor(home).status?.pid ?? 0, "SIGKILL");
  await until(() => !readSupervisor(home).alive, { deadlineMs: 5_000, what: "it is dead" });
}
