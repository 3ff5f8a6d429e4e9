/** What an app is built from, so that it is built again exactly when something of it changed. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join, relative } from "node:path";

const WORKSPACES = ["libs", "apis", "apps"];
const LEFT_OUT = new Set(["node_modules", "dist", ".cache"]);

interface PackageFile {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Hex digits of the SHA-256 over the app's sources, those of the workspaces it uses, and the lockfile. */
export function appDigest(checkout: string, app: string): string {
  const folders = workspacesOf(checkout, join(checkout, "apps", app));
  const hash = createHash("sha256");
  const files = [join(checkout, "package-lock.json"), ...folders.flatMap(filesBelow)];
  for (const file of files.sort()) {
    const content = createHash("sha256").update(fs.readFileSync(file)).digest("hex");
    hash.update(`${relative(checkout, file)} ${content}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** The app's folder and those of every workspace it depends on, directly or not. */
function workspacesOf(checkout: string, appFolder: string): string[] {
  const byName = new Map<string, string>();
  for (const folder of WORKSPACES.flatMap((name) => subfolders(join(checkout, name)))) {
    const file = readPackage(folder);
    if (file !== null) byName.set(file.name, folder);
  }
  const found = new Set<string>();
  const queue = [appFolder];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    if (found.has(folder)) continue;
    found.add(folder);
    for (const name of Object.keys(readPackage(folder)?.dependencies ?? {})) {
      const dependency = byName.get(name);
      if (dependency !== undefined) queue.push(dependency);
    }
  }
  return [...found];
}

function filesBelow(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.has(entry.name) || /\.test\.tsx?$/.test(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function subfolders(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).map((name) => join(folder, name));
}

function readPackage(folder: string): PackageFile | null {
  const file = join(folder, "package.json");
  if (!fs.existsSync(file)) return null;
  return JSON.parse(fs.readFileSync(file, "utf8")) as PackageFile; // npm has read it before us.
}
