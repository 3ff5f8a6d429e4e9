import { usageErrors } from "./errors.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/** `--limit`, from 1 to 200; 50 when it is not given. Throws OPTION_VALUE_INVALID. */
export function limitOf(command: string, text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw usageErrors.error("OPTION_VALUE_INVALID", {
    given: { command, given: text, expected: `a number from 1 to ${LIMIT_MAX}` },
  });
}
