/**
 * For tests: a process that answers HTTP on the descriptors it inherits, as control and gateway do:
 * those in its arguments, or in TIDEWAY_*_LISTEN. It writes a line when it ends in order.
 */
import { createServer } from "node:http";

const told = Object.entries(process.env)
  .filter(([name]) => /^TIDEWAY_.*_LISTEN$/.test(name))
  .map(([, address]) => (address ?? "").replace("fd:", ""));
const descriptors = [...process.argv.slice(2), ...told].map(Number);
for (const fd of descriptors)
  createServer((request, response) => {
    const { TIDEWAY_HOME, TIDEWAY_POSTGRES_URL, TIDEWAY_PROFILE, HOME_SECRET } = process.env;
    const env = { TIDEWAY_HOME, TIDEWAY_POSTGRES_URL, TIDEWAY_PROFILE, HOME_SECRET };
    response.end(JSON.stringify({ pid: process.pid, url: request.url, fd, env }));
  }).listen({ fd });
process.on("SIGTERM", () => {
  console.log(`ended in order at ${process.hrtime.bigint()}`);
  process.exit(0);
});
