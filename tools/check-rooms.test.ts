import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkRooms } from "./check-rooms.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tw-rooms-"));
  addPackage("libs/kernel", "kernel");
  addPackage("libs/schema", "schema", ["kernel"]);
  addPackage("services/pay", "service-pay", ["kernel"]);
  addPackage("services/book", "service-book", ["kernel"]);
  addPackage("platform/gate", "gate", ["kernel"]);
});
afterEach(() => rmSync(root, { recursive: true }));

function addPackage(folder: string, name: string, dependencies: readonly string[] = []): void {
  const manifest = {
    name: `@tideway/${name}`,
    dependencies: Object.fromEntries(dependencies.map((d) => [`@tideway/${d}`, "0.1.0"])),
  };
  write(`${folder}/package.json`, JSON.stringify(manifest));
}
function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const problems = (): string[] => checkRooms(root).map(({ problem }) => problem);

test("a tidy house has no violations", () => {
  write(
    "services/pay/src/main.ts",
    'import { a } from "@tideway/kernel";\nimport b from "node:fs";',
  );
  write("services/pay/src/domain/x.ts", 'import { a } from "@tideway/kernel";');
  expect(problems()).toEqual([]);
});

test.each([
  [
    "a service that imports a service",
    "services/pay",
    ["service-book"],
    'import "@tideway/service-book";',
    "services may not import",
  ],
  [
    "a library that imports the platform",
    "libs/schema",
    ["gate"],
    'import x from "@tideway/gate";',
    "libs may not import",
  ],
  [
    "a platform part that imports a service",
    "platform/gate",
    ["service-pay"],
    'export * from "@tideway/service-pay/service";',
    "platform may not import",
  ],
  [
    "a dependency that is not declared",
    "services/pay",
    [],
    'import x from "pg";',
    "not in its package.json",
  ],
  [
    "a path into another package",
    "services/pay",
    [],
    'const x = await import("../../book/src/y.ts");',
    "leaves the package",
  ],
])("%s is found", (_, folder, dependencies, line, problem) => {
  addPackage(
    folder,
    folder.startsWith("services") ? "service-pay" : (folder.split("/")[1] ?? ""),
    dependencies,
  );
  write(`${folder}/src/bad.ts`, line);
  expect(problems().join()).toContain(problem);
});

test.each(['import "node:fs";', 'import x from "pg";', 'import x from "../store/rows.ts";'])(
  "domain code with %s is found",
  (line) => {
    write("services/pay/src/domain/bad.ts", line);
    expect(problems().join()).toContain("domain imports");
  },
);

test("a circle and a long file are found, an import in a comment is not", () => {
  addPackage("libs/kernel", "kernel", ["schema"]);
  write("libs/kernel/src/long.ts", "\n".repeat(401));
  write(
    "services/pay/src/fine.ts",
    '// import x from "@tideway/service-book";\n/* import "pg"; */',
  );
  expect(problems()).toHaveLength(2);
  expect(problems().join()).toContain("form a circle");
});
