import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { clientAddressBy } from "./client-address.ts";

const request = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  // Only these two are looked at.
  ({
    socket: { remoteAddress },
    headers: { "x-forwarded-for": forwarded },
  }) as unknown as IncomingMessage;

test("without trusted proxies nobody's word is taken", () => {
  const address = clientAddressBy(undefined);
  expect(address(request("10.0.0.9", "1.2.3.4"))).toBe("10.0.0.9");
  expect(address(request("::ffff:10.0.0.9"))).toBe("10.0.0.9");
});

test.each([
  ["10.0.0.1", "1.2.3.4", "1.2.3.4"],
  ["10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"],
  ["10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"],
  ["10.0.0.1", undefined, "10.0.0.1"],
  ["10.0.0.1", "nonsense", "10.0.0.1"],
  ["9.9.9.9", "1.2.3.4", "9.9.9.9"],
  ["::1", "2001:db8::7", "2001:db8::7"],
])("a connection from %s that says %s is from %s", (remote, forwarded, expected) => {
  expect(clientAddressBy("10.0.0.0/24, ::1")(request(remote, forwarded))).toBe(expected);
});

test.each(["everybody", "10.0.0.1/33", "10.0.0.1,"])("%s is no list of proxies", (text) => {
  expect(() => clientAddressBy(text)).toThrow("no address or network");
});
