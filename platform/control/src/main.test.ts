/** Control as a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProcessEngine } from "@tideway/engine";
import { until } from "@tideway/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkUpload, storeRevision } from "./revision-files.ts";
import { uploadOf } from "./test/small-service.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tw-control-main-"));
  mkdirSync(join(home, "run"));
});
let left: number | null = null;
afterEach(() => {
  // Only after a failure is there anything; it must not outlive the test that it failed.
  if (left !== null && runs(left)) process.kill(left, "SIGKILL");
  rmSync(home, { recursive: true });
});

/** An instance that a control which is gone has left. */
async function leaveInstance(): Promise<number> {
  const checked = checkUpload(uploadOf({ service: "shop", text: "1" }));
  const folder = await storeRevision(home, checked);
  const engine = createProcessEngine({
    home,
    node: process.execPath,
    environment: () => Promise.resolve({}),
  });
  const { digest, manifest } = checked;
  const revision = { id: "shop-1", service: "shop", number: 1, digest, folder, manifest };
  await engine.ensure(revision, { min: 1, max: 1 }, 1);
  const watching = new AbortController();
  for await (const { instances } of engine.watch(watching.signal)) {
    const pid = instances.find(({ status }) => status === "ready")?.pid ?? null;
    if (pid === null) continue;
    watching.abort();
    await engine.close();
    return pid;
  }
  throw new Error("The engine stopped before the instance was ready.");
}

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("told to end while PostgreSQL is away, control still ends the instances it found", async () => {
  const pid = await leaveInstance();
  left = pid;
  const control = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
    env: {
      PATH: process.env["PATH"],
      TIDEWAY_HOME: home,
      TIDEWAY_POSTGRES_URL: "postgresql://nobody:none@localhost/none?host=/nowhere",
      TIDEWAY_PROFILE: "demo",
      TIDEWAY_PUBLIC_URL: "http://127.0.0.1:1",
      TIDEWAY_INTERNAL_URL: "http://127.0.0.1:1",
      TIDEWAY_OPERATORS_URL: "http://127.0.0.1:1",
      TIDEWAY_OPERATORS_LISTEN: "tcp:127.0.0.1:0",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(control, "exit");
  let text = "";
  control.stdout.on("data", (chunk) => (text += String(chunk)));
  await until(() => text.includes("control.starting"), { deadlineMs: 20_000, what: "it starts" });
  control.kill("SIGTERM");
  // A second one must not cut the drain short.
  control.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  await until(() => !runs(pid), { deadlineMs: 5_000, what: "the instance has ended" });
});
