/**
 * The last step of `tideway up`: everything runs, and services that were never deployed to this
 * home are released now.
 */
import type { BuiltApp } from "./apps/build-apps.ts";
import type { Home } from "./home.ts";
import type { Output } from "./output.ts";
import type { UpOptions } from "./up/up-options.ts";

export interface UpContext {
  readonly home: Home;
  readonly checkout: string;
  readonly env: NodeJS.ProcessEnv;
  readonly up: UpOptions;
  readonly apps: readonly BuiltApp[];
  readonly output: Output;
  /** Fires when the operator interrupts; throw then. */
  readonly signal: AbortSignal;
  /** Has `up` print a sign-in at the end; for people that the demo profile made. */
  announceSignIn(signIn: SignIn): void;
}

export interface SignIn {
  /** Where: "wallet" or "console". */
  readonly app: string;
  readonly name: string;
  readonly password: string;
}

export type DeployMissing = (context: UpContext) => Promise<void>;
