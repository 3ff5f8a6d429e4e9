/** Puts the service together from its parts. */
import { hkdfSync } from "node:crypto";
import type { identityApi } from "@tideway/api-identity";
import type { BuiltService, ServiceParts } from "@tideway/http";
import { settleDemoPeople } from "./demo-people.ts";
import type { Dependencies } from "./dependencies.ts";
import { startHousekeeping } from "./housekeeping.ts";
import type { Housekeeping } from "./housekeeping.ts";
import { findPerson } from "./http/find-person.ts";
import { keys } from "./http/keys.ts";
import { me } from "./http/me.ts";
import { names } from "./http/names.ts";
import { refresh } from "./http/refresh.ts";
import { register } from "./http/register.ts";
import { signIn } from "./http/sign-in.ts";
import { signOut } from "./http/sign-out.ts";
import { createKeyRing } from "./secrets/key-ring.ts";
import { createPasswordHasher } from "./secrets/password-hash.ts";
import { KeyedWorkQueue, WorkQueue } from "./secrets/work-queue.ts";
import { readServiceKey, readSettings } from "./settings.ts";

/** Each hash at the default cost takes 32 MiB and a thread for about 0.1 s. */
const HASHES_AT_ONCE_MAX = 8;
const HASHES_WAITING_MAX = 200;
const SIGN_INS_WAITING_MAX = 50;

type Environment = Readonly<Record<string, string | undefined>>;

export function buildIdentity(
  parts: ServiceParts,
  environment: Environment,
): BuiltService<typeof identityApi> {
  const deps = dependenciesOf(parts, environment);
  let housekeeping: Housekeeping | null = null;
  return {
    handlers: {
      register: register(deps),
      signIn: signIn(deps),
      refresh: refresh(deps),
      signOut: signOut(deps),
      me: me(deps),
      findPerson: findPerson(deps),
      names: names(deps),
      keys: keys(deps),
    },
    start: async () => {
      await settleDemoPeople(deps, parts.config.profile);
      await deps.keys.refresh();
      // Opens the key now: one that does not open shall stop the start, not the first sign-in.
      await deps.keys.current();
      housekeeping = startHousekeeping(deps, parts.logger);
    },
    stop: async () => housekeeping?.stop(),
  };
}

function dependenciesOf(parts: ServiceParts, environment: Environment): Dependencies {
  const { config, pool, clock } = parts;
  const settings = readSettings(environment, config.profile);
  const serviceKey = readServiceKey(config.serviceKey);
  const hashing = new WorkQueue({
    atOnceMax: HASHES_AT_ONCE_MAX,
    waitingMax: HASHES_WAITING_MAX,
  });
  return {
    pool,
    clock,
    hasher: createPasswordHasher(settings.scryptLogCost, hashing),
    signInTurns: new KeyedWorkQueue({ atOnceMax: 1, waitingMax: SIGN_INS_WAITING_MAX }),
    keys: createKeyRing({ pool, clock, sealingKey: derivedKey(serviceKey, "signing keys") }),
    addressKey: derivedKey(serviceKey, "addresses"),
    secureCookies: config.publicUrl.startsWith("https:"),
  };
}

/** One key for one purpose, from the service's key (HKDF, RFC 5869). */
function derivedKey(serviceKey: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", serviceKey, "", `tideway identity ${purpose}`, 32));
}
