import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { isCoded } from "@tideway/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prepareHome } from "../home.ts";
import type { Home } from "../home.ts";
import { databaseUser } from "../postgres/database-user.ts";
import { preparePostgres } from "../postgres/prepare.ts";
import { aHome } from "../test/a-home.ts";
import { checkProfile, firstProfileOf, settleProfile } from "./profile.ts";
import { healthUrlOf, upOptionsOf } from "./up-options.ts";

let home: Home;
let fit: NodeJS.ProcessEnv;

beforeEach(() => {
  home = aHome();
  const folder = dirname(home.folder);
  for (const name of ["cert.pem", "key.pem", "master.key"])
    fs.writeFileSync(join(folder, name), "x");
  fit = {
    TIDEWAY_TLS_CERT: join(folder, "cert.pem"),
    TIDEWAY_TLS_KEY: join(folder, "key.pem"),
    TIDEWAY_MASTER_KEY_FILE: join(folder, "master.key"),
  };
});

afterEach(() => fs.rmSync(dirname(home.folder), { recursive: true }));

describe("production", () => {
  const refusal = (env: NodeJS.ProcessEnv, unsafe = false): string | null =>
    codeOf(() => checkProfile(home, { profile: "production", unsafe, env }));

  test("starts with TLS, or behind a proxy, and a master key elsewhere", () => {
    expect(refusal(fit)).toBeNull();
    const { TIDEWAY_MASTER_KEY_FILE } = fit;
    expect(refusal({ TIDEWAY_MASTER_KEY_FILE, TIDEWAY_TRUSTED_PROXY: "10.0.0.1" })).toBeNull();
  });

  test("refuses --unsafe", () => {
    expect(refusal(fit, true)).toBe("PRODUCTION_UNSAFE");
  });

  test("refuses a home that ever was a demo, and one of unknown descent", () => {
    prepareHome(home, null);
    settleProfile(home, { profile: "demo", unsafe: false, env: {} });
    expect(refusal(fit)).toBe("PRODUCTION_DEMO_DATA");
    settleProfile(home, { profile: "production", unsafe: false, env: fit });
    expect(firstProfileOf(home)).toBe("demo");
    fs.rmSync(join(home.folder, "profile"));
    expect(refusal(fit)).toBeNull();
    fs.mkdirSync(join(home.postgres, "data"));
    expect(refusal(fit)).toBe("PRODUCTION_DEMO_DATA");
  });

  test.each([
    ["neither TLS nor proxy", { TIDEWAY_TLS_CERT: "" }],
    ["no key for the certificate", { TIDEWAY_TLS_KEY: "" }],
    ["a certificate that is not there", { TIDEWAY_TLS_CERT: "/nowhere/cert.pem" }],
  ])("refuses %s", (_, change) => {
    expect(refusal({ ...fit, ...change })).toBe("PRODUCTION_WITHOUT_TLS");
  });

  test("refuses a master key that is missing, or lies beside the data, by a link too", () => {
    prepareHome(home, null);
    const inside = join(home.secrets, "master.key");
    fs.writeFileSync(inside, "x");
    const link = join(dirname(home.folder), "link.key");
    fs.symlinkSync(inside, link);
    for (const TIDEWAY_MASTER_KEY_FILE of ["", "/nowhere/key", inside, link])
      expect(refusal({ ...fit, TIDEWAY_MASTER_KEY_FILE })).toBe("PRODUCTION_MASTER_KEY");
  });
});

describe("demo", () => {
  test("makes its own master key, readable by us alone", () => {
    prepareHome(home, null);
    settleProfile(home, { profile: "demo", unsafe: false, env: {} });
    expect(fs.statSync(join(home.secrets, "master.key")).mode & 0o777).toBe(0o600);
  });

  test("binds to loopback and refuses anything else", () => {
    expect(upOptionsOf(FLAGS, {}).listeners.public.host).toBe("127.0.0.1");
    const elsewhere = { TIDEWAY_LISTEN_HOST: "0.0.0.0" };
    expect(codeOf(() => upOptionsOf(FLAGS, elsewhere))).toBe("DEMO_NOT_ON_LOOPBACK");
  });
});

describe("options", () => {
  test("ports follow the public one; flags win over variables", () => {
    const { listeners } = upOptionsOf({ ...FLAGS, "internal-port": "9" }, { TIDEWAY_PORT: "9000" });
    expect(Object.values(listeners).map(({ port }) => port)).toEqual([9000, 9001, 9]);
    expect(upOptionsOf({ ...FLAGS, port: "1" }, { TIDEWAY_PORT: "9" }).listeners.public.port).toBe(
      1,
    );
  });

  test.each(["0", "65534", "80a", "-1", ""])("%j is not a port", (port) => {
    expect(codeOf(() => upOptionsOf({ ...FLAGS, port }, {}))).toBe("OPTION_VALUE_INVALID");
  });

  test("a certificate makes the public address https and opens it to the world", () => {
    const up = upOptionsOf({ ...FLAGS, profile: "production" }, fit);
    expect(up.listeners.public).toMatchObject({ host: "0.0.0.0", url: "https://127.0.0.1:8080" });
    expect(healthUrlOf(up.listeners.public, fit)).toBe("https://127.0.0.1:8080/health");
    expect(healthUrlOf(up.listeners.operators, fit)).toBe("http://127.0.0.1:8081/health");
  });
});

describe("durability", () => {
  const prepared = (unsafe: boolean, env: NodeJS.ProcessEnv = {}): string | null => {
    const user = databaseUser();
    return codeOf(() => preparePostgres(home, { user, env, unsafe }));
  };

  test("off is refused wherever it was said, unless --unsafe", () => {
    prepareHome(home, databaseUser());
    expect(prepared(false)).toBeNull();
    for (const setting of ["fsync", "full_page_writes", "synchronous_commit"])
      expect(prepared(false, { TIDEWAY_POSTGRES_SETTINGS: `${setting}=off` })).toBe(
        "DURABILITY_OFF",
      );
    fs.appendFileSync(join(home.postgres, "data/postgresql.auto.conf"), "fsync = 'off'\n");
    expect(prepared(false)).toBe("DURABILITY_OFF");
    expect(prepared(true)).toBeNull();
  });
});

const FLAGS = {
  port: undefined,
  "operators-port": undefined,
  "internal-port": undefined,
  profile: undefined,
  unsafe: false,
};

function codeOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (isCoded(error)) return error.code;
    throw error;
  }
}
