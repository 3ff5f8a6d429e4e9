/**
 * One pass over the headers of a request: what the gateway needs to know, and what it hands on.
 *
 * Never handed on: hop-by-hop headers (RFC 9110 section 7.6.1, and those that `connection` names),
 * everything below `tideway-`, what a client claims about forwarding, and the framing, which is
 * written anew for the instance.
 */
import { KEYS_HEADER, PIN_HEADER } from "@tideway/schema";

export type Listener = "public" | "internal";

export interface RequestHead {
  /** Names and values in turn. */
  readonly forward: readonly string[];
  readonly authorization: string | null;
  readonly cookie: string | null;
  readonly host: string | null;
  readonly origin: string | null;
  readonly instance: string | null;
  /** Several are joined by a comma, which makes it none. */
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly deadline: string | null;
  /** Of a delivery: the revision it is pinned to, and its events' ordering keys. */
  readonly pin: string | null;
  readonly keys: string | null;
  readonly upgrade: boolean;
  readonly contentLength: number | null;
  readonly chunked: boolean;
  /** Browsers send these; programs without a cookie jar do not. */
  readonly keepsCookies: boolean;
}

type Mutable = { -readonly [K in keyof RequestHead]: RequestHead[K] };
type Reader = (head: Mutable, value: string) => boolean;

const drop: Reader = () => false;
/** Each reader tells whether the header is handed on. */
const READERS = new Map<string, Reader>(
  Object.entries({
    "keep-alive": drop,
    "proxy-connection": drop,
    "proxy-authenticate": drop,
    "proxy-authorization": drop,
    te: drop,
    trailer: drop,
    expect: drop,
    "http2-settings": drop,
    forwarded: drop,
    "x-real-ip": drop,
    connection: drop,
    upgrade: (head) => {
      head.upgrade = true;
      return false;
    },
    "transfer-encoding": (head) => {
      head.chunked = true;
      return false;
    },
    "content-length": (head, value) => {
      head.contentLength = Number(value);
      return false;
    },
    host: (head, value) => {
      head.host ??= value;
      return false;
    },
    traceparent: (head, value) => {
      head.traceparent = head.traceparent === null ? value : `${head.traceparent},${value}`;
      return false;
    },
    // Handed on with the trace that it belongs to, or not at all.
    tracestate: (head, value) => {
      head.tracestate = head.tracestate === null ? value : `${head.tracestate},${value}`;
      return false;
    },
    origin: (head, value) => {
      head.origin ??= value;
      return true;
    },
    authorization: (head, value) => {
      // A second one is dropped, so that the instance sees the one that was checked here.
      if (head.authorization !== null) return false;
      head.authorization = value;
      return true;
    },
    cookie: (head, value) => {
      head.cookie = head.cookie === null ? value : `${head.cookie}; ${value}`;
      return true;
    },
    "sec-fetch-mode": (head) => {
      head.keepsCookies = true;
      return true;
    },
    accept: (head, value) => {
      if (value.includes("text/html")) head.keepsCookies = true;
      return true;
    },
    "tideway-instance": (head, value) => {
      head.instance ??= value;
      return false;
    },
    "tideway-deadline": (head, value) => {
      head.deadline ??= value;
      return false;
    },
    [PIN_HEADER]: (head, value) => {
      head.pin ??= value;
      return false;
    },
    [KEYS_HEADER]: (head, value) => {
      head.keys ??= value;
      return false;
    },
  } satisfies Record<string, Reader>),
);

/** Reads `req.rawHeaders`. */
export function readHead(raw: readonly string[]): RequestHead {
  const forward: string[] = [];
  const head: Mutable = {
    forward,
    authorization: null,
    cookie: null,
    host: null,
    origin: null,
    instance: null,
    traceparent: null,
    tracestate: null,
    deadline: null,
    pin: null,
    keys: null,
    upgrade: false,
    contentLength: null,
    chunked: false,
    keepsCookies: false,
  };
  let named: string[] | null = null;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const value = raw[i + 1] ?? "";
    if (name === "connection") named = namedByConnection(value, named);
    const reader = READERS.get(name);
    if (reader === undefined ? isHandedOn(name) : reader(head, value)) {
      forward.push(name, value);
    }
  }
  if (named !== null) head.forward = without(forward, named);
  return head;
}

function isHandedOn(name: string): boolean {
  return !name.startsWith("tideway-") && !name.startsWith("x-forwarded-");
}

function namedByConnection(value: string, before: string[] | null): string[] | null {
  if (value === "keep-alive" || value === "close" || value === "Keep-Alive") return before;
  const names = value.split(",").map((name) => name.trim().toLowerCase());
  return before === null ? names : [...before, ...names];
}

function without(forward: readonly string[], names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < forward.length; i += 2) {
    const name = forward[i] ?? "";
    if (!names.includes(name)) kept.push(name, forward[i + 1] ?? "");
  }
  return kept;
}
