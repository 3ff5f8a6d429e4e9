/**
 * The built apps, straight from their folders. A path that is no file of the app gets its
 * index.html, as apps have routes of their own; under `assets/`, where names carry a hash, a
 * missing file is a 404, so that a browser never takes a page for a script.
 */
import { commonErrors } from "@tideway/kernel";
import type { CodedError } from "@tideway/kernel";
import type { AppConfig } from "./config.ts";
import { gatewayErrors } from "./errors.ts";
import { FileCache } from "./file-cache.ts";
import type { CachedFile, Encoding } from "./file-cache.ts";

export interface AppReply {
  readonly status: 200 | 304;
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  /** For the log: which app. */
  readonly app: string;
}

export interface AppRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly acceptEncoding: string;
  readonly ifNoneMatch: string | undefined;
}

/** Vite puts what it built under assets/ with eight characters of the content's hash. */
const HASHED = /^assets\/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+(?:\.map)?$/;

const SECURITY = [
  "content-security-policy",
  [
    "default-src 'self'",
    "script-src 'self'",
    // Mantine sets its theme's variables in a style element.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options",
  "nosniff",
  "x-frame-options",
  "DENY",
  "referrer-policy",
  "strict-origin-when-cross-origin",
  "cross-origin-opener-policy",
  "same-origin",
  "permissions-policy",
  "geolocation=(), microphone=()",
] as const;

export class Apps {
  #apps: readonly { readonly path: string; readonly files: FileCache }[] = [];

  /** Apps whose folder stays keep what they have read. */
  configure(configs: readonly AppConfig[]): void {
    const before = new Map(this.#apps.map((app) => [app.files.folder, app.files]));
    this.#apps = configs
      .map(({ path, folder }) => ({
        path: path.endsWith("/") ? path : `${path}/`,
        files: before.get(folder) ?? new FileCache(folder),
      }))
      // The longest path is asked first.
      .sort((a, b) => b.path.length - a.path.length);
  }

  /** Throws ROUTE_UNKNOWN or METHOD_NOT_ALLOWED. */
  async serve(request: AppRequest): Promise<AppReply> {
    const { method, path } = request;
    const app = this.#apps.find((one) => path.startsWith(one.path) || `${path}/` === one.path);
    if (app === undefined) throw unknown(request);
    if (method !== "GET" && method !== "HEAD") {
      const given = { method, path: path.slice(0, 200), allow: "GET, HEAD" };
      throw gatewayErrors.error("METHOD_NOT_ALLOWED", { given });
    }
    const name = safeName(path.slice(app.path.length));
    if (name === null) throw unknown(request);
    const found = name === "" ? null : await app.files.read(name);
    if (found === null && name.startsWith("assets/")) throw unknown(request);
    const file = found ?? (await app.files.read("index.html"));
    if (file === null) throw unknown(request);
    const isImmutable = found !== null && HASHED.test(name);
    return replyOf(file, { request, isImmutable, app: app.path });
  }
}

/**
 * The file's name inside the app's folder, or null when the address tries to be anywhere else:
 * dot segments, hidden files, backslashes and bad encodings are names of nothing.
 */
export function safeName(encoded: string): string | null {
  let name: string;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    return null;
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\\\u007f]/.test(name)) return null;
  if (name.split("/").some((segment) => segment.startsWith("."))) return null;
  return name.startsWith("/") ? null : name;
}

function replyOf(
  file: CachedFile,
  context: { request: AppRequest; isImmutable: boolean; app: string },
): AppReply {
  const { request, isImmutable, app } = context;
  const headers = [
    "etag",
    file.etag,
    "cache-control",
    isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    "vary",
    "accept-encoding",
    ...SECURITY,
  ];
  if (request.ifNoneMatch?.includes(file.etag) === true) {
    return { status: 304, headers, body: null, app };
  }
  const encoding = encodingFor(request.acceptEncoding, file);
  const body = encoding === null ? file.plain : (file.encoded.get(encoding) ?? file.plain);
  headers.push("content-type", file.contentType, "content-length", String(body.length));
  if (encoding !== null) headers.push("content-encoding", encoding);
  return { status: 200, headers, body: request.method === "HEAD" ? null : body, app };
}

function encodingFor(accept: string, file: CachedFile): Encoding | null {
  for (const encoding of ["br", "gzip"] as const) {
    const wanted = new RegExp(`(?:^|[,\\s])${encoding}(?:$|[\\s,;])(?!\\s*q=0(?:\\.0*)?(?:$|,))`);
    if (file.encoded.has(encoding) && wanted.test(accept)) return encoding;
  }
  return null;
}

function unknown(request: AppRequest): CodedError {
  const given = { method: request.method, path: request.path.slice(0, 200) };
  return commonErrors.error("ROUTE_UNKNOWN", { given });
}
