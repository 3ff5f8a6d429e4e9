/**
 * What a proxied request costs: our gateway, HAProxy with one thread, and plain node:http, one
 * after the other on core 0; upstream and load generator share core 1. CPU is that of the proxy
 * alone, from /proc, so a slow generator does not change it.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@tideway/kernel";
import { print, say } from "../figure.ts";
import { cpuMicros, isInstalled, pinned } from "../processes.ts";
import { generateLoad } from "./load.ts";

const PROXY_CORE = 0;
const LOAD_CORE = 1;
const WARM_SECONDS = 3;
const SECONDS = 8;
const ROUNDS = 3;
const PORTS = { upstream: 19_300, gateway: 19_301, haproxy: 19_302, node: 19_303 };

interface Result {
  readonly microsPerRequest: number;
  readonly perSecond: number;
}

interface Proxy {
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
}

export async function gatewayBench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tw-bench-"));
  const upstream = start(LOAD_CORE, node("upstream.ts", PORTS.upstream));
  try {
    await answers(PORTS.upstream);
    const results = new Map<string, Result[]>();
    const proxies = proxiesOf(folder);
    for (let round = 0; round < ROUNDS; round++) {
      for (const proxy of proxies) {
        const result = await measure(proxy);
        say(
          `${proxy.name}: ${result.microsPerRequest.toFixed(1)} us, ${Math.round(result.perSecond)}/s`,
        );
        results.set(proxy.name, [...(results.get(proxy.name) ?? []), result]);
      }
    }
    report(results);
  } finally {
    await end(upstream);
    rmSync(folder, { recursive: true, force: true });
  }
}

function proxiesOf(folder: string): Proxy[] {
  const { upstream, gateway, haproxy } = PORTS;
  const proxies: Proxy[] = [
    {
      name: "gateway",
      port: gateway,
      command: node("our-gateway.ts", gateway, upstream, folder),
    },
    { name: "node:http", port: PORTS.node, command: node("node-proxy.ts", PORTS.node, upstream) },
  ];
  if (!isInstalled("haproxy")) return proxies;
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, haproxyConfig(haproxy, upstream));
  return [...proxies, { name: "haproxy", port: haproxy, command: ["haproxy", "-f", file] }];
}

function haproxyConfig(listen: number, upstream: number): string {
  return `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend front
  bind 127.0.0.1:${listen}
  default_backend back
backend back
  server one 127.0.0.1:${upstream}
`;
}

async function measure(proxy: Proxy): Promise<Result> {
  const process = start(PROXY_CORE, proxy.command);
  try {
    await answers(proxy.port);
    const target = `http://127.0.0.1:${proxy.port}/api/shop/shelves`;
    await generateLoad(target, WARM_SECONDS, LOAD_CORE);
    const pid = process.pid ?? 0;
    const before = cpuMicros(pid);
    const load = await generateLoad(target, SECONDS, LOAD_CORE);
    const used = cpuMicros(pid) - before;
    if (load.failed > 0) throw new Error(`${proxy.name} failed ${load.failed} requests.`);
    return { microsPerRequest: used / load.requests, perSecond: load.requests / load.seconds };
  } finally {
    await end(process);
  }
}

function report(results: ReadonlyMap<string, readonly Result[]>): void {
  const cpu = (name: string) => best(results.get(name), (one) => one.microsPerRequest, Math.min);
  const rate = (name: string) => best(results.get(name), (one) => one.perSecond, Math.max);
  const conditions = `best of ${ROUNDS} times ${SECONDS} s, 64 connections, 31-byte reply, unauthenticated, labelled and logged`;
  for (const peer of ["haproxy", "node:http"]) {
    print({
      name: "gateway.cpu",
      value: cpu("gateway") ?? 0,
      unit: "us/request",
      better: "lower",
      peer: peer === "haproxy" ? "haproxy, one thread" : peer,
      peerValue: cpu(peer),
      conditions,
    });
    print({
      name: "gateway.throughput",
      value: rate("gateway") ?? 0,
      unit: "requests/s",
      better: "higher",
      peer: peer === "haproxy" ? "haproxy, one thread" : peer,
      peerValue: rate(peer),
      conditions,
    });
  }
}

function best(
  results: readonly Result[] | undefined,
  value: (result: Result) => number,
  choose: (...values: number[]) => number,
): number | null {
  return results === undefined ? null : choose(...results.map(value));
}

function node(script: string, ...args: readonly (string | number)[]): string[] {
  return [process.execPath, join(import.meta.dirname, script), ...args.map(String)];
}

function start(core: number, command: readonly string[]): ChildProcess {
  const [program = "", ...args] = pinned(core, command);
  return spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

async function answers(port: number): Promise<void> {
  await until(
    () =>
      fetch(`http://127.0.0.1:${port}/api/shop/shelves`).then(
        async (reply) => {
          await reply.text();
          return reply.status === 200;
        },
        () => false,
      ),
    { deadlineMs: 15_000, intervalMs: 50, what: `port ${port} answers` },
  );
}
