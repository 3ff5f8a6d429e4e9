/**
 * One command is one file in commands/ that exports `defineCommand({...})`, named in
 * commands/index.ts. Parsing, help, did-you-mean, colours and exit codes are the frame's.
 */
import type { ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

export interface OptionDefinition {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** What follows the option in the help text: "PORT". */
  readonly value?: string;
  readonly help: string;
}

export type OptionDefinitions = Readonly<Record<string, OptionDefinition>>;
export type OptionValues<O extends OptionDefinitions> = {
  readonly [K in keyof O]: O[K]["type"] extends "boolean" ? boolean : string | undefined;
};

export interface CommandContext<O extends OptionDefinitions = OptionDefinitions> {
  readonly options: OptionValues<O>;
  /** As many as `positionals` names at most; missing optional ones are not there. */
  readonly positionals: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The folder of the checkout. */
  readonly checkout: string;
  /** `--home`, or undefined. */
  readonly homeFolder: string | undefined;
  readonly output: Output;
  /** Fires at the first SIGINT, SIGTERM or SIGHUP; its reason is the signal's name. */
  readonly signal: AbortSignal;
}

export interface CommandDefinition<O extends OptionDefinitions> {
  readonly name: string;
  readonly summary: string;
  /** Names in the order they are given; one in brackets may be left out: ["SERVICE", "[REVISION]"]. */
  readonly positionals?: readonly string[];
  /** Adds `--json` and makes `output.json` the way to answer. */
  readonly reads?: boolean;
  readonly options: O;
  readonly examples: readonly { readonly command: string; readonly does: string }[];
  run(context: CommandContext<O>): Promise<ExitCode>;
}

/** A command whose option types are known to its own `run` only. */
export type Command = CommandDefinition<OptionDefinitions>;

/**
 * Declares a command.
 *
 * @example
 * export const down = defineCommand({
 *   name: "down", summary: "Stop everything.", options: {}, examples: [],
 *   run: async ({ output }) => { output.note("Stopped."); return EXIT.ok; },
 * });
 */
export function defineCommand<const O extends OptionDefinitions>(
  definition: CommandDefinition<O>,
): Command {
  // The frame parses by `definition.options`, so the values have the types that O promises.
  return definition;
}
