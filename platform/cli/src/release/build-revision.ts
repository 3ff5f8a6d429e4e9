/**
 * A revision from the working tree: the declaration evaluated into a manifest, the service bundled
 * into one file with everything it needs, and its migrations. The same sources give the same bytes.
 */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toManifest } from "@tideway/schema";
import type { Manifest, ServiceDeclaration } from "@tideway/schema";
import { PLATFORM_MIGRATIONS } from "@tideway/store";
import { build } from "esbuild";
import { releaseErrors } from "./errors.ts";
import { treeDocuments } from "./tree-documents.ts";

export interface BuiltRevision {
  readonly service: string;
  readonly manifest: Manifest;
  /** Path below the revision's folder -> base64. */
  readonly files: Readonly<Record<string, string>>;
  readonly bundleBytes: number;
}

/** CommonJS parts of the bundle still ask for Node's own modules by `require`. */
const BANNER = [
  'import { createRequire as tidewayRequire } from "node:module";',
  "const require = tidewayRequire(import.meta.url);",
].join("\n");
const WARNINGS_SHOWN = 3;

/** The services of a checkout: every folder in services/ with a declaration. */
export async function listServices(checkout: string): Promise<string[]> {
  const folder = join(checkout, "services");
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const found = await Promise.all(
    names.map(async (name) => ((await fileOf(join(folder, name, "service.ts"))) ? name : null)),
  );
  return found.filter((name) => name !== null).sort();
}

/** Builds one service. Throws SERVICE_NOT_FOUND, DECLARATION_INVALID or BUNDLE_FAILED. */
export async function buildRevision(checkout: string, service: string): Promise<BuiltRevision> {
  const folder = join(checkout, "services", service);
  const declaration = await readDeclaration(checkout, service);
  const manifest = toManifest(declaration);
  const bundle = await bundleOf(checkout, service);
  const files: Record<string, string> = { "main.mjs": base64(bundle) };
  for (const file of await sqlFiles(join(folder, "migrations"))) {
    files[`migrations/${file}`] = base64(await readFile(join(folder, "migrations", file)));
  }
  if (manifest.database) {
    for (const file of await sqlFiles(PLATFORM_MIGRATIONS)) {
      files[`platform-migrations/${file}`] = base64(
        await readFile(join(PLATFORM_MIGRATIONS, file)),
      );
    }
  }
  for (const [name, text] of Object.entries(await treeDocuments(checkout, declaration))) {
    files[name] = base64(Buffer.from(text));
  }
  return { service, manifest, files, bundleBytes: bundle.length };
}

/** A service's declaration. Throws SERVICE_NOT_FOUND or DECLARATION_INVALID. */
export async function readDeclaration(
  checkout: string,
  service: string,
): Promise<ServiceDeclaration> {
  const path = join(checkout, "services", service, "service.ts");
  if (!(await fileOf(path))) {
    const known = (await listServices(checkout)).join(", ") || "none";
    throw releaseErrors.error("SERVICE_NOT_FOUND", { given: { service, known } });
  }
  try {
    const loaded: unknown = await import(pathToFileURL(path).href);
    const declaration: unknown = Reflect.get(Object(loaded), "default");
    if (isDeclaration(declaration, service)) return declaration;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw releaseErrors.error("DECLARATION_INVALID", { given: { service, problem }, cause });
  }
  const problem = `its default export is not defineService({ name: "${service}", ... })`;
  throw releaseErrors.error("DECLARATION_INVALID", { given: { service, problem } });
}

function isDeclaration(value: unknown, service: string): value is ServiceDeclaration {
  return (
    value !== null &&
    typeof value === "object" &&
    Reflect.get(value, "name") === service &&
    typeof Reflect.get(value, "api") === "object"
  );
}

async function bundleOf(checkout: string, service: string): Promise<Buffer> {
  try {
    const result = await build({
      entryPoints: [join(checkout, "services", service, "src", "main.ts")],
      // The bundle names its sources relative to this, so two checkouts of the same commit agree.
      absWorkingDir: checkout,
      bundle: true,
      write: false,
      platform: "node",
      target: "node24",
      format: "esm",
      banner: { js: BANNER },
      // pg looks for it and goes on without.
      external: ["pg-native"],
      legalComments: "none",
      logLevel: "silent",
      metafile: false,
    });
    return Buffer.from(result.outputFiles[0]?.contents ?? new Uint8Array());
  } catch (cause) {
    throw releaseErrors.error("BUNDLE_FAILED", {
      given: { service, problem: problemOf(cause) },
      cause,
    });
  }
}

function problemOf(cause: unknown): string {
  const errors: unknown = Reflect.get(Object(cause), "errors");
  if (!Array.isArray(errors)) return cause instanceof Error ? cause.message : String(cause);
  return errors
    .slice(0, WARNINGS_SHOWN)
    .map((error: unknown) => {
      const location: unknown = Reflect.get(Object(error), "location");
      const file = String(Reflect.get(Object(location), "file") ?? "?");
      const line = String(Reflect.get(Object(location), "line") ?? "?");
      return `${file}:${line} ${String(Reflect.get(Object(error), "text"))}`;
    })
    .join("; ");
}

async function sqlFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(".sql")).sort();
}

async function fileOf(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

function base64(contents: Buffer): string {
  return contents.toString("base64");
}
