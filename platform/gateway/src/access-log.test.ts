import { until } from "@tideway/kernel";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AccessLog } from "./access-log.ts";
import { revision, route, service, startFixture } from "./testing/fixture.ts";

test("a line a request, with the template instead of the path and nobody's name", async () => {
  const fixture = await startFixture();
  const pay = await fixture.upstream({ service: "pay", instance: "ins_1" });
  await fixture.configure([service("pay", [revision("pay-1", [route("GET /people/:id")], [pay])])]);
  const reply = await fixture.send("/api/pay/people/per_secret?email=alice@example.org", {
    headers: { cookie: `tideway_visitor=${"v".repeat(22)}` },
  });
  await fixture.send("/api/pay/nothing/per_secret");
  const lines = await until(
    async () => {
      const text = await readFile(fixture.options.accessLog, "utf8");
      return text.split("\n").length > 2 ? text.trim().split("\n") : undefined;
    },
    { deadlineMs: 3_000, what: "two lines in the log" },
  );
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    trace: reply.headers["tideway-trace"],
    service: "pay",
    revision: "pay-1",
    instance: "ins_1",
    route: "GET /people/:id",
    status: 200,
    bytes: Buffer.byteLength(reply.text),
    caller: null,
  });
  expect(JSON.parse(lines[1] ?? "")).toMatchObject({ status: 404, route: null, revision: null });
  expect(lines.join()).not.toMatch(/secret|alice|vvvv|127\.0\.0\.1/);
  await fixture.close();
});

test("at its size the file is set aside, one is kept, and no line is lost", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tideway-log-"));
  const path = join(folder, "access.log");
  const log = new AccessLog({ path, now: () => 0, bytesMax: 1_000 });
  const write = (status: number): void =>
    log.write({
      traceId: "t",
      service: "pay",
      revision: "pay-1",
      instance: null,
      route: "GET /x",
      status,
      durationMs: 1,
      bytes: 0,
      caller: null,
    });
  const sizeOf = async (name: string): Promise<number> =>
    (await readFile(name, "utf8").catch(() => "")).length;
  for (let i = 0; i < 10; i++) write(200);
  await until(async () => (await sizeOf(path)) > 1_000, { deadlineMs: 2_000, what: "a full file" });
  write(201);
  await until(async () => (await sizeOf(`${path}.1`)) > 1_000, {
    deadlineMs: 2_000,
    what: "it aside",
  });
  write(202);
  log.close();
  const all = (await readFile(`${path}.1`, "utf8")) + (await readFile(path, "utf8"));
  const statuses = all
    .trim()
    .split("\n")
    .map((line) => Number(JSON.parse(line).status));
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 201, 202]);
  await rm(folder, { recursive: true });
});
