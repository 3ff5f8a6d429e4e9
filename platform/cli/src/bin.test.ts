/** bin/tideway.js as npm starts it: on this checkout, and on a bare copy without node_modules. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Home } from "./home.ts";
import { aHome, freePorts, removeHome, repository } from "./test/a-home.ts";

const BIN = "platform/cli/bin/tideway.js";
let home: Home;

beforeEach(() => {
  home = aHome();
});
afterEach(() => removeHome(home));

describe("installed", () => {
  test("runs the command with its exit code", async () => {
    expect(await run(repository, "--help")).toMatchObject({ code: 0 });
    expect(await run(repository, "nonsense")).toMatchObject({ code: 2 });
    expect(await run(repository, "status", "--home", home.folder)).toMatchObject({ code: 3 });
  });
});

describe("the wrapper", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "hands %s on, waits until the command has drained, and ends as it did",
    async (signal) => {
      const checkout = bareClone();
      fs.mkdirSync(join(checkout, "node_modules"));
      fs.writeFileSync(join(checkout, "node_modules/.package-lock.json"), "{}");
      fs.mkdirSync(join(checkout, "platform/cli/src"));
      fs.writeFileSync(join(checkout, "platform/cli/src/main.ts"), DRAINING);
      const child = start(checkout, "up");
      await until(() => child.output().includes("up\n"), { deadlineMs: 10_000, what: "it is up" });
      child.process.kill(signal);
      const [code] = await once(child.process, "close");
      expect(child.output()).toBe(`up\n${signal}\ndrained\n`);
      expect(code).toBe(7);
    },
  );

  /** Takes longer to drain than it takes a wrapper that does not wait to be gone. */
  const DRAINING = `
    for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
      process.once(name, () => {
        console.log(name);
        setTimeout(() => { console.log("drained"); process.exit(7); }, 100);
      });
    setInterval(() => {}, 1000);
    console.log(process.argv[2]);
  `;
});

describe("a bare clone", () => {
  test("doctor says that nothing is installed, and what else is wrong", async () => {
    const bare = bareClone();
    const port = await freePorts();
    const args = ["doctor", "--json", "--home", home.folder, "--port", String(port)];
    const told = await run(bare, ...args);
    expect(told.code).toBe(3);
    expect(codesOf(told.output)).toEqual(["NOT_INSTALLED"]);
    const holder = createServer().listen(port + 2, "127.0.0.1");
    await once(holder, "listening");
    expect(codesOf((await run(bare, ...args)).output)).toEqual(["NOT_INSTALLED", "PORT_TAKEN"]);
    holder.close();
  });

  test("any other command names what installs", async () => {
    const { code, output } = await run(bareClone(), "up");
    expect(code).toBe(1);
    expect(output).toContain("npm ci");
  });
});

function bareClone(): string {
  const bare = join(dirname(home.folder), "clone");
  const bin = "platform/cli/bin";
  fs.cpSync(join(repository, bin), join(bare, bin), { recursive: true });
  fs.writeFileSync(join(bare, "package.json"), '{"type":"module"}');
  return bare;
}

interface Started {
  readonly process: ChildProcess;
  output(): string;
}

function start(checkout: string, ...args: string[]): Started {
  const child = spawn(process.execPath, [join(checkout, BIN), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => (text += String(chunk)));
  return { process: child, output: () => text };
}

async function run(checkout: string, ...args: string[]) {
  const started = start(checkout, ...args);
  const [code] = await once(started.process, "close");
  return { code, output: started.output() };
}

function codesOf(json: string): string[] {
  const { checks } = JSON.parse(json) as { checks: { failures: { code: string }[] }[] };
  return checks.flatMap(({ failures }) => failures.map(({ code }) => code));
}
