import { fakeClock } from "@tideway/kernel";
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEYS_AGE_MS, KEYS_REFRESH_MS } from "./limits.ts";
import { TokenVerifier } from "./tokens.ts";
import { ISSUER, revision, route, service, startFixture } from "./testing/fixture.ts";
import type { Fixture, Reply } from "./testing/fixture.ts";
import { encode, newSigner, startIdentity, tokenFor } from "./testing/tokens.ts";
import type { Identity } from "./testing/tokens.ts";
import type { Upstream } from "./testing/upstream.ts";

const signer = newSigner("key-1");
const other = newSigner("key-1");
const person = "per_01jd3x7k9w4q5t8v2y6z0a1b3c";
const nowSeconds = Math.floor(Date.now() / 1_000);

describe("at the gateway", () => {
  let fixture: Fixture;
  let identity: Identity;
  let wallet: Upstream;

  beforeAll(async () => {
    fixture = await startFixture();
    identity = await startIdentity(fixture, [signer]);
    wallet = await fixture.upstream({ service: "wallet", instance: "ins_w" });
    const routes = [
      route("GET /mine", { auth: "person" }),
      route("GET /open"),
      route("GET /inner", { auth: "service" }),
    ];
    await fixture.configure([
      identity.config,
      service("wallet", [revision("wallet-1", routes, [wallet])]),
    ]);
  });
  afterAll(() => fixture.close());

  const mine = (authorization?: string): Promise<Reply> =>
    fixture.send("/api/wallet/mine", {
      headers: authorization === undefined ? {} : { authorization },
    });

  test("a good token is vouched for, and verified once", async () => {
    const authorization = `Bearer ${tokenFor(signer, { sub: person })}`;
    for (let i = 0; i < 3; i++) expect((await mine(authorization)).status).toBe(200);
    const received = wallet.received.at(-1);
    expect(received?.assertion.person).toBe(person);
    expect(received?.headers["authorization"]).toBe(authorization);
    expect(identity.upstream.received).toHaveLength(1);
  });

  const tokens: readonly (readonly [string, string, RegExp])[] = [
    ["expired", tokenFor(signer, { sub: person, exp: nowSeconds - 1 }), /expired/],
    ["from another issuer", tokenFor(signer, { sub: person, iss: "else" }), /iss/],
    ["not valid yet", tokenFor(signer, { sub: person, nbf: nowSeconds + 60 }), /nbf/],
    ["without a subject", tokenFor(signer), /sub/],
    ["signed by another key of that name", tokenFor(other, { sub: person }), /signature/],
    ["of an unknown key", tokenFor(newSigner("key-9"), { sub: person }), /unknown key/],
    ["without a signature", unsigned("none"), /algorithm/],
    ["signed with the public key as a secret", hmacSigned(), /algorithm/],
    ["changed after signing", tampered(), /signature/],
    ["not a token", "abc", /malformed/],
  ];

  test.each(tokens)("a token %s is refused", async (_, token, reason) => {
    const before = wallet.received.length;
    const reply = await mine(`Bearer ${token}`);
    expect([reply.status, reply.json["code"]]).toEqual([401, "TOKEN_INVALID"]);
    expect(reply.json["title"]).toMatch(reason);
    expect(wallet.received).toHaveLength(before);
  });

  test("no token, or another scheme, is refused where a person is needed", async () => {
    expect((await mine()).json["code"]).toBe("TOKEN_MISSING");
    expect((await mine("Basic eDp5")).json["code"]).toBe("TOKEN_INVALID");
    expect((await fixture.send("/api/wallet/open")).status).toBe(200);
  });

  test("a route for services takes no person", async () => {
    const authorization = `Bearer ${tokenFor(signer, { sub: person })}`;
    const reply = await fixture.send("/api/wallet/inner", { headers: { authorization } });
    expect([reply.status, reply.json["code"]]).toEqual([401, "CALLER_UNKNOWN"]);
  });

  test("the keys outlive the service that published them", async () => {
    await identity.upstream.close();
    const fresh = tokenFor(signer, { sub: "per_somebody_else" });
    expect((await mine(`Bearer ${fresh}`)).status).toBe(200);
  });
});

describe("the verifier", () => {
  test("asks for unknown keys at most once in 5 s, then finds the new one", async () => {
    const clock = { ...fakeClock(Date.now()) };
    let asked = 0;
    let published = [signer];
    const verifier = new TokenVerifier({
      clock,
      fetchKeys: () => {
        asked++;
        return Promise.resolve({ keys: published.map((one) => one.jwk) });
      },
    });
    verifier.configure(ISSUER);
    const next = newSigner("key-2");
    const token = tokenFor(next, { sub: person });
    expect(await verifier.verify(tokenFor(signer, { sub: person }))).toBe(person);
    published = [signer, next];
    for (let i = 0; i < 3; i++) await expect(verifier.verify(token)).rejects.toThrow("unknown key");
    expect(asked).toBe(1);
    clock.advance(KEYS_REFRESH_MS);
    expect(await verifier.verify(token)).toBe(person);
    expect(asked).toBe(2);
  });

  test("a known token is forgotten when it expires, and when its key is taken back", async () => {
    const clock = fakeClock(Date.now());
    let published = [signer];
    const verifier = new TokenVerifier({
      clock,
      fetchKeys: () => Promise.resolve({ keys: published.map((one) => one.jwk) }),
    });
    verifier.configure(ISSUER);
    const token = tokenFor(signer, { sub: person });
    await verifier.verify(token);
    expect(verifier.cached(token)).toBe(person);
    clock.advance(601_000);
    expect(verifier.cached(token)).toBeNull();
    const exp = nowSeconds + 10_000;
    const long = tokenFor(signer, { sub: person, exp });
    await verifier.verify(long);
    published = [newSigner("key-2")];
    clock.advance(KEYS_AGE_MS + 1);
    await verifier.verify(tokenFor(signer, { sub: "per_2", exp }));
    await expect.poll(() => verifier.cached(long)).toBeNull();
  });

  test("without any key it says so, and blames nobody", async () => {
    const verifier = new TokenVerifier({
      clock: fakeClock(Date.now()),
      fetchKeys: () => Promise.reject(new Error("connection refused")),
    });
    verifier.configure(ISSUER);
    await expect(verifier.verify(tokenFor(signer, { sub: person }))).rejects.toMatchObject({
      code: "UPSTREAM_UNAVAILABLE",
    });
  });
});

function unsigned(alg: string): string {
  const payload = { iss: ISSUER, sub: person, exp: nowSeconds + 600 };
  return `${encode({ alg, kid: "key-1" })}.${encode(payload)}.`;
}

function hmacSigned(): string {
  const text = unsigned("HS256").slice(0, -1);
  const secret = Buffer.from(String(signer.jwk["x"]), "base64url");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function tampered(): string {
  const [header, , signature] = tokenFor(signer, { sub: person }).split(".");
  const payload = encode({ iss: ISSUER, sub: "per_victim", exp: nowSeconds + 600 });
  return `${header}.${payload}.${signature}`;
}
