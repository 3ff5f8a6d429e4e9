/** Which builds of the apps are to be served, as `tideway up` left them in apps/apps.json. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

export interface BuiltApp {
  readonly app: string;
  /** Where the gateway serves it; null for the console. */
  readonly path: string | null;
  readonly folder: string;
}

/** A reader that looks at the file again only when it changed. */
export function createAppsReader(home: string): () => Promise<readonly BuiltApp[]> {
  const path = join(home, "apps", "apps.json");
  let known: { readonly changedMs: number; readonly apps: readonly BuiltApp[] } | null = null;
  return async () => {
    const about = await stat(path).catch(() => null);
    if (about === null) return [];
    if (known?.changedMs === about.mtimeMs) return known.apps;
    const apps = parseApps(await readFile(path, "utf8"));
    known = { changedMs: about.mtimeMs, apps };
    return apps;
  };
}

function parseApps(text: string): BuiltApp[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown): BuiltApp[] => {
    const field = (name: string): unknown => Reflect.get(Object(item), name);
    const [app, path, folder] = [field("app"), field("path"), field("folder")];
    if (typeof app !== "string" || typeof folder !== "string") return [];
    return [{ app, folder, path: typeof path === "string" ? path : null }];
  });
}
