/** Secrets below TIDEWAY_HOME/secrets (0700, files 0600), and keys derived from the master key. */
import { hkdfSync, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The master key: from TIDEWAY_MASTER_KEY_FILE, else made once beside the data (demo only). */
export async function readMasterKey(home: string, file: string | undefined): Promise<Buffer> {
  const path = file ?? join(home, "secrets", "master.key");
  const known = await readSecret(path);
  if (known !== null) return decodeKey(known, path);
  if (file !== undefined) throw new Error(`The master key file ${file} does not exist.`);
  const key = randomBytes(32);
  await writeSecret(path, key.toString("base64"));
  return key;
}

/** A secret of 32 random bytes in hex, made when it is not there yet. */
export async function ensureHexSecret(path: string): Promise<string> {
  const known = await readSecret(path);
  if (known !== null && /^[0-9a-f]{64}$/.test(known)) return known;
  const secret = randomBytes(32).toString("hex");
  await writeSecret(path, secret);
  return secret;
}

/** A service's own key, in hex: HKDF-SHA-256 (RFC 5869) of the master key under its name. */
export function serviceKeyOf(masterKey: Buffer, service: string): string {
  const key = hkdfSync("sha256", masterKey, "tideway", `service key v1 ${service}`, 32);
  return Buffer.from(key).toString("hex");
}

/** A secret's text, or null when there is none. */
export async function readSecret(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return null;
    throw error;
  }
}

/** Writes a secret whole or not at all. */
export async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(4).toString("hex")}`;
  await writeFile(draft, `${text}\n`, { mode: 0o600, flush: true });
  await rename(draft, path);
}

/** 32 bytes, as base64 (as `openssl rand -base64 32` prints them), base64url or hex. */
function decodeKey(text: string, path: string): Buffer {
  const key = Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? "hex" : "base64");
  if (key.length !== 32) throw new Error(`${path} must hold 32 bytes in base64 or hex.`);
  return key;
}
