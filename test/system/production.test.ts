/**
 * The production profile through the real command line: what it refuses, each with its own code,
 * and that what it starts has no demo people, no demo operator and no demo money.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DEMO_OPERATOR } from "@tideway/api-admin";
import { DEMO_PASSWORD, DEMO_PEOPLE } from "@tideway/api-identity";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install } from "./harness.ts";
import type { Installation } from "./harness.ts";

const checkout = join(import.meta.dirname, "../..");
const bin = join(checkout, "platform/cli/bin/tideway.js");
let folder: string;
let complete: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tw-production-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = [
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost",
  ];
  execFileSync("openssl", [...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const masterKey = join(folder, "master.key");
  writeFileSync(masterKey, randomBytes(32).toString("base64"), { mode: 0o600 });
  complete = {
    TIDEWAY_TLS_CERT: cert,
    TIDEWAY_TLS_KEY: key,
    TIDEWAY_MASTER_KEY_FILE: masterKey,
    TIDEWAY_LISTEN_HOST: "127.0.0.1",
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("refusals", () => {
  const without = (name: string): Record<string, string> =>
    Object.fromEntries(Object.entries(complete).filter(([key]) => key !== name));

  async function refusal(
    variables: Record<string, string>,
    options: readonly string[] = [],
    prepare: (home: string) => void = () => {},
  ): Promise<string> {
    const home = mkdtempSync(join(folder, "home-"));
    prepare(home);
    const env = { ...process.env, TIDEWAY_HOME: home, ...variables };
    const args = [bin, "up", "--detach", "--profile", "production", ...options];
    const answer = await promisify(execFile)(process.execPath, args, { env }).catch(
      (error: unknown) => error,
    );
    return /[A-Z]+(?:_[A-Z]+)+/.exec(String(Reflect.get(Object(answer), "stderr")))?.[0] ?? "none";
  }

  test.each([
    [
      "no certificate and no trusted proxy",
      () => refusal(without("TIDEWAY_TLS_CERT")),
      "PRODUCTION_WITHOUT_TLS",
    ],
    [
      "a certificate without its key",
      () => refusal(without("TIDEWAY_TLS_KEY")),
      "PRODUCTION_WITHOUT_TLS",
    ],
    [
      "no master key of its own",
      () => refusal(without("TIDEWAY_MASTER_KEY_FILE")),
      "PRODUCTION_MASTER_KEY",
    ],
    ["--unsafe", () => refusal(complete, ["--unsafe"]), "PRODUCTION_UNSAFE"],
    [
      "a home that was begun as a demo",
      () => refusal(complete, [], (home) => writeFileSync(join(home, "profile"), "demo\n")),
      "PRODUCTION_DEMO_DATA",
    ],
    [
      "data of unknown descent",
      () =>
        refusal(complete, [], (home) =>
          mkdirSync(join(home, "postgres/data"), { recursive: true }),
        ),
      "PRODUCTION_DEMO_DATA",
    ],
  ])("%s", async (_, attempt, code) => {
    expect(await attempt()).toBe(code);
  });
});

describe("a production installation", () => {
  let tideway: Installation;
  beforeAll(async () => {
    tideway = await install(complete, ["--profile", "production"]);
  });
  afterAll(() => tideway.stop());

  test("answers over TLS, and knows none of the demo people", async () => {
    const body = { email: DEMO_PEOPLE[0].email, password: DEMO_PASSWORD };
    const answer = await post("/api/identity/sessions", body);
    expect(answer).toMatchObject({ status: 401, code: "CREDENTIALS_WRONG" });
  });

  test("gives no demo money, and its session cookie is Secure", async () => {
    const person = { email: "grace@tideway.example", password: "a long password", name: "Grace" };
    const session = await post("/api/identity/people", person);
    expect(session.status).toBe(201);
    expect(session.cookies.join()).toMatch(/HttpOnly.*Secure|Secure.*HttpOnly/);
    const topUp = await post("/api/payments/demo/top-up", {}, session.accessToken);
    expect(topUp).toMatchObject({ status: 403, code: "TOP_UP_UNAVAILABLE" });
  });

  test("has no demo operator, and operators are added by whoever runs it", async () => {
    expect(await signInOperator(DEMO_OPERATOR)).toBe(401);
    const grace = { name: "grace", password: "a very long password" };
    const added = await addOperator(grace.name, grace.password);
    expect(added).toBe(0);
    expect(await signInOperator(grace)).toBe(200);
    // Wrong usage, as the command line tells it.
    expect(await addOperator("short", "tiny")).toBe(2);
  });

  async function signInOperator(body: object): Promise<number> {
    const answer = await fetch(`${tideway.operatorsUrl}/api/admin/sessions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return answer.status;
  }

  function addOperator(name: string, password: string): Promise<number | null> {
    const child = spawn(process.execPath, [bin, "operator", "add", name], {
      env: tideway.env,
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.end(`${password}\n`);
    return new Promise((resolve) => child.on("close", resolve));
  }

  interface Posted {
    readonly status: number;
    readonly code: string;
    readonly accessToken: string;
    readonly cookies: readonly string[];
  }

  function post(path: string, body: object, token?: string): Promise<Posted> {
    const text = JSON.stringify(body);
    const headers = {
      "content-type": "application/json",
      "idempotency-key": crypto.randomUUID(),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const ca = readFileSync(complete["TIDEWAY_TLS_CERT"] ?? "");
    const target = { host: "127.0.0.1", port: tideway.port, servername: "localhost", path, ca };
    return new Promise((resolve, reject) => {
      const asked = request({ ...target, method: "POST", headers }, (res) => {
        let answer = "";
        res.on("data", (data: Buffer) => (answer += data.toString()));
        res.on("end", () => {
          const fields: unknown = JSON.parse(answer);
          const field = (name: string) => String(Reflect.get(Object(fields), name));
          const cookies = res.headers["set-cookie"] ?? [];
          const status = res.statusCode ?? 0;
          resolve({ status, code: field("code"), accessToken: field("accessToken"), cookies });
        });
      });
      asked.on("error", reject).end(text);
    });
  }
});
