/** Revisions of a small real service, for tests that need something that runs. */
import { mkdir, writeFile } from "node:fs/promises";
import { defineErrors } from "@tideway/kernel";
import { defineApi, defineService, toManifest } from "@tideway/schema";
import type { Manifest } from "@tideway/schema";
import { tx } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { checkUpload, storeRevision } from "../revision-files.ts";
import { addRevision } from "../store/revisions.ts";
import type { RevisionRow } from "../store/revisions.ts";

export interface SmallRevision {
  readonly service: string;
  /** Makes the revision another one. */
  readonly text: string;
  /** Runs before it listens. */
  readonly before?: string;
  /** Runs on SIGTERM instead of ending. */
  readonly onTerm?: string;
  readonly change?: Partial<Manifest>;
}

/** Answers /fail with 500 and everything else with 200 and its revision's text. */
export function uploadOf(given: SmallRevision) {
  const source = `
import { createServer } from "node:http";
import { existsSync } from "node:fs";
${given.before ?? ""}
const server = createServer((request, reply) => {
  if (request.url.startsWith("/fail")) reply.statusCode = 500;
  reply.end(${JSON.stringify(given.text)});
});
server.listen({ fd: 3 });
process.on("SIGTERM", () => { ${given.onTerm ?? "process.exit(0);"} });
`;
  const manifest = { ...manifestOf(given.service), ...given.change };
  const files = { "main.mjs": Buffer.from(source).toString("base64") };
  return { service: given.service, manifest, files };
}

export function manifestOf(service: string): Manifest {
  return toManifest(defineService({ name: service, api: apiOf(service), database: false }));
}

export function apiOf(service: string) {
  const route = { method: "GET", auth: "public", exposure: "public", summary: "." } as const;
  return defineApi({
    name: service,
    version: "1.0.0",
    errors: defineErrors({}),
    routes: {
      look: { ...route, path: "/look", reply: {} },
      fail: { ...route, path: "/fail", reply: {} },
    },
  });
}

/** As an upload does it: files, then the row. */
export async function addSmallRevision(
  home: string,
  pool: Pool,
  given: SmallRevision,
): Promise<RevisionRow> {
  const checked = checkUpload(uploadOf(given));
  await mkdir(home, { recursive: true });
  await storeRevision(home, checked);
  const { service, digest, manifest } = checked;
  const added = await tx(pool, (t) =>
    addRevision(t, { service, digest, manifest, createdBy: "test" }),
  );
  return added.row;
}

/** Lets what waits for this file go on. */
export function openGate(path: string): Promise<void> {
  return writeFile(path, "");
}
