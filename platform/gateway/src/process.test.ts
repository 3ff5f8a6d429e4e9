/** The gateway as the supervisor runs it: inherited sockets, signals, a folder. */
import { until } from "@tideway/kernel";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gatewayAdmin } from "./admin-client.ts";
import type { GatewayAdmin } from "./admin-client.ts";
import { configOf, revision, route, send, service } from "./testing/fixture.ts";
import { startUpstream } from "./testing/upstream.ts";
import type { Upstream } from "./testing/upstream.ts";

let home: string;
let sockets: Held[];
let upstream: Upstream;
let admin: GatewayAdmin;
let children: ChildProcess[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tideway-process-"));
  for (const folder of ["run", "logs"]) await mkdir(join(home, folder));
  sockets = [bind(), bind()];
  upstream = await startUpstream({ service: "pay", instance: "ins_1" });
  admin = gatewayAdmin(join(home, "run", "gateway.sock"));
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  admin.close();
  for (const socket of sockets) socket.close();
  await upstream.close();
  await rm(home, { recursive: true });
});

const config = () =>
  configOf([service("pay", [revision("pay-1", [route("POST /x"), route("GET /x")], [upstream])])]);
const publicPort = (): number => sockets[0]?.port ?? 0;

test("SIGTERM finishes what is under way, keeps new connections waiting, and ends with 0", async () => {
  const first = await startProcess();
  await admin.putConfig(config());
  let release: () => void = () => undefined;
  upstream.respond = (_, res) => {
    release = () => res.end("done");
  };
  const underWay = send(publicPort(), "/api/pay/x", { method: "POST", body: "1" });
  await until(() => upstream.received.length === 1, { deadlineMs: 5_000, what: "the request" });
  first.kill("SIGTERM");
  // It no longer accepts: this one waits in the socket for the successor.
  await until(() => isRefusing(), { deadlineMs: 5_000, what: "the drain" });
  upstream.respond = (_, res) => res.end("late");
  const waiting = send(publicPort(), "/api/pay/x");
  release();
  const reply = await underWay;
  expect([reply.status, reply.text]).toEqual([200, "done"]);
  expect(reply.headers["connection"]).toBe("close");
  const [code] = (await once(first, "exit")) as [number];
  expect(code).toBe(0);
  await startProcess();
  expect((await waiting).text).toBe("late");
  const log = await readFile(join(home, "logs", "access.log"), "utf8");
  expect(log).toContain('"route":"POST /x","status":200');
});

test("killed with -9 it is back with its configuration, and no connection is refused", async () => {
  const first = await startProcess();
  await admin.putConfig(config());
  expect((await send(publicPort(), "/api/pay/x")).status).toBe(200);
  first.kill("SIGKILL");
  await once(first, "exit");
  const waiting = send(publicPort(), "/api/pay/x");
  await startProcess();
  expect((await waiting).status).toBe(200);
  expect((await admin.state()).epoch).toBe(1);
});

/** True once a new connection is no longer answered. */
function isRefusing(): Promise<boolean> {
  return send(publicPort(), "/health", { headers: { connection: "close" }, timeoutMs: 200 }).then(
    () => false,
    () => true,
  );
}

async function startProcess(): Promise<ChildProcess> {
  const [front, inner] = sockets;
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
    stdio: ["ignore", "ignore", "inherit", front?.fd ?? 0, inner?.fd ?? 0],
    env: {
      ...process.env,
      TIDEWAY_HOME: home,
      TIDEWAY_PROFILE: "demo",
      TIDEWAY_PUBLIC_URL: "http://localhost:8080",
      TIDEWAY_PUBLIC_LISTEN: "fd:3",
      TIDEWAY_INTERNAL_LISTEN: "fd:4",
    },
  });
  children.push(child);
  await until(() => admin.state().catch(() => false as const), {
    deadlineMs: 10_000,
    what: "the admin socket",
  });
  return child;
}

/**
 * A bound socket as the supervisor holds it: this process never accepts on it. net.Server cannot
 * do that, as it accepts whatever it listens on; so the handle below it is used.
 */
function bind(): Held {
  const binding: (name: string) => unknown = Reflect.get(process, "binding").bind(process);
  const { TCP, constants } = binding("tcp_wrap") as TcpWrap;
  const handle = new TCP(constants.SERVER);
  const failed = handle.bind("127.0.0.1", 0);
  const address = { port: 0 };
  handle.getsockname(address);
  if (failed !== 0) throw new Error(`The socket cannot be bound: ${failed}.`);
  return { fd: handle.fd, port: address.port, close: () => handle.close() };
}

interface Held {
  readonly fd: number;
  readonly port: number;
  close(): void;
}

interface TcpWrap {
  readonly TCP: new (type: number) => {
    readonly fd: number;
    bind(address: string, port: number): number;
    getsockname(out: { port: number }): number;
    close(): void;
  };
  readonly constants: { readonly SERVER: number };
}
