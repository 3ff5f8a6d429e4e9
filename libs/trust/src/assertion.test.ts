import { describe, expect, test } from "vitest";
import { assertionKeyOf, authHashOf, newInstanceSecret, sameDigest } from "./instance-secret.ts";
import {
  ASSERTION_VALID_MS,
  assertionSecret,
  signAssertion,
  verifyAssertion,
} from "./assertion.ts";
import type { Assertion } from "./assertion.ts";

const secret = newInstanceSecret();
const keyHex = assertionKeyOf(secret);
const key = assertionSecret(keyHex);
const nowMs = 1_000_000;
const assertion: Assertion = {
  caller: "payments",
  revision: "payments-7",
  instance: "ins_1",
  audience: "ledger",
  method: "POST",
  path: "/transfers",
  person: "per_1",
  expiresAtMs: nowMs + ASSERTION_VALID_MS,
};
const expected = { key, audience: "ledger", method: "POST", path: "/transfers", nowMs };
const signed = signAssertion(assertion, key);

describe("assertions", () => {
  test("what the gateway signed is read back by the callee", () => {
    expect(verifyAssertion(signed, expected)).toEqual(assertion);
  });

  test.each([
    ["no header", undefined, expected],
    ["another key", signAssertion(assertion, assertionSecret(assertionKeyOf("other"))), expected],
    ["another audience", signed, { ...expected, audience: "identity" }],
    ["another path", signed, { ...expected, path: "/accounts" }],
    ["another method", signed, { ...expected, method: "GET" }],
    ["31 s later", signed, { ...expected, nowMs: nowMs + ASSERTION_VALID_MS + 1 }],
    [
      "a changed body",
      signed.replace(/\.(.)/, (_, c: string) => `.${c === "e" ? "f" : "e"}`),
      expected,
    ],
  ])("%s is refused", (_, header, options) => {
    expect(() => verifyAssertion(header, options)).toThrow("did not prove who it is");
  });

  test("the gateway can recognise a secret without holding it", () => {
    expect(sameDigest(authHashOf(secret), authHashOf(secret))).toBe(true);
    expect(sameDigest(authHashOf(secret), authHashOf("other"))).toBe(false);
    expect(sameDigest("", "")).toBe(false);
    expect(authHashOf(secret)).not.toBe(keyHex);
  });
});
