/**
 * The peer of `npm run bench -- sagas`: DBOS running the same three steps against three services.
 *
 *   node dbos.mjs DATABASE_URL SECONDS PER_SECOND|max PORT,PORT,PORT
 */
import { randomUUID } from "node:crypto";
import { DBOS } from "@dbos-inc/dbos-sdk";
import { produce, quantile } from "./load.mjs";

const [url = "", seconds = "10", rate = "max", portList = ""] = process.argv.slice(2);
const ports = portList.split(",").map(Number);
const UNDER_WAY = 32;

DBOS.setConfig({
  name: "peer",
  systemDatabaseUrl: url,
  systemDatabasePoolSize: 20,
  logLevel: "error",
});

async function post(port, saga, step) {
  const reply = await fetch(`http://127.0.0.1:${port}/steps`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ saga, step }),
  });
  if (!reply.ok) throw new Error(await reply.text());
  return reply.json();
}

const move = DBOS.registerWorkflow(
  async (saga) => {
    await DBOS.runStep(() => post(ports[0], saga, "reserve"), { name: "reserve" });
    await DBOS.runStep(() => post(ports[1], saga, "move"), { name: "move" });
    await DBOS.runStep(() => post(ports[2], saga, "confirm"), { name: "confirm" });
  },
  { name: "move" },
);
await DBOS.launch();

/** @type {number[]} */
const latencies = [];
let started = 0;
let finished = 0;
const one = async () => {
  const at = performance.now();
  started++;
  const saga = randomUUID();
  const handle = await DBOS.startWorkflow(move, { workflowID: saga })(saga);
  await handle.getResult();
  finished++;
  latencies.push(performance.now() - at);
};
const all = new Set();
const load = await produce({
  seconds: Number(seconds),
  commitsPerSecond: rate === "max" ? null : Number(rate),
  waitingMax: UNDER_WAY,
  waiting: () => started - finished,
  commit: () => {
    const running = one().finally(() => all.delete(running));
    all.add(running);
    return Promise.resolve();
  },
});
const inTime = finished;
await Promise.all(all);
console.log(
  JSON.stringify({
    started,
    finished,
    perSecond: inTime / load.seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  }),
);
await DBOS.shutdown();
process.exit(0);
