/** A checkout with one small app and a library of its own, built by the real Vite. */
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prepareHome } from "../home.ts";
import type { Home } from "../home.ts";
import { createOutput } from "../output.ts";
import { aHome } from "../test/a-home.ts";
import { appDigest } from "./app-digest.ts";
import { buildApps } from "./build-apps.ts";

let home: Home;
let checkout = "";
let told = "";

beforeEach(() => {
  home = aHome();
  prepareHome(home, null);
  checkout = join(dirname(home.folder), "checkout");
  told = "";
  write("package-lock.json", "{}");
  write("libs/words/package.json", '{"name":"@x/words"}');
  write("libs/words/src/index.ts", 'export const word: string = "hello";');
  write("libs/other/package.json", '{"name":"@x/other"}');
  write("apps/wallet/package.json", '{"name":"wallet","dependencies":{"@x/words":"1"}}');
  write("apps/wallet/vite.config.ts", "export default {};");
  write("apps/wallet/index.html", '<script type="module" src="/main.ts"></script>');
  write("apps/wallet/main.ts", 'document.title = "the wallet";');
});

afterEach(() => fs.rmSync(dirname(home.folder), { recursive: true }));

describe("building the apps", () => {
  test("builds once, again only after a change, and lists what is to be served", async () => {
    const [first] = await build();
    expect(told).toContain("✓ wallet built");
    expect(told).toContain("console is not there yet");
    expect(first?.folder).toBe(join(home.apps, "wallet", first?.digest ?? ""));
    expect(builtText(first?.folder)).toContain("the wallet");
    expect(JSON.parse(fs.readFileSync(join(home.apps, "apps.json"), "utf8"))).toEqual([first]);

    expect(await build()).toEqual([first]);
    expect(told).not.toContain("built");

    write("apps/wallet/main.ts", 'document.title = "the new wallet";');
    const [second] = await build();
    expect(second?.folder).not.toBe(first?.folder);
    expect(builtText(second?.folder)).toContain("the new wallet");
  });

  test("a build that fails is told and leaves nothing that could be served", async () => {
    write("apps/wallet/main.ts", "const = 1;");
    await expect(build()).rejects.toMatchObject({ code: "BUILD_FAILED" });
    expect(fs.readdirSync(join(home.apps, "wallet"))).toEqual([]);
  });
});

describe("the digest", () => {
  test("changes with the app, its libraries and the lockfile, and with nothing else", () => {
    const digests = [appDigest(checkout, "wallet")];
    const unchanged = (): void => expect(appDigest(checkout, "wallet")).toBe(digests.at(-1));
    const changed = (): void => {
      digests.push(appDigest(checkout, "wallet"));
      expect(new Set(digests).size).toBe(digests.length);
    };
    write("libs/words/src/index.ts", 'export const word = "bye";');
    changed();
    write("package-lock.json", '{"changed":1}');
    changed();
    fs.renameSync(join(checkout, "apps/wallet/main.ts"), join(checkout, "apps/wallet/other.ts"));
    changed();
    write("libs/other/src/index.ts", "export {};");
    write("apps/wallet/main.test.ts", "test");
    write("apps/wallet/node_modules/x/index.js", "x");
    unchanged();
  });
});

async function build() {
  told = "";
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      told += String(chunk);
      done();
    },
  });
  const output = createOutput({ stdout: stderr, stderr, env: {} });
  return await buildApps(home, { checkout, output, signal: new AbortController().signal });
}

function write(path: string, text: string): void {
  fs.mkdirSync(dirname(join(checkout, path)), { recursive: true });
  fs.writeFileSync(join(checkout, path), text);
}

function builtText(folder = ""): string {
  const assets = join(folder, "assets");
  const files = fs.readdirSync(assets).map((name) => fs.readFileSync(join(assets, name), "utf8"));
  return files.join("\n");
}
