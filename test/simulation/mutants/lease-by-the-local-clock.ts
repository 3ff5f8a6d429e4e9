/** Workers compare and set the ends of leases by their own clocks. */
import { sagaMutant } from "./mutant.ts";

export const leaseByTheLocalClock = sagaMutant("lease by the local clock", {
  leaseClockMs: (_view, process) => process.localMs(),
});
