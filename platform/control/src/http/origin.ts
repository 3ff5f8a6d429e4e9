/** A page elsewhere must not be able to use an operator's browser: Host and Origin are checked. */
import { adminErrors } from "@tideway/api-admin";
import type { FastifyRequest } from "@tideway/http";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Throws ORIGIN_REFUSED unless the request was made to, and from, the console's own address. */
export function checkOrigin(request: FastifyRequest, operatorsUrl: string): void {
  const own = new URL(operatorsUrl);
  const host = request.headers.host ?? "";
  if (!isOwn(`http://${host}`, own)) throw refused(host);
  const { origin } = request.headers;
  if (origin !== undefined && !isOwn(origin, own)) throw refused(origin);
}

function isOwn(address: string, own: URL): boolean {
  if (!URL.canParse(address)) return false;
  const given = new URL(address);
  if (given.hostname === own.hostname) return portOf(given) === portOf(own) || given.port === "";
  return LOOPBACK.has(own.hostname) && LOOPBACK.has(given.hostname) && given.port === own.port;
}

function portOf(url: URL): string {
  if (url.port !== "") return url.port;
  return url.protocol === "https:" ? "443" : "80";
}

function refused(origin: string): Error {
  return adminErrors.error("ORIGIN_REFUSED", { given: { origin: origin.slice(0, 100) } });
}
