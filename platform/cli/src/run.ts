import { isCoded } from "@tideway/kernel";
import type { Command, OptionDefinitions, OptionValues } from "./command.ts";
import { usageErrors } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { helpOf, helpOfAll } from "./help.ts";
import { createOutput } from "./output.ts";
import type { OutputOptions } from "./output.ts";
import { parseCommand } from "./parse.ts";
import { suggest } from "./suggest.ts";

export interface RunOptions extends Pick<OutputOptions, "stdout" | "stderr" | "env"> {
  readonly commands: readonly Command[];
  readonly checkout: string;
  readonly signal: AbortSignal;
}

/** Runs one command line and resolves with the exit code; everything that is thrown is told. */
export async function runCommandLine(
  args: readonly string[],
  options: RunOptions,
): Promise<ExitCode> {
  let output = createOutput(options);
  try {
    const [name = "help", ...rest] = args;
    if (["help", "--help", "-h"].includes(name)) {
      const about = options.commands.find((command) => command.name === rest[0]);
      for (const line of about ? helpOf(about) : helpOfAll(options.commands)) output.data(line);
      return EXIT.ok;
    }
    const command = findCommand(name, options.commands);
    const parsed = parseCommand(command, rest);
    const { json, help, home } = parsed.options;
    output = createOutput({
      ...options,
      noColor: parsed.options["no-color"] === true,
      json: json === true,
    });
    if (help === true) {
      for (const line of helpOf(command)) output.data(line);
      return EXIT.ok;
    }
    return await command.run({
      options: parsed.options as OptionValues<OptionDefinitions>, // parseCommand went by its types.
      positionals: parsed.positionals,
      env: options.env,
      checkout: options.checkout,
      homeFolder: typeof home === "string" ? home : undefined,
      output,
      signal: options.signal,
    });
  } catch (error) {
    const { aborted, reason } = options.signal;
    if (error === reason || (aborted && isAbort(error))) output.note("Interrupted.");
    else output.failure(error);
    if (aborted) return EXIT.interrupted;
    return isUsage(error) ? EXIT.usage : EXIT.failed;
  }
}

function findCommand(given: string, commands: readonly Command[]): Command {
  const found = commands.find(({ name }) => name === given);
  if (found !== undefined) return found;
  const near = suggest(
    given,
    commands.map(({ name }) => name),
  );
  const suggestion = near === null ? "" : ` (did you mean ${near}?)`;
  throw usageErrors.error("COMMAND_UNKNOWN", { given: { given, suggestion } });
}

function isUsage(error: unknown): boolean {
  return isCoded(error) && error.definition.status === 400;
}

/** How node's own functions end when their signal fires. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
