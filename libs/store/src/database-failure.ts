/** Failures of the database that say nothing about what was asked of it. */
import { commonErrors } from "@tideway/kernel";
import { sqlState } from "./tx.ts";

/**
 * Waited too long for a lock or a statement. Class 53 as well: no connection, memory, lock or room on
 * the disk was left, whatever was asked for.
 */
const TOO_BUSY = new Set(["55P03", "57014", "25P03", "40001", "40P01"]);
/**
 * The server is going, gone or coming up, its disk fails, or it became a replica that takes no
 * writes. Class 08 are connection exceptions.
 */
const AWAY = new Set(["57P01", "57P02", "57P03", "58030", "25006"]);
const AWAY_SYSTEM_CODES = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);
/** node-postgres gives these failures no code. */
const AWAY_MESSAGES = [
  "Connection terminated",
  "Client has encountered a connection error",
  "Client was closed",
];
const NO_CONNECTION_FREE = "timeout exceeded when trying to connect";

/**
 * OVERLOADED or UPSTREAM_UNAVAILABLE for such a failure, any other error as it is. Whether a commit
 * that broke off took place is unknown, so only what may be done twice may be tried again.
 */
export function databaseFailure(error: unknown, service: string): unknown {
  if (!(error instanceof Error)) return error;
  const state = sqlState(error) ?? "";
  const options = { given: { service }, cause: error };
  const isBusy = TOO_BUSY.has(state) || state.startsWith("53");
  if (isBusy || error.message.startsWith(NO_CONNECTION_FREE)) {
    return commonErrors.error("OVERLOADED", options);
  }
  return isAway(error, state) ? commonErrors.error("UPSTREAM_UNAVAILABLE", options) : error;
}

function isAway(error: Error, state: string): boolean {
  const code: unknown = Reflect.get(error, "code");
  // A socket that is not there; any other ENOENT is about a file of somebody else.
  if (code === "ENOENT") return Reflect.get(error, "syscall") === "connect";
  return (
    AWAY.has(state) ||
    state.startsWith("08") ||
    (typeof code === "string" && AWAY_SYSTEM_CODES.has(code)) ||
    AWAY_MESSAGES.some((text) => error.message.startsWith(text))
  );
}
