import { afterAll, describe, expect, test } from "vitest";
import { commands as real } from "./commands/index.ts";
import { defineCommand } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { table } from "./output.ts";
import { editDistance, suggest } from "./suggest.ts";
import { run, start } from "./test/a-home.ts";

const seen: unknown[] = [];
const echo = defineCommand({
  name: "echo",
  summary: "Repeat.",
  positionals: ["WORD", "[MORE]"],
  reads: true,
  options: {
    times: { type: "string", short: "t", value: "N", help: "How often." },
    loud: { type: "boolean", help: "Louder." },
  },
  examples: [{ command: "npx tideway echo hello", does: "says hello" }],
  run: ({ options, positionals, output }) => {
    seen.push({ options, positionals });
    if (output.json) output.document(positionals);
    else output.data(positionals.join(" "));
    output.note("done");
    return Promise.resolve(EXIT.ok);
  },
});
const wait = defineCommand({
  name: "wait",
  summary: "Wait.",
  options: {},
  examples: [],
  run: ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    }),
});
const commands = [echo, wait];

afterAll(() => expect(seen.length).toBeGreaterThan(0));

describe("the command line", () => {
  test("data goes to stdout, progress to stderr", async () => {
    expect(await run(commands, ["echo", "a", "b"])).toEqual({
      code: 0,
      stdout: "a b\n",
      stderr: "done\n",
    });
    expect((await run(commands, ["echo", "a", "--json"])).stdout).toBe('[\n  "a"\n]\n');
  });

  test("options reach the command by their names", async () => {
    await run(commands, ["echo", "-t", "3", "--loud", "a"]);
    expect(seen.at(-1)).toMatchObject({ options: { times: "3", loud: true }, positionals: ["a"] });
    await run(commands, ["echo", "--times=-3", "a"]);
    expect(seen.at(-1)).toMatchObject({ options: { times: "-3", loud: false } });
  });

  test.each([
    [["ecoh"], "COMMAND_UNKNOWN", "did you mean echo?"],
    [["zzzzzz"], "COMMAND_UNKNOWN", "npx tideway help"],
    [["echo", "a", "--tmies", "3"], "OPTION_UNKNOWN", "did you mean --times?"],
    [["echo", "a", "--times"], "OPTION_VALUE_MISSING", "echo --help"],
    [["echo", "a", "--times", "--loud"], "OPTION_VALUE_MISSING", "echo --help"],
    [["echo", "a", "--loud=yes"], "OPTION_VALUE_UNWANTED", "--loud"],
    [["echo"], "ARGUMENT_MISSING", "WORD"],
    [["echo", "a", "b", "c"], "ARGUMENT_UNWANTED", "c"],
  ])("%j is wrong usage", async (args, code, words) => {
    const told = await run(commands, args);
    expect(told).toMatchObject({ code: EXIT.usage, stdout: "" });
    expect(told.stderr).toContain(code);
    expect(told.stderr).toContain(words);
  });

  test("help lists the commands; a command's help shows options and examples", async () => {
    for (const args of [[], ["help"], ["--help"]])
      expect((await run(commands, args)).stdout).toContain("echo  Repeat.");
    for (const args of [
      ["echo", "--help"],
      ["help", "echo"],
    ]) {
      const { code, stdout } = await run(commands, args);
      expect(code).toBe(0);
      for (const words of ["-t, --times N", "--json", "--home FOLDER", "echo hello", "[MORE]"])
        expect(stdout).toContain(words);
    }
  });

  test("every real command has help with an example", async () => {
    for (const { name, examples } of real) {
      expect((await run(real, [name, "--help"])).code).toBe(0);
      expect(examples.length, name).toBeGreaterThan(0);
    }
  });

  test("an interrupt ends it with 130", async () => {
    const running = start(commands, ["wait"]);
    running.interrupt();
    expect((await running.ended).code).toBe(EXIT.interrupted);
  });
});

describe("helpers", () => {
  test("a swap of neighbours is one mistake", () => {
    expect(editDistance("stauts", "status")).toBe(1);
    expect(editDistance("", "abc")).toBe(3);
    expect(suggest("stauts", ["status", "start"])).toBe("status");
    expect(suggest("x", ["status"])).toBeNull();
  });

  test("columns are as wide as their widest cell", () => {
    expect(
      table([
        ["a", "b"],
        ["ccc", "d"],
      ]),
    ).toEqual(["a    b", "ccc  d"]);
  });
});
