/** People pay each other and ask each other for money. */
import { paymentsApi } from "@tideway/api-payments";
import { defineService } from "@tideway/schema";

export default defineService({
  name: "payments",
  api: paymentsApi,
  database: true,
  calls: ["ledger", "identity"],
  // Of use after a crash alone, so nobody waits for it.
  consumes: [{ type: "ledger.transfer.posted.v1", lingerMs: 1_000 }],
  sagas: [
    { name: "payment", version: 1 },
    { name: "top-up", version: 1 },
  ],
  grants: [
    { operation: "open", account: 210 },
    { operation: "read", account: 210 },
    // Only to find the account that demo money comes from.
    { operation: "read", account: 310 },
    { operation: "transfer", debit: 210, credit: 210, code: "payment" },
    { operation: "transfer", debit: 310, credit: 210, code: "demo-money" },
  ],
  guards: [
    { name: "intentMatchesPostings", route: "POST /payments", kind: "exact" },
    { name: "intentMatchesPostings", route: "POST /invoices/:invoiceId/pay", kind: "exact" },
  ],
  // A payment should not wait for an instance to start, so one stays.
  scaling: { instancesMin: 1, instancesMax: 8, concurrencyTarget: 50 },
});
