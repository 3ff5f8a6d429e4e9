/** An error of the database ends the search for sagas to recover, and nobody is told. */
import { sagaMutant } from "./mutant.ts";

export const swallowedRecoveryError = sagaMutant("swallowed recovery error", {
  afterPollError: "never",
});
