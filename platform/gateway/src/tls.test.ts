/** TLS at the edge, with a certificate that openssl makes for the test. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import type { RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFixture } from "./testing/fixture.ts";
import type { Fixture } from "./testing/fixture.ts";

let folder: string;
let edge: Fixture;
let files: { certFile: string; keyFile: string };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tw-tls-"));
  files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const out = ["-keyout", files.keyFile, "-out", files.certFile];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  execFileSync("openssl", [...kind, "-nodes", "-days", "2", ...subject, ...out], {
    stdio: "ignore",
  });
  edge = await startFixture({ tls: files, publicUrl: "https://localhost" });
  await edge.configure([]);
});
afterAll(async () => {
  await edge.close();
  rmSync(folder, { recursive: true });
});

function get(options: RequestOptions): Promise<{ status: number; protocol: string | null }> {
  return new Promise((resolve, reject) => {
    const all = { host: "127.0.0.1", port: edge.gateway.publicPort, path: "/health", ...options };
    const req = request({ servername: "localhost", agent: false, ...all }, (res) => {
      // Asked for over TLS, so the socket is one of TLS.
      const { getProtocol } = res.socket as unknown as { getProtocol?: () => string | null };
      const protocol = getProtocol?.call(res.socket) ?? null;
      res.resume().on("end", () => resolve({ status: res.statusCode ?? 0, protocol }));
    });
    req.on("error", reject).end();
  });
}

test("people reach it over TLS with the certificate that was given", async () => {
  const answer = await get({ ca: readFileSync(files.certFile) });
  expect(answer).toEqual({ status: 200, protocol: "TLSv1.3" });
});

test("nobody is answered in the clear, or under an old version", async () => {
  await expect(edge.send("/health")).rejects.toThrow();
  const old = get({ ca: readFileSync(files.certFile), maxVersion: "TLSv1.1", minVersion: "TLSv1" });
  await expect(old).rejects.toThrow();
});

test("the internal listener stays as it is", async () => {
  const answer = await edge.call("/api/nobody/x");
  expect(answer).toMatchObject({ status: 401, json: { code: "CALLER_UNKNOWN" } });
});

test("a certificate that is not there keeps the gateway from starting", async () => {
  const tls = { ...files, keyFile: join(folder, "none.pem") };
  await expect(startFixture({ tls })).rejects.toThrow("none.pem");
});
