import { expect, test } from "vitest";
import { createWaitingCommands, settle } from "./waiting-commands.ts";

const abort = { action: "abort", by: "ada" } as const;
const promote = { action: "promote", by: "grace" } as const;
const codeOf = (attempt: Promise<void>): Promise<unknown> =>
  attempt.then(
    () => "done",
    (error: unknown) => Reflect.get(Object(error), "code"),
  );

test("commands are taken up one by one, in the order in which they came", async () => {
  const commands = createWaitingCommands();
  const answers = [abort, promote].map((one) => codeOf(commands.add("rol_1", "shop", one)));
  const first = commands.take("rol_1");
  expect(first?.command).toBe(abort);
  settle(first, null);
  const second = commands.take("rol_1");
  settle(second, { action: "promote", state: "aborted", reason: "It is over." });
  expect(await Promise.all(answers)).toEqual(["done", "ROLLOUT_ACTION_ILLEGAL"]);
  expect(commands.take("rol_1")).toBeNull();
});

test("one that could not be tried keeps its place before those that came later", () => {
  const commands = createWaitingCommands();
  const answer = codeOf(commands.add("rol_1", "shop", abort));
  const taken = commands.take("rol_1");
  const later = codeOf(commands.add("rol_1", "shop", promote));
  if (taken !== null) commands.putBack("rol_1", taken);
  expect(commands.take("rol_1")?.command).toBe(abort);
  expect(commands.take("rol_1")?.command).toBe(promote);
  void Promise.all([answer, later]);
});

test("a command that is not taken up in time is refused, and never done later", async () => {
  const commands = createWaitingCommands(30);
  expect(await codeOf(commands.add("rol_1", "shop", abort))).toBe("UPSTREAM_UNAVAILABLE");
  expect(commands.take("rol_1")).toBeNull();
});

test("commands for what does not run are refused; so is what is too much, and what is left", async () => {
  const commands = createWaitingCommands();
  const over = codeOf(commands.add("rol_1", "shop", abort));
  const many = Array.from({ length: 21 }, () => codeOf(commands.add("rol_2", "shop", abort)));
  expect(await many.at(-1)).toBe("OVERLOADED");
  commands.refuseAllBut(new Set(["rol_2"]));
  expect(await over).toBe("ROLLOUT_NOT_RUNNING");
  commands.close();
  expect(await many[0]).toBe("UPSTREAM_UNAVAILABLE");
});
