import { parseArgs } from "node:util";
import type { Command, OptionDefinition } from "./command.ts";
import { usageErrors } from "./errors.ts";
import { suggest } from "./suggest.ts";

export const GLOBAL_OPTIONS = {
  home: { type: "string", value: "FOLDER", help: "Where everything is kept (TIDEWAY_HOME)." },
  "no-color": { type: "boolean", help: "No colours (also NO_COLOR=1)." },
  help: { type: "boolean", short: "h", help: "This text." },
} as const satisfies Record<string, OptionDefinition>;
const JSON_OPTION: OptionDefinition = { type: "boolean", help: "The answer as JSON on stdout." };

export interface Parsed {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** The options a command takes, the frame's own included. */
export function optionsOf(command: Command): Record<string, OptionDefinition> {
  return { ...command.options, ...(command.reads && { json: JSON_OPTION }), ...GLOBAL_OPTIONS };
}

/** Reads the arguments of one command. Throws `OPTION_*` and `ARGUMENT_*` of usageErrors. */
export function parseCommand(command: Command, args: readonly string[]): Parsed {
  const definitions = optionsOf(command);
  const config = Object.fromEntries(
    Object.entries(definitions).map(([name, { type, short }]) => [
      name,
      short === undefined ? { type } : { type, short },
    ]),
  );
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: config,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) if (token.kind === "option") checkOption(command, definitions, token);
  if (values["help"] !== true) checkPositionals(command, positionals);
  const options: Record<string, string | boolean | undefined> = {};
  for (const [name, { type }] of Object.entries(definitions)) {
    const value = values[name];
    if (type === "boolean") options[name] = value === true;
    else options[name] = typeof value === "string" ? value : undefined;
  }
  return { options, positionals };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkOption(
  command: Command,
  definitions: Readonly<Record<string, OptionDefinition>>,
  token: OptionToken,
): void {
  const given = { command: command.name, given: token.rawName };
  const definition = definitions[token.name];
  if (definition === undefined) {
    const near = suggest(token.name, Object.keys(definitions));
    const suggestion = near === null ? "" : ` (did you mean --${near}?)`;
    throw usageErrors.error("OPTION_UNKNOWN", { given: { ...given, suggestion } });
  }
  // With strict off, an option at the end of the line or before another one has no value.
  const value = token.value;
  const isNext = token.inlineValue !== true && value?.startsWith("-") === true;
  if (definition.type === "string" && (value === undefined || isNext))
    throw usageErrors.error("OPTION_VALUE_MISSING", { given });
  if (definition.type === "boolean" && value !== undefined)
    throw usageErrors.error("OPTION_VALUE_UNWANTED", { given });
}

function checkPositionals(command: Command, positionals: readonly string[]): void {
  const names = command.positionals ?? [];
  const missing = names[positionals.length];
  if (missing !== undefined && !missing.startsWith("["))
    throw usageErrors.error("ARGUMENT_MISSING", {
      given: { command: command.name, expected: missing },
    });
  const unwanted = positionals[names.length];
  if (unwanted !== undefined)
    throw usageErrors.error("ARGUMENT_UNWANTED", {
      given: { command: command.name, given: unwanted },
    });
}
