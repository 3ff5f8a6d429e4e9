import { usageErrors } from "../errors.ts";

/** A whole number from an option. Throws OPTION_VALUE_INVALID. */
export function secondsOption(command: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 86_400) return value;
  const given = { command, given: text, expected: "a whole number from 1 to 86400" };
  throw usageErrors.error("OPTION_VALUE_INVALID", { given });
}
