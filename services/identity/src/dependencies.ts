/** What the handlers of this service work with. */
import type { identityApi } from "@tideway/api-identity";
import type { Clock } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import type { KeyRing } from "./secrets/key-ring.ts";
import type { PasswordHasher } from "./secrets/password-hash.ts";
import type { KeyedWorkQueue } from "./secrets/work-queue.ts";

export interface Dependencies {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly hasher: PasswordHasher;
  /** Sign-ins of one account follow each other, so that right ones at once do not count as guesses. */
  readonly signInTurns: KeyedWorkQueue;
  readonly keys: KeyRing;
  /** 32 bytes for the keyed hash of addresses. */
  readonly addressKey: Buffer;
  /** Browsers send the session's cookie over TLS only. */
  readonly secureCookies: boolean;
}

export type Routes = (typeof identityApi)["routes"];
