/**
 * One of the three services that the workflow peer of `npm run bench -- sagas` calls: it writes a
 * row for each step and answers when it is committed, as ours do.
 *
 *   node participant.mjs PORT DATABASE_URL
 */
import { createServer } from "node:http";
import { Pool } from "pg";

const [port = "0", url = ""] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 10 });
pool.on("error", () => {});
await pool.query(
  "create table if not exists steps (saga text, step text, primary key (saga, step))",
);

const server = createServer((request, reply) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const { saga, step } = JSON.parse(body);
    pool
      .query({
        name: "step",
        text: "insert into steps (saga, step) values ($1, $2) on conflict do nothing",
        values: [saga, step],
      })
      .then(
        () => reply.end('{"done":true}'),
        (error) => {
          reply.statusCode = 503;
          reply.end(String(error));
        },
      );
  });
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
process.on("SIGTERM", () => process.exit(0));
