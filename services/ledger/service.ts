import { ledgerApi } from "@tideway/api-ledger";
import { defineService } from "@tideway/schema";

/** Double-entry books of the whole installation. It calls nobody and is never switched off. */
export default defineService({
  name: "ledger",
  api: ledgerApi,
  database: true,
  enforcesGrants: true,
  connectionsMax: 40,
  scaling: { instancesMin: 1, instancesMax: 4 },
});
