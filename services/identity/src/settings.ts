/** What operators may set for this service alone, and failures of its start. */
import type { Profile } from "@tideway/http";
import { defineErrors } from "@tideway/kernel";

export const startErrors = defineErrors({
  SCRYPT_COST_INVALID: {
    status: 500,
    retryable: false,
    title: "TIDEWAY_IDENTITY_SCRYPT_N is {given}, not a power of two from {min} to {max}.",
    action: "Leave it out for the default of 32768, or set one within the bounds.",
  },
  SERVICE_KEY_INVALID: {
    status: 500,
    retryable: false,
    title: "TIDEWAY_SERVICE_KEY is not 32 bytes in hex.",
    action: "Let the engine set it; it derives one for each service.",
  },
  DEMO_PEOPLE_PRESENT: {
    status: 500,
    retryable: false,
    title: "{count} demo people exist, and their password is published.",
    action: "Start production on a fresh database, or delete them from the table people.",
  },
});

export interface Settings {
  /** Binary logarithm of scrypt's cost N. */
  readonly scryptLogCost: number;
}

const COST_DEFAULT = 2 ** 15;
const COST_MAX = 2 ** 20;
/** Weak hashes are for tests and demonstrations, where signing in must be quick. */
const COST_MIN: Readonly<Record<Profile, number>> = { demo: 1_024, production: COST_DEFAULT };

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads this service's own variables. Throws SCRYPT_COST_INVALID. */
export function readSettings(environment: Environment, profile: Profile): Settings {
  const text = environment["TIDEWAY_IDENTITY_SCRYPT_N"];
  const cost = text === undefined || text === "" ? COST_DEFAULT : Number(text);
  const logCost = Math.log2(cost);
  const min = COST_MIN[profile];
  if (!Number.isInteger(logCost) || cost < min || cost > COST_MAX) {
    throw startErrors.error("SCRYPT_COST_INVALID", {
      given: { given: (text ?? "").slice(0, 40), min, max: COST_MAX },
    });
  }
  return { scryptLogCost: logCost };
}

/** The service's key as bytes. Throws SERVICE_KEY_INVALID. */
export function readServiceKey(hex: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw startErrors.error("SERVICE_KEY_INVALID");
  return Buffer.from(hex, "hex");
}
