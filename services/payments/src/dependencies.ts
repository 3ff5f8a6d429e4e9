/** What the handlers of this service work with. */
import type { paymentsApi } from "@tideway/api-payments";
import type { Profile } from "@tideway/http";
import type { Pool } from "@tideway/store";
import type { Logger } from "@tideway/telemetry";
import type { Identity } from "./remote/identity.ts";
import type { Ledger } from "./remote/ledger.ts";
import type { Sagas } from "@tideway/saga";
import type { Notes } from "./secrets/notes.ts";

export interface Dependencies {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly profile: Profile;
  readonly ledger: Ledger;
  readonly identity: Identity;
  readonly notes: Notes;
  readonly sagas: Sagas;
}

export interface Counters {
  /** A payment became final. */
  finished(state: "paid" | "failed"): void;
}

export type Routes = (typeof paymentsApi)["routes"];
