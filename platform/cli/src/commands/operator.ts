import { createInterface } from "node:readline";
import { defineCommand } from "../command.ts";
import { usageErrors } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { connectAdmin } from "../release/admin.ts";

export const operator = defineCommand({
  name: "operator",
  summary: "operator add NAME: let somebody sign in to the console. The password comes on stdin.",
  positionals: ["add", "NAME"],
  options: {},
  examples: [
    { command: "npx tideway operator add grace", does: "asks for the password" },
    { command: "npx tideway operator add grace < password.txt", does: "for scripts" },
  ],
  run: async ({ positionals: [act = "", name = ""], output, signal, ...place }) => {
    if (act !== "add") {
      const given = { command: "operator", given: act, expected: "add" };
      throw usageErrors.error("OPTION_VALUE_INVALID", { given });
    }
    const admin = connectAdmin(place);
    if (process.stdin.isTTY)
      output.note(`Password for ${name}, it shows while you type, then Enter:`);
    const password = await readLine(signal);
    const added = await admin.addOperator({ body: { name, password } });
    output.data(`${added.name} can sign in to the console.`);
    return EXIT.ok;
  },
});

/** The first line of stdin. */
function readLine(signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, signal });
  return new Promise((resolve, reject) => {
    lines.once("line", (line) => {
      resolve(line);
      lines.close();
    });
    lines.once("close", () => {
      reject(
        usageErrors.error("ARGUMENT_MISSING", {
          given: { command: "operator add", expected: "the password as a line on stdin" },
        }),
      );
    });
  });
}
