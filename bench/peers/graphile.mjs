/**
 * The peer of `npm run bench -- events`: graphile-worker doing the same work on the same server. Plain
 * JavaScript, because its types are only there where the peer is installed.
 *
 *   node graphile.mjs DATABASE_URL SECONDS COMMITS_PER_SECOND|max EVENTS_PER_COMMIT
 *
 * One process is one service: a business row and the jobs in one commit, each job's effect in a
 * transaction of its own. Settings are those its documentation recommends for throughput.
 */
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { Pool } from "pg";
import { produce, quantile } from "./load.mjs";

const [url = "", seconds = "10", rate = "max", perCommit = "10"] = process.argv.slice(2);
const pad = "x".repeat(900);
const pool = new Pool({ connectionString: url, max: 10 });
const workerPool = new Pool({ connectionString: url, max: 10 });
for (const one of [pool, workerPool]) one.on("error", () => {});
await pool.query("create table if not exists throws (number int primary key)");
await pool.query("create table if not exists catches (event text primary key, number int)");

const utils = await makeWorkerUtils({ pgPool: pool });
await utils.migrate();
/** @type {number[]} */
const latencies = [];
let produced = 0;
const runner = await run({
  pgPool: workerPool,
  noHandleSignals: true,
  // A line for each job would be measured with it.
  logger: new Logger(() => () => {}),
  preset: {
    worker: {
      concurrentJobs: 24,
      // Without this a batch that nobody asked for waits; with it latency at low load is better.
      localQueue: rate === "max" ? { size: 500 } : undefined,
      completeJobBatchDelay: rate === "max" ? 0 : -1,
      failJobBatchDelay: rate === "max" ? 0 : -1,
      pollInterval: 200,
    },
  },
  taskList: {
    catch: async (payload, helpers) => {
      const { number, place, at } = payload;
      await helpers.withPgClient((client) =>
        client.query({
          name: "catch",
          text: "insert into catches (event, number) values ($1, $2)",
          values: [`${number}-${place}`, number],
        }),
      );
      latencies.push(Date.now() - at);
    },
  },
});
await pool.query("delete from throws");
await pool.query("delete from catches");

const count = Number(perCommit);
const commit = async (number) => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query({
      name: "throw",
      text: "insert into throws (number) values ($1)",
      values: [number],
    });
    const at = Date.now();
    const jobs = Array.from({ length: count }, (_, place) => ({
      identifier: "catch",
      payload: { number, place, at, pad },
    }));
    await client.query({
      name: "jobs",
      text: `select 1 from graphile_worker.add_jobs(
        (select array_agg((j->>'identifier', j->'payload', null, null, null, null, null, null)::graphile_worker.job_spec)
         from json_array_elements($1::json) j))`,
      values: [JSON.stringify(jobs)],
    });
    await client.query("commit");
    produced += count;
  } finally {
    client.release();
  }
};
const load = await produce({
  seconds: Number(seconds),
  commitsPerSecond: rate === "max" ? null : Number(rate),
  waitingMax: 1_000,
  waiting: () => produced - latencies.length,
  commit,
});
const appliedInTime = latencies.length;
const deadline = Date.now() + 30_000;
while (latencies.length < produced && Date.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
console.log(
  JSON.stringify({
    produced,
    applied: latencies.length,
    perSecond: appliedInTime / load.seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  }),
);
await runner.stop();
await utils.release();
await pool.end();
await workerPool.end();
