/** A revision of a small real service, whose behaviour the test chooses by one variable. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineApi, defineService, toManifest } from "@tideway/schema";
import { defineErrors } from "@tideway/kernel";
import type { Revision } from "../engine.ts";

export interface FixtureBehaviour {
  /** Writes two lines and exits with this code before it listens. */
  readonly exitCode?: number;
  /** Answers /ready with 503 and `unreadyBody` while this file is missing. */
  readonly readyFile?: string;
  readonly unreadyBody?: string;
  readonly ignoresTerm?: boolean;
}

/** The variable through which a fixture learns its behaviour. */
export const BEHAVIOUR = "FIXTURE_BEHAVIOUR";

const MAIN = `
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";

const behaviour = JSON.parse(process.env.${BEHAVIOUR} ?? "{}");
console.log("started " + process.env.TIDEWAY_INSTANCE);
if (behaviour.exitCode !== undefined) {
  console.error("the table accounts is missing");
  process.exit(behaviour.exitCode);
}

let draining = false;
const isReady = () =>
  !draining && (behaviour.readyFile === undefined || existsSync(behaviour.readyFile));

const routes = {
  "/ready": (url, reply) =>
    isReady() ? reply.end("ready") : reply.writeHead(503).end(behaviour.unreadyBody ?? "not yet"),
  "/who": (url, reply) =>
    reply.end(JSON.stringify({ pid: process.pid, environment: process.env, folder: process.cwd() })),
  "/log": (url, reply) => {
    console.log(url.searchParams.get("text"));
    reply.end("logged");
  },
  // Answers when the named file appears.
  "/slow": (url, reply) => {
    reply.write("begun ");
    const timer = setInterval(() => {
      if (!existsSync(url.searchParams.get("file"))) return;
      clearInterval(timer);
      reply.end("done");
    }, 10);
  },
  "/child": (url, reply) => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", process.cwd()]);
    reply.end(String(child.pid));
  },
  "/exit": () => process.exit(9),
};

const server = createServer((request, reply) => {
  const url = new URL(request.url, "http://instance");
  reply.setHeader("connection", "close");
  const route = routes[url.pathname];
  if (route === undefined) reply.writeHead(404).end();
  else route(url, reply);
});
server.listen({ fd: 3 });

process.on("SIGTERM", () => {
  console.log("asked to end");
  if (behaviour.ignoresTerm) return;
  draining = true;
  server.close(() => process.exit(0));
});
`;

const echoApi = defineApi({ name: "echo", version: "1.0.0", routes: {}, errors: defineErrors({}) });

/** Writes the files of echo-<number> below `home` and describes them. */
export async function writeRevision(home: string, number = 1): Promise<Revision> {
  const digest = number.toString(16).padStart(64, "0");
  const folder = join(home, "revisions", "echo", digest);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "main.mjs"), MAIN);
  const manifest = toManifest(defineService({ name: "echo", api: echoApi, database: false }));
  return { id: `echo-${number}`, service: "echo", number, digest, folder, manifest };
}
