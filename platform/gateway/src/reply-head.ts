/** The headers of an instance's answer as the client gets them. */
import { VIOLATION_HEADER } from "@tideway/schema";
import type { IncomingHttpHeaders } from "undici/types/header.js";

/** Hop-by-hop, or ours to say. */
const DROPPED = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "tideway-revision",
  "tideway-trace",
  "tideway-assertion",
  "tideway-instance",
  VIOLATION_HEADER,
]);

export interface ReplyHead {
  /** Names and values in turn. */
  readonly headers: string[];
  /** Null: the length is not known in advance. */
  readonly contentLength: number | null;
}

/** Copies what may pass; `connection` may name more to leave out. */
export function replyHead(headers: IncomingHttpHeaders): ReplyHead {
  const out: string[] = [];
  const named = namesIn(headers["connection"]);
  for (const name in headers) {
    if (DROPPED.has(name) || named?.includes(name) === true) continue;
    const value = headers[name];
    if (typeof value === "string") out.push(name, value);
    else if (value !== undefined) for (const one of value) out.push(name, one);
  }
  const length = headers["content-length"];
  return { headers: out, contentLength: typeof length === "string" ? Number(length) : null };
}

function namesIn(connection: string | string[] | undefined): string[] | null {
  if (connection === undefined || connection === "keep-alive" || connection === "close") {
    return null;
  }
  return String(connection)
    .split(",")
    .map((name) => name.trim().toLowerCase());
}
