import type { Command, OptionDefinition } from "./command.ts";
import { table } from "./output.ts";
import { optionsOf } from "./parse.ts";

/** What `tideway help` prints. */
export function helpOfAll(commands: readonly Command[]): string[] {
  return [
    "Tideway: a self-hosted money platform, and the ground it stands on.",
    "",
    "Usage: npx tideway COMMAND [OPTIONS]",
    "",
    ...table(commands.map(({ name, summary }) => [`  ${name}`, summary])),
    "",
    "npx tideway COMMAND --help tells more. Exit codes: 0 ok, 1 failed, 2 wrong usage,",
    "3 not healthy, 4 rolled back, 5 inconclusive, 130 interrupted.",
  ];
}

/** What `tideway COMMAND --help` prints. */
export function helpOf(command: Command): string[] {
  const positionals = (command.positionals ?? []).map((name) => ` ${name}`).join("");
  const options = Object.entries(optionsOf(command));
  return [
    command.summary,
    "",
    `Usage: npx tideway ${command.name}${positionals} [OPTIONS]`,
    "",
    ...table(options.map(([name, definition]) => [optionText(name, definition), definition.help])),
    ...(command.examples.length > 0 ? ["", "Examples:"] : []),
    ...table(command.examples.map(({ command: line, does }) => [`  ${line}`, does])),
  ];
}

function optionText(name: string, { short, value }: OptionDefinition): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return `  ${names}${value === undefined ? "" : ` ${value}`}`;
}
