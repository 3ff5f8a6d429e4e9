/** What the initiating service's processes share: its database, its callees, and the parts in use. */
import type { LeaseRow, SagaState } from "@tideway/saga";
import type { LeaseAct, SagaAct } from "../../../invariants/index.ts";
import type { World } from "../../kernel/world.ts";
import type { Database } from "../../model/database.ts";
import type { Network } from "../../model/network.ts";
import type { Table } from "../../model/table.ts";
import type { Participant } from "./participant.ts";
import type { SagaParts } from "./parts.ts";
import type { Scheme } from "./plans.ts";

export interface SagaRow {
  readonly saga: string;
  readonly shape: number;
  readonly amount: number;
  readonly state: SagaState;
  readonly lease: LeaseRow;
  readonly signals: Readonly<Record<string, unknown>>;
}

/** What the workers of one service share. */
export interface SagaHouse {
  readonly world: World;
  readonly network: Network;
  readonly database: Database;
  readonly rows: Table<SagaRow>;
  readonly participants: ReadonlyMap<string, Participant>;
  readonly parts: SagaParts;
  readonly schemeOf: (shape: number) => Scheme;
  readonly tellLease: (act: LeaseAct) => void;
  readonly tellSaga: (saga: string, act: SagaAct) => void;
}
