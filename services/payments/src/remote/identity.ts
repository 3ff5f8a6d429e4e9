/** What this service asks of identity: who has an address, and what people are called. */
import { paymentsErrors } from "@tideway/api-payments";
import type { identityApi } from "@tideway/api-identity";
import { isClientError } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import type { Clock } from "@tideway/kernel";
import type { Logger } from "@tideway/telemetry";
import { unavailableOr } from "./unavailable.ts";

/** Shown for people whose name is not known just now. */
export const NAME_UNKNOWN = "Someone";
const NAMES_KEPT_MS = 60_000;
const NAMES_KEPT_MAX = 10_000;
const NAMES_AT_ONCE_MAX = 200;
/** A list waits no longer for names. */
const NAMES_WAIT_MAX_MS = 1_500;
/** After identity failed to answer, lists do without names for so long. */
const QUIET_MS = 3_000;

export type IdentityClient = ClientOf<typeof identityApi>;

export interface Identity {
  /** The person with this address. Throws RECIPIENT_NOT_FOUND or UPSTREAM_UNAVAILABLE. */
  findByEmail(email: string): Promise<string>;
  /**
   * Throws RECIPIENT_NOT_FOUND when there is no such person, or UPSTREAM_UNAVAILABLE. Whoever was
   * known once exists; when it must be asked, the names of `others` are asked for along with it.
   */
  checkExists(person: string, others?: readonly string[]): Promise<void>;
  /** A name for each; never fails. */
  namesOf(people: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export interface IdentityOptions {
  readonly client: IdentityClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createIdentity({ client, clock, logger }: IdentityOptions): Identity {
  const cache = createNameCache(clock);
  let quietUntilMs = Number.NEGATIVE_INFINITY;

  const ask = async (people: readonly string[], signal?: AbortSignal): Promise<void> => {
    for (let from = 0; from < people.length; from += NAMES_AT_ONCE_MAX) {
      const some = people.slice(from, from + NAMES_AT_ONCE_MAX);
      const options = signal === undefined ? {} : { signal };
      const reply = await client.names({ body: { people: some }, ...options });
      const names = new Map(reply.people.map(({ person, name }) => [person, name]));
      for (const person of some) cache.keep(person, names.get(person) ?? null);
    }
  };
  return {
    findByEmail: async (email) => {
      try {
        const { person, name } = await client.findPerson({ query: { email } });
        cache.keep(person, name);
        return person;
      } catch (error) {
        if (isClientError(error, "PERSON_NOT_FOUND", "EMAIL_INVALID")) throw notFound(email, error);
        throw unavailableOr("identity", error);
      }
    },
    checkExists: async (person, others = []) => {
      // People are never removed.
      if (typeof cache.last(person) === "string") return;
      if (cache.fresh(person) === undefined) {
        const missing = others.filter((other) => cache.fresh(other) === undefined);
        await ask([...new Set([person, ...missing])]).catch((error: unknown) => {
          throw unavailableOr("identity", error);
        });
      }
      if (cache.last(person) === null) throw notFound(person);
    },
    namesOf: async (people) => {
      const all = [...new Set(people)];
      const missing = all.filter((person) => cache.fresh(person) === undefined);
      if (missing.length > 0 && clock.monotonic() >= quietUntilMs) {
        const signal = AbortSignal.timeout(NAMES_WAIT_MAX_MS);
        try {
          await ask(missing, signal);
        } catch (error) {
          if (!isClientError(error) && !signal.aborted) throw error;
          quietUntilMs = clock.monotonic() + QUIET_MS;
          logger.warn("names.unavailable", { people: missing.length });
        }
      }
      return new Map(all.map((person) => [person, cache.last(person) ?? NAME_UNKNOWN]));
    },
  };
}

interface NameCache {
  /** The name, null for nobody, undefined when it was not asked for within the last 60 s. */
  fresh(person: string): string | null | undefined;
  /** The last known, however old: better than no name while identity is down. */
  last(person: string): string | null | undefined;
  keep(person: string, name: string | null): void;
}

/** Bounded; whoever was asked for the longest time ago goes first. */
function createNameCache(clock: Clock): NameCache {
  const entries = new Map<string, { readonly name: string | null; readonly atMs: number }>();
  return {
    fresh: (person) => {
      const entry = entries.get(person);
      if (entry === undefined || clock.monotonic() - entry.atMs > NAMES_KEPT_MS) return undefined;
      return entry.name;
    },
    last: (person) => entries.get(person)?.name,
    keep: (person, name) => {
      entries.delete(person);
      entries.set(person, { name, atMs: clock.monotonic() });
      if (entries.size <= NAMES_KEPT_MAX) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
  };
}

function notFound(email: string, cause?: unknown): Error {
  return paymentsErrors.error("RECIPIENT_NOT_FOUND", { given: { email }, cause });
}
