import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { prepareHome } from "./home.ts";
import { aHome } from "./test/a-home.ts";
import { turnLogsOver } from "./turn-logs-over.ts";

test("a log that grew too long is put aside once, a short one stays", () => {
  const home = aHome();
  prepareHome(home, null);
  const write = (name: string, text: string): void => fs.writeFileSync(join(home.logs, name), text);
  write("control.log", "long".repeat(10));
  write("control.log.1", "older");
  write("gateway.log", "short");
  turnLogsOver(home, 20);
  expect(fs.readdirSync(home.logs).sort()).toEqual(["control.log.1", "gateway.log", "instances"]);
  expect(fs.readFileSync(join(home.logs, "control.log.1"), "utf8")).toContain("long");
  fs.rmSync(dirname(home.folder), { recursive: true });
});
