/**
 * Password hashes: scrypt (RFC 7914), each with its own parameters beside it in the PHC string
 * format, so that the cost can rise while old hashes stay readable:
 *
 *   $scrypt$ln=15,r=8,p=1$<salt>$<hash>
 */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { WorkQueue } from "./work-queue.ts";

const BLOCK_SIZE = 8;
const PARALLELISM = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a hash that was read back may ask for; above it the row is damaged. */
const LOG_COST_MAX = 20;

export interface PasswordCheck {
  readonly matches: boolean;
  /** The hash was made at another cost than today's. */
  readonly outdated: boolean;
}

export interface CheckOptions {
  readonly signal?: AbortSignal;
  /** Done when the check's turn has come, before the password is looked at; may refuse it. */
  readonly onTurn?: () => Promise<void>;
}

export interface PasswordHasher {
  hash(password: string, signal?: AbortSignal): Promise<string>;
  /** `hash` null stands for nobody: the answer is no, and takes as long as for somebody. */
  check(password: string, hash: string | null, options?: CheckOptions): Promise<PasswordCheck>;
}

/** A hasher at cost N = 2^logCost; the queue bounds how many run at once. */
export function createPasswordHasher(logCost: number, queue: WorkQueue): PasswordHasher {
  const decoy = format({ logCost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) });
  return {
    hash: (password, signal) =>
      queue.run(async () => {
        const salt = randomBytes(SALT_BYTES);
        return format({ logCost, salt, hash: await derive(password, salt, logCost) });
      }, signal),
    check: (password, hash, { signal, onTurn } = {}) =>
      queue.run(async () => {
        await onTurn?.();
        const expected = parse(hash ?? decoy);
        const actual = await derive(password, expected.salt, expected.logCost);
        const equal = timingSafeEqual(actual, expected.hash);
        return { matches: equal && hash !== null, outdated: expected.logCost !== logCost };
      }, signal),
  };
}

interface HashParts {
  readonly logCost: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

function format({ logCost, salt, hash }: HashParts): string {
  const encode = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");
  const parameters = `ln=${logCost},r=${BLOCK_SIZE},p=${PARALLELISM}`;
  return `$scrypt$${parameters}$${encode(salt)}$${encode(hash)}`;
}

function parse(text: string): HashParts {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=8,p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text);
  const [, logCost, salt, hash] = match ?? [];
  const parts = {
    logCost: Number(logCost),
    salt: Buffer.from(salt ?? "", "base64"),
    hash: Buffer.from(hash ?? "", "base64"),
  };
  if (match === null || parts.logCost > LOG_COST_MAX || parts.hash.length !== HASH_BYTES) {
    throw new Error("A stored password hash is not one of ours.");
  }
  return parts;
}

function derive(password: string, salt: Buffer, logCost: number): Promise<Buffer> {
  const cost = 2 ** logCost;
  const options = { N: cost, r: BLOCK_SIZE, p: PARALLELISM, maxmem: 256 * cost * BLOCK_SIZE };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
