/** A worker whose lease is over writes all the same. */
import { sagaMutant } from "./mutant.ts";

export const noFence = sagaMutant("no fence", { mayWrite: () => true });
