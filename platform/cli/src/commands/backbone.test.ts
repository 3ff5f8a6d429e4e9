/** `events` and `sagas` as a person types them, against the answers that control gives. */
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { EventGroup, EventKey, ListedSaga, SagaDetail } from "@tideway/api-admin";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { homeOf } from "../home.ts";
import { optionsFileOf } from "../supervisor-client.ts";
import { repository, run } from "../test/a-home.ts";
import { events } from "./events.ts";
import { sagas } from "./sagas.ts";

const AT = "2026-01-31T08:00:00.000Z";
const SAGA = `sag_${"0".repeat(26)}`;
const group = (change: Partial<EventGroup> = {}): EventGroup => ({
  group: "payments",
  state: "running",
  reason: null,
  since: null,
  lag: 12,
  lagAgeMs: 1_500,
  keysQuarantined: 0,
  inFlight: 1,
  appliedTotal: 7_000,
  failedTotal: 1,
  ...change,
});
const key: EventKey = {
  group: "payments",
  key: "acc_1",
  state: "quarantined",
  eventId: "evt_1",
  type: "ledger.account.changed.v1",
  tries: 8,
  code: "HANDLER_FAILED",
  detail: "It threw.",
  revision: "payments-2",
  waiting: 3,
  since: AT,
  nextTryAt: null,
};
const saga: ListedSaga = {
  service: "payments",
  saga: SAGA,
  name: "pay",
  version: 2,
  state: "compensating",
  step: "hold",
  attempts: 9,
  needsAttention: true,
  problem: "LEDGER_AWAY",
  startedAt: AT,
  updatedAt: AT,
  dueAt: AT,
  traceId: null,
};
const detail: SagaDetail = {
  service: "payments",
  saga,
  steps: [
    {
      step: "hold",
      kind: "reserve",
      state: "done",
      attempts: 1,
      startedAt: AT,
      finishedAt: AT,
      undo: { service: "ledger", method: "POST", path: "/holds/hld_1/void" },
      problem: null,
    },
  ],
};

let folder: string;
let server: Server;
let asked: { readonly route: string; readonly body: unknown }[];
let answers: Record<string, unknown>;

beforeEach(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), "tw-backbone-"));
  asked = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      const route = `${request.method} ${request.url?.replace("/api/admin", "")}`;
      asked.push({ route, body: text === "" ? null : JSON.parse(text) });
      const answer = answers[route];
      const isProblem = answer === undefined || "code" in Object(answer);
      response.writeHead(isProblem ? 409 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? { code: "NOT_EXPECTED", title: route, action: "-" }));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const env = {
    TIDEWAY_PUBLIC_URL: "http://127.0.0.1:1",
    TIDEWAY_OPERATORS_URL: `http://127.0.0.1:${port}`,
  };
  const file = optionsFileOf(homeOf({ checkout: repository, env: {}, homeFolder: folder }));
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify({ processes: [{ name: "control", env }] }));
  fs.mkdirSync(join(folder, "secrets"));
  fs.writeFileSync(join(folder, "secrets/operator.token"), "token");
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  fs.rmSync(folder, { recursive: true });
});

const say = (...args: string[]) => run([events, sagas], [...args, "--home", folder]);

describe("events", () => {
  test("without more shows each group, and says by its exit code whether one is stuck", async () => {
    answers = { "GET /events/groups": { groups: [group()] } };
    const well = await say("events");
    expect(well.code).toBe(0);
    expect(well.stdout).toMatch(/payments +running +12 +1\.5 s +1 +0 +7000/);
    const stuck = group({ state: "suspended", reason: "most keys fail", keysQuarantined: 2 });
    answers = { "GET /events/groups": { groups: [stuck] } };
    const told = await say("events");
    expect(told.code).toBe(3);
    expect(told.stdout).toMatch(/suspended: most keys fail .* 2 keys/);
    expect(JSON.parse((await say("events", "--json")).stdout)).toEqual([stuck]);
  });

  test("keys are shown with what waits behind them and why, and how to see more", async () => {
    const route = "GET /events/groups/payments/keys?state=quarantined&limit=50";
    answers = { [route]: { items: [key], next: "acc_1" } };
    const { code, stdout, stderr } = await say("events", "keys", "payments");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /acc_1 .* 8 +3 +2026-01-31 08:00:00 +payments-2 +HANDLER_FAILED It threw/,
    );
    expect(stderr).toContain("events keys payments --after 'acc_1'");
  });

  test("a redrive takes one key, or all", async () => {
    answers = { "POST /events/groups/payments/redrive": { keys: 1 } };
    expect((await say("events", "redrive", "payments", "acc_1")).stdout).toContain("1 key goes on");
    await say("events", "redrive", "payments");
    expect(asked.map(({ body }) => body)).toEqual([{ key: "acc_1" }, {}]);
  });

  test.each([
    ["2026-01-31T08:00:00Z", { time: AT }],
    ["2026-01-31T09:00+01:00", { time: AT }],
    ["2026-01-31", { time: "2026-01-31T00:00:00.000Z" }],
    [`evt_${"0".repeat(26)}`, { eventId: `evt_${"0".repeat(26)}` }],
    ["beginning", "beginning"],
  ])("a replay begins at %s", async (text, from) => {
    answers = { "POST /events/groups/payments/replay": { replay: 4 } };
    const types = ["ledger.account.changed.v1"];
    const told = await say(
      "events",
      "replay",
      "payments",
      "--from",
      text,
      "--type",
      types[0] ?? "",
    );
    expect(told.stdout).toContain("Replay 4 of payments has begun.");
    expect(asked).toEqual([
      { route: "POST /events/groups/payments/replay", body: { from, types } },
    ]);
  });

  test("the log is shown by type and key", async () => {
    const query = "type=ledger.account.changed.v1&key=acc+1&limit=2";
    const item = { id: "evt_1", type: "t", key: "acc 1", source: "/services/ledger", at: AT };
    const place = { partition: 3, offset: 17, bytes: 90 };
    answers = { [`GET /events/log?${query}`]: { items: [{ ...item, ...place }], next: null } };
    const options = ["--type", "ledger.account.changed.v1", "--key", "acc 1", "--limit", "2"];
    const { stdout } = await say("events", "log", ...options);
    expect(stdout).toMatch(/2026-01-31 08:00:00 +evt_1 +t +acc 1 +3\/17 +90/);
  });

  test.each([
    [["events", "nonsense"], "OPTION_VALUE_INVALID"],
    [["events", "keys"], "ARGUMENT_MISSING"],
    [["events", "keys", "payments", "--state", "x"], "OPTION_VALUE_INVALID"],
    [["events", "redrive"], "ARGUMENT_MISSING"],
    [["events", "replay", "payments"], "ARGUMENT_MISSING"],
    [["events", "replay", "payments", "--from", "yesterday"], "OPTION_VALUE_INVALID"],
    [["events", "log", "payments"], "ARGUMENT_UNWANTED"],
    [["events", "log", "--limit", "0"], "OPTION_VALUE_INVALID"],
    [["sagas", "nonsense"], "OPTION_VALUE_INVALID"],
    [["sagas", "--state", "lost"], "OPTION_VALUE_INVALID"],
    [["sagas", "inspect"], "ARGUMENT_MISSING"],
    [["sagas", "inspect", "pay_1"], "OPTION_VALUE_INVALID"],
    [["sagas", "compensate", SAGA], "ARGUMENT_MISSING"],
  ])("%j is wrong usage, and nothing is asked of control", async (args, code) => {
    const told = await say(...args);
    expect(told.code).toBe(2);
    expect(told.stderr).toContain(code);
    expect(asked).toEqual([]);
  });

  test("what control refuses is told with its code and what to do", async () => {
    const title = "The bus does not answer.";
    answers = { "GET /events/groups": { code: "BUS_AWAY", title, action: "npx tideway status" } };
    const told = await say("events");
    expect(told.code).toBe(1);
    expect(told.stderr).toContain("BUS_AWAY The bus does not answer. npx tideway status");
  });
});

describe("sagas", () => {
  test("are listed, with what somebody should look at marked and missing services named", async () => {
    const unanswered = [{ service: "exchange", code: "SAGA_SERVICE_AWAY" }];
    const page = { items: [saga], next: null, unanswered };
    answers = { "GET /sagas?limit=50&attention=true&state=compensating": page };
    const told = await say("sagas", "--attention", "--state", "compensating");
    expect(told.code).toBe(3);
    expect(told.stdout).toMatch(/payments +pay v2 +compensating ! +hold +9 .* LEDGER_AWAY/);
    expect(told.stderr).toContain("exchange did not answer (SAGA_SERVICE_AWAY)");
  });

  test("of one service go on behind a cursor", async () => {
    const route = "GET /sagas?limit=50&service=payments&after=a";
    answers = { [route]: { items: [saga], next: "b", unanswered: [] } };
    const told = await say("sagas", "--service", "payments", "--after", "a");
    expect(told.code).toBe(0);
    expect(told.stderr).toContain("npx tideway sagas --service payments --after 'b'");
  });

  test("one is shown with its steps and their undo", async () => {
    answers = { [`GET /sagas/${SAGA}`]: detail };
    const { stdout } = await say("sagas", "inspect", SAGA);
    expect(stdout).toMatch(/state +compensating, somebody should look/);
    expect(stdout).toMatch(/hold +reserve +done +1 .* POST ledger\/holds\/hld_1\/void/);
    expect(JSON.parse((await say("sagas", "inspect", SAGA, "--json")).stdout)).toEqual(detail);
  });

  test("a retry and a compensation are ordered with their reason", async () => {
    answers = {
      [`POST /sagas/${SAGA}/retry`]: saga,
      [`POST /sagas/${SAGA}/compensate`]: saga,
    };
    expect((await say("sagas", "retry", SAGA)).stdout).toContain("is compensating, at step hold");
    const reason = ["--reason", "wrong payee", "--service", "payments"];
    expect((await say("sagas", "compensate", SAGA, ...reason)).stderr).toContain("Undo: none");
    expect(asked.map(({ body }) => body)).toEqual([
      {},
      { service: "payments", reason: "wrong payee" },
    ]);
  });
});
