/** Debian's nats-server as a child on loopback, with a store folder of its own; for tests. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@tideway/kernel";

export interface NatsUnderTest {
  readonly url: string;
  readonly monitorUrl: string;
  /** As a crash: SIGKILL, and it does not come back by itself. */
  kill(): Promise<void>;
  /** On the same port and folder as before. */
  startAgain(): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

const START_MS_MAX = 10_000;

/** Starts a server on free ports. */
export async function startNats(): Promise<NatsUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "tw-nats-"));
  let running = await launch(folder, ["-p", "-1", "-m", "-1"]);
  const { ports } = running;
  return {
    url: ports.nats,
    monitorUrl: ports.monitoring,
    kill: () => end(running.child, "SIGKILL"),
    startAgain: async () => {
      const { port } = new URL(ports.nats);
      running = await launch(folder, ["-p", port, "-m", new URL(ports.monitoring).port]);
    },
    close: async () => {
      await end(running.child, "SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Ports {
  readonly nats: string;
  readonly monitoring: string;
}

async function launch(
  folder: string,
  portArguments: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly ports: Ports }> {
  for (const file of readdirSync(folder)) {
    if (file.endsWith(".ports")) rmSync(join(folder, file));
  }
  const child = spawn(
    "nats-server",
    ["-a", "127.0.0.1", "-js", "-sd", folder, "--ports_file_dir", folder, ...portArguments],
    { stdio: "ignore" },
  );
  const ports = await until(() => readPorts(folder), {
    deadlineMs: START_MS_MAX,
    what: "nats-server listens",
  });
  return { child, ports };
}

function readPorts(folder: string): Ports | undefined {
  const file = readdirSync(folder).find((name) => name.endsWith(".ports"));
  if (file === undefined) return undefined;
  const text = readFileSync(join(folder, file), "utf8");
  if (!text.endsWith("}")) return undefined;
  // nats-server writes lists of addresses by kind.
  const lists = JSON.parse(text) as Readonly<Record<string, readonly string[]>>;
  const [nats] = lists["nats"] ?? [];
  const [monitoring] = lists["monitoring"] ?? [];
  return nats === undefined || monitoring === undefined ? undefined : { nats, monitoring };
}

function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}
