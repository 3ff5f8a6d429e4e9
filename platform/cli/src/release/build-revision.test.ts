import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildRevision, listServices } from "./build-revision.ts";

const checkout = join(import.meta.dirname, "../../../..");
const folders: string[] = [];
let copy: string;
beforeEach(() => {
  copy = copyOf("libs", "apis", "services");
});
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Another place with the same sources, as a second clone would be. */
function copyOf(...rooms: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "tw-build-"));
  folders.push(folder);
  for (const room of rooms) cpSync(join(checkout, room), join(folder, room), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  return folder;
}

test("the same sources give the same bytes, again and from another place", async () => {
  const [one, two] = [await buildRevision(copy, "identity"), await buildRevision(copy, "identity")];
  expect(two).toEqual(one);
  const elsewhere = await buildRevision(copyOf("libs", "apis", "services"), "identity");
  expect(elsewhere.files).toEqual(one.files);
});

test("a changed line is another bundle, and the declaration is the manifest", async () => {
  const before = await buildRevision(copy, "identity");
  const main = join(copy, "services/identity/src/main.ts");
  writeFileSync(main, `${readFileSync(main, "utf8")}\nperformance.mark("changed");\n`);
  const after = await buildRevision(copy, "identity");
  expect(after.files["main.mjs"]).not.toBe(before.files["main.mjs"]);
  expect(after.manifest).toMatchObject({ service: "identity", database: true });
  expect(Object.keys(after.files)).toContain("migrations/0001_people_and_sessions.sql");
});

test("every service of the checkout is found, and one that is not there is told", async () => {
  expect(await listServices(copy)).toEqual(["identity", "ledger", "payments"]);
  await expect(buildRevision(copy, "nobody")).rejects.toMatchObject({ code: "SERVICE_NOT_FOUND" });
});

test("a declaration and a bundle that do not work are told with the place", async () => {
  writeFileSync(join(copy, "services/identity/service.ts"), "export default { name: 'other' };");
  await expect(buildRevision(copy, "identity")).rejects.toMatchObject({
    code: "DECLARATION_INVALID",
  });
  writeFileSync(join(copy, "services/ledger/src/main.ts"), "import './nothing.ts';\nlet = 3;");
  await expect(buildRevision(copy, "ledger")).rejects.toMatchObject({ code: "BUNDLE_FAILED" });
});
