/**
 * Operators sign in here and not through `identity`: a bad release of identity must be reversible
 * by people who can still sign in. The command line uses the token in `secrets/operator.token`,
 * which only the user who runs Tideway can read.
 */
import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { adminErrors } from "@tideway/api-admin";
import { newId } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import { DEMO_OPERATOR } from "@tideway/api-admin";
import * as rows from "./store/operators.ts";

export interface Operator {
  readonly operator: string;
  readonly name: string;
}

export interface Operators {
  /** The operator and a new session's token. Throws OPERATOR_CREDENTIALS_WRONG or OPERATOR_THROTTLED. */
  signIn(name: string, password: string): Promise<{ operator: Operator; token: string }>;
  /** Throws OPERATOR_NOT_LOCAL, OPERATOR_EXISTS or OPERATOR_PASSWORD_WEAK. */
  add(by: Operator, name: string, password: string): Promise<Operator>;
  find(name: string): Promise<Operator | null>;
  signOut(token: string): Promise<void>;
  bySession(token: string): Promise<Operator | null>;
  /** The local operator, for the token of the command line. */
  byLocalToken(token: string): Operator | null;
}

export const SESSION_HOURS = 12;
const PASSWORD_LENGTH_MIN = 12;
const LOCAL_OPERATOR: Operator = { operator: "opr_local", name: "local" };
const scryptAsync = promisify<string, Buffer, number, Buffer>(scrypt);

export interface OperatorsOptions {
  readonly pool: Pool;
  readonly home: string;
  readonly profile: "demo" | "production";
}

/** Opens the operators; makes the local token and, in the demo profile, the demo operator. */
export async function openOperators(options: OperatorsOptions): Promise<Operators> {
  const { pool } = options;
  const localHash = digest(await localToken(options.home));
  if (options.profile === "demo") {
    await rows.addOperator(pool, {
      operator: newId("opr"),
      name: DEMO_OPERATOR.name,
      passwordHash: await hashPassword(DEMO_OPERATOR.password),
    });
  }
  // So that an unknown name takes as long as a known one.
  const nobodysHash = await hashPassword(randomBytes(16).toString("hex"));
  return {
    signIn: async (name, password) => {
      const row = await rows.findOperator(pool, name);
      if (row !== null && row.locked_seconds > 0) {
        throw adminErrors.error("OPERATOR_THROTTLED", { given: { seconds: row.locked_seconds } });
      }
      // Counted before it is checked, or many tries at once would all come before the first count.
      if (row !== null && !(await rows.countAttempt(pool, row.operator))) {
        throw adminErrors.error("OPERATOR_THROTTLED", { given: { seconds: 1 } });
      }
      const matches = await verifyPassword(password, row?.password_hash ?? nobodysHash);
      if (row === null || !matches) throw adminErrors.error("OPERATOR_CREDENTIALS_WRONG");
      await rows.clearFailures(pool, row.operator);
      const token = randomBytes(32).toString("base64url");
      const session = { tokenHash: digest(token), operator: row.operator, hours: SESSION_HOURS };
      await rows.insertSession(pool, session);
      return { operator: { operator: row.operator, name: row.name }, token };
    },
    add: (by, name, password) => addOperator(pool, by, { name, password }),
    find: async (name) => {
      const row = await rows.findOperator(pool, name);
      return row === null ? null : { operator: row.operator, name: row.name };
    },
    signOut: (token) => rows.deleteSession(pool, digest(token)),
    bySession: (token) => rows.findSession(pool, digest(token)),
    byLocalToken: (token) => (sameHex(digest(token), localHash) ? LOCAL_OPERATOR : null),
  };
}

async function addOperator(
  pool: Pool,
  by: Operator,
  wanted: { readonly name: string; readonly password: string },
): Promise<Operator> {
  if (by.operator !== LOCAL_OPERATOR.operator) throw adminErrors.error("OPERATOR_NOT_LOCAL");
  const { name, password } = wanted;
  if (password.length < PASSWORD_LENGTH_MIN) {
    const given = { lengthMin: PASSWORD_LENGTH_MIN };
    throw adminErrors.error("OPERATOR_PASSWORD_WEAK", { given });
  }
  const row = { operator: newId("opr"), name, passwordHash: await hashPassword(password) };
  if (!(await rows.addOperator(pool, row))) {
    throw adminErrors.error("OPERATOR_EXISTS", { given: { name } });
  }
  return { operator: row.operator, name };
}

/** `scrypt$N$salt$hash`, so that the cost may change later. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await scryptAsync(password, salt, 32);
  return `scrypt$16384$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, , salt, hash] = stored.split("$");
  if (salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, "base64url");
  const given = await scryptAsync(password, Buffer.from(salt, "base64url"), expected.length);
  return timingSafeEqual(given, expected);
}

async function localToken(home: string): Promise<string> {
  const path = join(home, "secrets", "operator.token");
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    const token = randomBytes(32).toString("base64url");
    await mkdir(join(home, "secrets"), { recursive: true, mode: 0o700 });
    await writeFile(path, `${token}\n`, { mode: 0o600, flag: "wx" });
    return token;
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function sameHex(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"));
}
