/**
 * Whose request it is: the address of the connection, or, when that is a proxy we were told to
 * trust, the last address of `x-forwarded-for` that is not such a proxy. What stands before it was
 * written by whoever is behind the proxies and is believed by nobody.
 */
import { BlockList, isIP } from "node:net";
import type { IncomingMessage } from "node:http";

export type ClientAddress = (req: IncomingMessage) => string;

const HOPS_MAX = 16;

/** `proxies`: addresses or networks separated by commas, "10.0.0.1, 10.1.0.0/16, ::1". Throws on others. */
export function clientAddressBy(proxies: string | undefined): ClientAddress {
  if (proxies === undefined || proxies.trim() === "") return addressOf;
  const trusted = parseProxies(proxies);
  return (req) => {
    const hops = String(req.headers["x-forwarded-for"] ?? "")
      .split(",")
      .slice(-HOPS_MAX)
      .map((hop) => hop.trim());
    let address = addressOf(req);
    while (isTrusted(trusted, address)) {
      const before = hops.pop();
      if (before === undefined || isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

function parseProxies(text: string): BlockList {
  const list = new BlockList();
  for (const part of text.split(",").map((one) => one.trim())) {
    const [address = "", prefix] = part.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const bits = Number(prefix ?? (family === "ipv6" ? 128 : 32));
    const isNetwork = Number.isInteger(bits) && bits >= 0 && bits <= (family === "ipv6" ? 128 : 32);
    if (isIP(address) === 0 || !isNetwork) {
      throw new Error(`TIDEWAY_TRUSTED_PROXY names ${part}, which is no address or network.`);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

function isTrusted(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function addressOf(req: IncomingMessage): string {
  // A dual-stack socket tells IPv4 addresses as ::ffff:10.0.0.1.
  return (req.socket.remoteAddress ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
}
