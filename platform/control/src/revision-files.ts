/**
 * A revision's files, kept by content: `revisions/<service>/<digest>/`. The digest is over names
 * and contents, so that a folder either holds exactly what was uploaded or is refused.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { adminErrors } from "@tideway/api-admin";
import { contradiction, parseDocuments } from "@tideway/compatibility";
import type { RevisionDocuments } from "@tideway/compatibility";
import { checkConfig } from "@tideway/gateway";
import { isCoded } from "@tideway/kernel";
import { policyProblem } from "@tideway/rollout";
import { Manifest, canonicalJson } from "@tideway/schema";
import { Value } from "typebox/value";

export interface RevisionUpload {
  readonly service: string;
  readonly manifest: unknown;
  /** Path -> base64. */
  readonly files: Readonly<Record<string, string>>;
}

export interface CheckedRevision {
  readonly service: string;
  readonly manifest: Manifest;
  readonly digest: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

const FILES_MAX = 500;
/**
 * Control's own variables, which an instance must never be handed (the superuser's address of the
 * database is one of them), and those that the platform sets for each instance.
 */
const PLATFORM_VARIABLES: ReadonlySet<string> = new Set(
  [
    ["HOME", "POSTGRES_URL", "POSTGRES_SETTINGS", "MASTER_KEY_FILE", "OPERATORS_URL"],
    ["OPERATORS_LISTEN", "PUBLIC_LISTEN", "INTERNAL_LISTEN", "TLS_CERT", "TLS_KEY"],
    ["NATS_URL", "NATS_REPLICAS", "NATS_SEPARATE_POWER", "NATS_MONITOR_URL", "UNSAFE"],
    ["SERVICE", "REVISION", "INSTANCE", "INSTANCE_SECRET", "INTERNAL_URL", "PUBLIC_URL"],
    ["DATABASE_URL", "CONNECTIONS_MAX", "SERVICE_KEY", "PROFILE", "LISTEN"],
  ].flatMap((names) => names.map((name) => `TIDEWAY_${name}`)),
);
const PATH_PATTERN =
  /^(main\.mjs|main\.mjs\.map|(openapi|asyncapi|expectations)\.json|(platform-)?migrations\/\d{4}_[a-z0-9_]+\.sql)$/;

/** Checks names, manifest and contents, and computes the digest. Throws REVISION_INVALID. */
export function checkUpload(upload: RevisionUpload): CheckedRevision {
  const { service } = upload;
  const manifest = checkManifest(service, upload.manifest);
  const invalid = (problem: string): Error => invalidRevision(service, problem);
  const entries = Object.entries(upload.files);
  if (entries.length > FILES_MAX) throw invalid(`it has more than ${FILES_MAX} files`);
  const strange = entries.find(([path]) => !PATH_PATTERN.test(path));
  if (strange !== undefined) throw invalid(`it has a file ${strange[0].slice(0, 80)}`);
  if (!("main.mjs" in upload.files)) throw invalid("it has no main.mjs");
  const files = new Map(
    entries.map(([path, base64]): [string, Buffer] => [path, Buffer.from(base64, "base64")]),
  );
  checkDocuments(manifest, (name) => files.get(name)?.toString("utf8") ?? null);
  return { service, manifest, digest: digestOf(manifest, files), files };
}

/** Checks a manifest alone. Throws REVISION_INVALID. */
export function checkManifest(service: string, manifest: unknown): Manifest {
  if (!Value.Check(Manifest, manifest)) {
    const [first] = Value.Errors(Manifest, manifest);
    const place = `${first?.instancePath ?? "/"}: ${first?.message ?? ""}`;
    throw invalidRevision(service, `its manifest is wrong at ${place}`);
  }
  if (manifest.service !== service) {
    throw invalidRevision(service, `its manifest is that of ${manifest.service}`);
  }
  const problem = manifestProblem(manifest);
  if (problem !== null) throw invalidRevision(service, problem);
  return manifest;
}

/** Reads the documents beside a manifest, null when there are none. Throws REVISION_INVALID. */
export function checkDocuments(
  manifest: Manifest,
  fileOf: (name: string) => string | null,
): RevisionDocuments | null {
  const { service } = manifest;
  const parsed = parseDocuments(service, fileOf);
  if (parsed.kind === "wrong") throw invalidRevision(service, parsed.problem);
  if (parsed.kind === "none") return null;
  const problem = contradiction(manifest, parsed.documents);
  if (problem !== null) throw invalidRevision(service, problem);
  return parsed.documents;
}

function invalidRevision(service: string, problem: string): Error {
  return adminErrors.error("REVISION_INVALID", { given: { service, problem } });
}

/** What the schema cannot say. */
function manifestProblem(manifest: Manifest): string | null {
  const { scaling, configuration } = manifest;
  const { instancesMin, instancesMax } = scaling;
  if (instancesMin > instancesMax) {
    return `its instancesMin ${instancesMin} is above its instancesMax ${instancesMax}`;
  }
  const own = configuration.find((name) => PLATFORM_VARIABLES.has(name));
  if (own !== undefined) return `its configuration names ${own}, which is the platform's own`;
  return policyProblem(manifest.rollout) ?? gatewayProblem(manifest);
}

/** The gateway takes a configuration whole or not at all: one wrong route would stop every service. */
function gatewayProblem({ service, routes, calls, grants, enforcesGrants }: Manifest) {
  const id = `${service}-1`;
  const split = { stable: id, candidate: null, weight: 0, rollout: null };
  const revisions = [{ id, routes, calls, grants, endpoints: [] }];
  const tokens = { service: "identity", path: "/keys", issuer: "identity" };
  const services = [{ name: service, enforcesGrants, split, revisions }];
  try {
    checkConfig({ epoch: 0, services, apps: [], tokens });
    return null;
  } catch (error) {
    if (!isCoded(error)) throw error;
    return `the gateway would refuse it at ${error.given["path"]}: ${error.given["problem"]}`;
  }
}

/** Hex SHA-256 over the manifest and every file with its name, in the order of names. */
export function digestOf(manifest: Manifest, files: ReadonlyMap<string, Buffer>): string {
  const hash = createHash("sha256").update(canonicalJson(manifest));
  for (const path of [...files.keys()].sort()) {
    const contents = files.get(path) ?? Buffer.alloc(0);
    hash.update(`\n${path} ${contents.length}\n`).update(contents);
  }
  return hash.digest("hex");
}

export function revisionFolder(home: string, service: string, digest: string): string {
  return join(home, "revisions", service, digest);
}

/** Writes the folder whole or not at all; an existing one is kept. */
export async function storeRevision(home: string, revision: CheckedRevision): Promise<string> {
  const folder = revisionFolder(home, revision.service, revision.digest);
  if (await exists(join(folder, "manifest.json"))) return folder;
  const draft = `${folder}.draft-${randomUUID()}`;
  const made = ["migrations", "platform-migrations"].map((name) => join(draft, name));
  for (const path of made) await mkdir(path, { recursive: true });
  for (const [path, contents] of revision.files) {
    await mkdir(dirname(join(draft, path)), { recursive: true });
    await writeFile(join(draft, path), contents, { flush: true });
  }
  const manifest = JSON.stringify(revision.manifest, null, 2);
  await writeFile(join(draft, "manifest.json"), manifest, { flush: true });
  for (const path of [...made, draft]) await syncFolder(path);
  try {
    await rename(draft, folder);
    // The database names the revision from now on, so its name must outlive a loss of power.
    await syncFolder(dirname(folder));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another upload of the same files was faster; its folder holds the same.
    if (!(await exists(join(folder, "manifest.json")))) throw error;
  }
  return folder;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
