/** For tests: a process that answers on `run/bus.sock` as the bus does, and ends when it is told to. */
import { realpathSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const { TIDEWAY_HOME: home = "", ...rest } = process.env;
const socket = join(realpathSync(join(home, "run")), "bus.sock");
// A predecessor that was killed left its own.
rmSync(socket, { force: true });
createServer((request, response) => {
  const env = Object.fromEntries(
    Object.entries(rest).filter(([name]) => name.startsWith("TIDEWAY_")),
  );
  response.end(JSON.stringify({ status: "ok", epoch: 1, url: request.url, env }));
}).listen(socket);
process.on("SIGTERM", () => process.exit(0));
