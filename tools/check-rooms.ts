/**
 * Keeps the rooms of the house apart (docs/explain/rooms.md). Fails on
 *   - an import from a room that the importing room may not know,
 *   - an import that reaches past a package's door or is not in its package.json,
 *   - a cycle between packages,
 *   - a `domain/` file that imports anything but kernel, its own domain and its own api's codes,
 *   - a file over 400 lines.
 * Tests may import what they test with: testkit, tools and, under `test/`, other services.
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

export interface Violation {
  readonly file: string;
  readonly problem: string;
}

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly room: string;
  readonly dependencies: ReadonlySet<string>;
}

const ROOMS = ["libs", "apis", "platform", "services", "apps"] as const;
const LINES_MAX = 400;
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;

/** The edges of DESIGN section 2. `true` allows a whole room, a list only those packages. */
const MAY: Readonly<Record<string, Readonly<Record<string, true | readonly string[]>>>> = {
  libs: { libs: true },
  apis: { libs: ["schema", "kernel"], apis: true },
  platform: { libs: true, platform: true, apis: ["admin", "identity"] },
  services: { libs: true, apis: true },
  apps: { libs: ["ui", "schema", "client", "kernel"], apis: true },
};
/** The tour's traffic pays like a person would, so the command line knows that api too. */
const EXTRA: ReadonlySet<string> = new Set(["@tideway/cli>@tideway/api-payments"]);

/** Reads the tree below `root` and answers every violation. */
export function checkRooms(root: string): Violation[] {
  const packages = findPackages(root);
  const byName = new Map(packages.map((found) => [found.name, found]));
  const violations: Violation[] = [];
  for (const owner of packages) {
    for (const file of sourceFiles(owner.folder)) {
      const text = readFileSync(file, "utf8");
      const shown = relative(root, file);
      const lines = text.split("\n").length;
      if (lines > LINES_MAX) violations.push({ file: shown, problem: `has ${lines} lines` });
      for (const specifier of importsOf(text)) {
        const problem = problemOf({ root, owner, file, specifier, byName });
        if (problem !== null) violations.push({ file: shown, problem });
      }
    }
  }
  return [...violations, ...cyclesOf(packages)];
}

interface Import {
  readonly root: string;
  readonly owner: Package;
  readonly file: string;
  readonly specifier: string;
  readonly byName: ReadonlyMap<string, Package>;
}

function problemOf(use: Import): string | null {
  const { owner, file, specifier, byName } = use;
  if (specifier.startsWith(".")) return relativeProblem(use);
  if (specifier.startsWith("node:")) {
    return isDomain(file) && !isTest(file)
      ? `domain imports ${specifier}; it may import kernel alone`
      : null;
  }
  const name = packageNameOf(specifier);
  if (isDomain(file) && !isTest(file) && name !== "@tideway/kernel" && !isOwnApi(owner, name)) {
    return `domain imports ${name}; it may import kernel and its own api's error codes alone`;
  }
  const target = byName.get(name);
  if (target === undefined) {
    const isKnown = owner.dependencies.has(name) || isTest(file) || isTooling(file);
    return isKnown ? null : `imports ${name}, which is not in its package.json`;
  }
  if (isTest(file)) return null;
  if (!owner.dependencies.has(name)) return `imports ${name}, which is not in its package.json`;
  return mayKnow(owner, target) ? null : `${owner.room} may not import ${name}`;
}

function mayKnow(owner: Package, target: Package): boolean {
  if (EXTRA.has(`${owner.name}>${target.name}`)) return true;
  const allowed = MAY[owner.room]?.[target.room];
  if (allowed === true) return true;
  return allowed?.includes(target.name.replace(/^@tideway\/(api-)?/, "")) ?? false;
}

/** A service's domain throws the codes of its own api (docs/adr/0006). */
function isOwnApi(owner: Package, name: string): boolean {
  return name === owner.name.replace("/service-", "/api-");
}

function relativeProblem({ root, owner, file, specifier }: Import): string | null {
  const target = resolve(dirname(file), specifier);
  const reached = relative(owner.folder, target);
  if (!reached.startsWith("..")) {
    if (!isDomain(file) || isTest(file) || isDomain(target)) return null;
    return `domain imports ${specifier}; it may import kernel and domain alone`;
  }
  const isServiceTest = /services\/[^/]+\/test\//.test(file);
  const isContract =
    owner.room !== "platform" && relative(root, target).startsWith("contracts/abi");
  return isServiceTest || isContract ? null : `${specifier} leaves the package`;
}

function cyclesOf(packages: readonly Package[]): Violation[] {
  const byName = new Map(packages.map((found) => [found.name, found]));
  const done = new Set<string>();
  const violations: Violation[] = [];
  const visit = (current: Package, path: readonly string[]): void => {
    if (path.includes(current.name)) {
      const cycle = [...path.slice(path.indexOf(current.name)), current.name].join(" -> ");
      violations.push({ file: "package.json", problem: `packages form a circle: ${cycle}` });
      return;
    }
    if (done.has(current.name)) return;
    for (const name of current.dependencies) {
      const next = byName.get(name);
      if (next !== undefined) visit(next, [...path, current.name]);
    }
    done.add(current.name);
  };
  for (const found of packages) visit(found, []);
  return violations;
}

function findPackages(root: string): Package[] {
  return ROOMS.flatMap((room) =>
    listFolder(join(root, room)).flatMap((name): Package[] => {
      const folder = join(root, room, name);
      try {
        // package.json of a workspace: npm itself has checked its shape.
        const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
          name: string;
          dependencies?: Record<string, string>;
        };
        const dependencies = new Set(Object.keys(manifest.dependencies ?? {}));
        return [{ name: manifest.name, folder, room, dependencies }];
      } catch {
        return [];
      }
    }),
  );
}

function importsOf(text: string): string[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  return [...withoutComments.matchAll(IMPORT)].flatMap((match) => match[1] ?? match[2] ?? []);
}

function sourceFiles(folder: string): string[] {
  return listFolder(folder).flatMap((name) => {
    if (name === "node_modules" || name === "dist") return [];
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return /\.(ts|tsx|mts)$/.test(name) ? [path] : [];
  });
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

const packageNameOf = (specifier: string): string =>
  specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
const isTest = (file: string): boolean =>
  /\.test\.tsx?$|\/test\/|\/testkit\/|\.bench\.ts$/.test(file);
const isTooling = (file: string): boolean => file.endsWith("vite.config.ts");
const isDomain = (file: string): boolean => /services\/[^/]+\/src\/domain\//.test(file);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const violations = checkRooms(join(import.meta.dirname, ".."));
  for (const { file, problem } of violations) console.error(`${file}: ${problem}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
