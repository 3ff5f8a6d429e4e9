import { newId } from "@tideway/kernel";
import { describe, expect, test } from "vitest";
import { parsePayLink, safeNextPath } from "./parse-pay-link.ts";

const origin = "https://pay.example";
const invoice = newId("inv");

describe("what is scanned or pasted", () => {
  test.each([
    `${origin}/pay/${invoice}`,
    `  ${origin}/pay/${invoice}/\n`,
    `/pay/${invoice}`,
    invoice,
  ])("%s leads to the invoice", (text) => {
    expect(parsePayLink(text, origin)).toEqual({ kind: "invoice", invoice });
  });

  test.each([
    `https://pay.example.evil.test/pay/${invoice}`,
    `http://pay.example/pay/${invoice}`,
    `https://pay.example:8443/pay/${invoice}`,
    `//evil.test/pay/${invoice}`,
    `\\\\evil.test/pay/${invoice}`,
    `javascript:alert(1)//pay/${invoice}`,
  ])("%s is of another site", (text) => {
    expect(parsePayLink(text, origin)).toEqual({ kind: "refused", reason: "other-site" });
  });

  test.each([
    "hello",
    `${origin}/`,
    `${origin}/pay/inv_123`,
    `${origin}/send/${invoice}`,
    "x".repeat(501),
  ])("%s is no link that can be paid", (text) => {
    expect(parsePayLink(text, origin)).toEqual({ kind: "refused", reason: "not-a-pay-link" });
  });

  test("nothing is told apart from something wrong", () => {
    expect(parsePayLink("  ", origin)).toEqual({ kind: "refused", reason: "empty" });
  });
});

describe("the page after signing in", () => {
  test("is a path of this site", () => {
    expect(safeNextPath(`/pay/${invoice}?from=qr`, origin)).toBe(`/pay/${invoice}?from=qr`);
  });

  test.each(["https://evil.test/", "//evil.test", "/\\evil.test", "evil", undefined])(
    "%s goes home",
    (next) => {
      expect(safeNextPath(next, origin)).toBe("/");
    },
  );
});
