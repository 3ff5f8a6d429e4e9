/**
 * Files of one folder, read once, compressed once, kept in memory up to a bound. A kept file is
 * compared with the disk at most once a second. Nothing outside the folder is ever read, not
 * through a link either.
 */
import { hash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { FILES_BYTES_MAX, FILE_BYTES_MAX, FILE_CHECK_MS } from "./limits.ts";

export type Encoding = "br" | "gzip";

export interface CachedFile {
  readonly contentType: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly encoded: ReadonlyMap<Encoding, Buffer>;
}

interface Kept {
  readonly file: CachedFile;
  readonly modifiedMs: number;
  checkedMs: number;
}

const TYPES = new Map<string, string>([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".mjs", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".json", "application/json"],
  [".map", "application/json"],
  [".webmanifest", "application/manifest+json"],
  [".txt", "text/plain; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".png", "image/png"],
  [".jpg", "image/jpeg"],
  [".jpeg", "image/jpeg"],
  [".webp", "image/webp"],
  [".avif", "image/avif"],
  [".gif", "image/gif"],
  [".ico", "image/x-icon"],
  [".woff", "font/woff"],
  [".woff2", "font/woff2"],
  [".wasm", "application/wasm"],
]);
const COMPRESSIBLE = /^text\/|^application\/(?:json|manifest|wasm)|^image\/svg/;
/** Below this, compressing costs more than it saves. */
const COMPRESS_BYTES_MIN = 1_024;

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

export class FileCache {
  readonly folder: string;
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The file, or null when there is none. `name` has no dot segments. */
  async read(name: string): Promise<CachedFile | null> {
    const kept = this.#kept.get(name);
    const nowMs = performance.now();
    if (kept !== undefined && nowMs - kept.checkedMs < FILE_CHECK_MS) return kept.file;
    const path = await this.#inside(name);
    const info = path === null ? null : await stat(path);
    if (path === null || info === null || !info.isFile()) return null;
    if (kept !== undefined && kept.modifiedMs === info.mtimeMs) {
      kept.checkedMs = nowMs;
      return kept.file;
    }
    const file = await load(path);
    this.#keep(name, { file, modifiedMs: info.mtimeMs, checkedMs: nowMs });
    return file;
  }

  async #inside(name: string): Promise<string | null> {
    try {
      const root = await realpath(this.folder);
      const path = await realpath(join(root, name));
      return path.startsWith(root + sep) ? path : null;
    } catch {
      // No such file, or a name the system does not take: nothing to serve.
      return null;
    }
  }

  #keep(name: string, kept: Kept): void {
    const before = this.#kept.get(name);
    if (before !== undefined) this.#keptBytes -= sizeOf(before.file);
    this.#kept.delete(name);
    const bytes = sizeOf(kept.file);
    if (bytes > FILE_BYTES_MAX || this.#keptBytes + bytes > FILES_BYTES_MAX) return;
    this.#kept.set(name, kept);
    this.#keptBytes += bytes;
  }
}

async function load(path: string): Promise<CachedFile> {
  const plain = await readFile(path);
  const contentType = TYPES.get(extname(path).toLowerCase()) ?? "application/octet-stream";
  const encoded = new Map<Encoding, Buffer>();
  if (plain.length >= COMPRESS_BYTES_MIN && COMPRESSIBLE.test(contentType)) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
    encoded.set("br", await compressBrotli(plain, { params }));
    encoded.set("gzip", await compressGzip(plain));
  }
  return { contentType, etag: `"${hash("sha256", plain, "hex").slice(0, 32)}"`, plain, encoded };
}

function sizeOf(file: CachedFile): number {
  let bytes = file.plain.length;
  for (const body of file.encoded.values()) bytes += body.length;
  return bytes;
}
