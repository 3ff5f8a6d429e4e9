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
  if (origin !== undefined && !isOwnOrigin(origin, own)) throw refused(origin);
}

/** A proxy in front may have left the port out of Host; nothing hangs on it but the name. */
function isOwn(address: string, own: URL): boolean {
  if (!URL.canParse(address)) return false;
  const given = new URL(address);
  if (given.hostname === own.hostname) return portOf(given) === portOf(own) || given.port === "";
  return isLoopbackAlias(given, own);
}

/**
 * The whole origin counts: the cookie is sent along from every port of this host, also from the
 * wallet's, whose pages must not act as an operator.
 */
function isOwnOrigin(origin: string, own: URL): boolean {
  if (!URL.canParse(origin)) return false;
  const given = new URL(origin);
  if (given.protocol !== own.protocol) return false;
  return given.origin === own.origin || isLoopbackAlias(given, own);
}

function isLoopbackAlias(given: URL, own: URL): boolean {
  return LOOPBACK.has(own.hostname) && LOOPBACK.has(given.hostname) && given.port === own.port;
}

function portOf(url: URL): string {
  if (url.port !== "") return url.port;
  return url.protocol === "https:" ? "443" : "80";
}

function refused(origin: string): Error {
  return adminErrors.error("ORIGIN_REFUSED", { given: { origin: origin.slice(0, 100) } });
}
