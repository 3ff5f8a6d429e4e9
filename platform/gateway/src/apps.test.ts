import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Apps, safeName } from "./apps.ts";
import { startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";

let fixture: Fixture;
let folder: string;
const script = `export const text = "${"tideway ".repeat(500)}";`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tideway-apps-"));
  await writeFile(join(folder, "secret.txt"), "the file outside");
  for (const app of ["wallet", "pay"]) {
    await mkdir(join(folder, app, "assets"), { recursive: true });
    await writeFile(join(folder, app, "index.html"), `<!doctype html><title>${app}</title>`);
    await writeFile(join(folder, app, "assets", "index-Ab3_x-9Z.js"), script);
    await writeFile(join(folder, app, "favicon.svg"), "<svg/>");
  }
  await writeFile(join(folder, "wallet", ".env"), "the file outside");
  await symlink(join(folder, "secret.txt"), join(folder, "wallet", "link.txt"));
  fixture = await startFixture();
  await fixture.configure([], {
    apps: [
      { path: "/", folder: join(folder, "wallet") },
      { path: "/pay", folder: join(folder, "pay") },
    ],
  });
});
afterAll(async () => {
  await fixture.close();
  await rm(folder, { recursive: true });
});

describe("files", () => {
  test("a hashed asset may be kept for ever, everything else is asked for again", async () => {
    const asset = await fixture.send("/assets/index-Ab3_x-9Z.js");
    expect(asset.status).toBe(200);
    expect(asset.text).toBe(script);
    expect(asset.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    const icon = await fixture.send("/favicon.svg");
    expect(icon.headers["content-type"]).toBe("image/svg+xml");
    expect(icon.headers["cache-control"]).toBe("no-cache");
  });

  test("an unchanged file is not sent twice, and HEAD sends none", async () => {
    const first = await fixture.send("/favicon.svg");
    const etag = String(first.headers.etag);
    const second = await fixture.send("/favicon.svg", { headers: { "if-none-match": etag } });
    expect([second.status, second.text]).toEqual([304, ""]);
    const head = await fixture.send("/favicon.svg", { method: "HEAD" });
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([200, "", "6"]);
  });

  test("the longest path wins; unknown paths get that app's page", async () => {
    for (const [path, title] of [
      ["/", "wallet"],
      ["/activity/42", "wallet"],
      ["/payments", "wallet"],
      ["/pay", "pay"],
      ["/pay/inv_1?x=1", "pay"],
    ] as const) {
      const reply = await fixture.send(path);
      expect([reply.status, reply.text]).toEqual([200, `<!doctype html><title>${title}</title>`]);
      expect(reply.headers["cache-control"]).toBe("no-cache");
      expect(reply.headers["content-type"]).toBe("text/html; charset=utf-8");
    }
    const missing = await fixture.send("/assets/gone-12345678.js");
    expect([missing.status, missing.json["code"]]).toEqual([404, "ROUTE_UNKNOWN"]);
  });

  test("compressed when the client takes it, and not when it declines", async () => {
    const apps = new Apps();
    apps.configure([{ path: "/", folder: join(folder, "wallet") }]);
    const get = (acceptEncoding: string) =>
      apps.serve({
        method: "GET",
        path: "/assets/index-Ab3_x-9Z.js",
        acceptEncoding,
        ifNoneMatch: undefined,
      });
    const brotli = await get("gzip, deflate, br");
    expect(brotli.headers).toContain("br");
    expect(brotliDecompressSync(brotli.body ?? "").toString()).toBe(script);
    const gzip = await get("br;q=0, gzip");
    expect(gunzipSync(gzip.body ?? "").toString()).toBe(script);
    expect((await get("identity")).body?.toString()).toBe(script);
  });

  test("only GET and HEAD", async () => {
    const reply = await fixture.send("/", { method: "POST", body: "x" });
    expect([reply.status, reply.headers["allow"]]).toEqual([405, "GET, HEAD"]);
  });
});

test("pages carry a strict policy", async () => {
  const { headers } = await fixture.send("/");
  const policy = String(headers["content-security-policy"]);
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect(headers["referrer-policy"]).toBe("strict-origin-when-cross-origin");
});

test("a browser's first page gives it the visitor's cookie, once", async () => {
  const accept = "text/html,application/xhtml+xml";
  const first = await fixture.send("/", { headers: { accept } });
  const cookie = String(first.headers["set-cookie"]).split(";", 1)[0] ?? "";
  expect(cookie).toMatch(/^tideway_visitor=/);
  const second = await fixture.send("/", { headers: { accept, cookie } });
  expect(second.headers["set-cookie"]).toBeUndefined();
});

describe("traversal", () => {
  test.each([
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/assets/../../secret.txt",
    "/assets/..%5c..%5csecret.txt",
    "/pay/..%2f..%2fsecret.txt",
    "//etc/passwd",
    "/%2fetc/passwd",
    "/.env",
    "/link.txt",
    "/%00",
    "/%zz",
  ])("%s reaches nothing outside the app", async (path) => {
    const reply = await fixture.send(path);
    expect(reply.text).not.toContain("the file outside");
    expect(reply.text).not.toContain("root:");
    expect(reply.status === 404 || reply.text.startsWith("<!doctype html>")).toBe(true);
  });

  test("names that are no names", () => {
    for (const name of ["..", "a/../b", ".git/config", "a\\b", "/etc", "%2e%2e%2fa"]) {
      expect(safeName(name)).toBeNull();
    }
    expect(safeName("assets/a%20b.js")).toBe("assets/a b.js");
  });
});
