import type { CodedError } from "@tideway/kernel";
import type { Home } from "../home.ts";
import type { UpOptions } from "../up/up-options.ts";

export interface CheckContext {
  readonly home: Home;
  readonly checkout: string;
  readonly env: NodeJS.ProcessEnv;
  readonly up: UpOptions;
}

export interface Finding {
  readonly error: CodedError;
  /** Mends it where that loses nothing, and says what was done. */
  readonly fix?: () => Promise<string> | string;
}

export interface Check {
  readonly name: string;
  /** Whether `up` refuses to start for it. */
  readonly blocking: boolean;
  /** What is wrong, or what was found to be right, in a few words. */
  run(context: CheckContext): Promise<readonly Finding[] | string> | readonly Finding[] | string;
}
