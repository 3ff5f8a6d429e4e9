/**
 * A process that owns an engine, as control does, so that a test can kill it:
 *
 *   node engine-host.ts HOME COUNT
 *
 * Ensures COUNT instances of echo-1 and writes "ready" when all are; ends itself on SIGUSR2 as
 * control does, leaving its instances.
 */
import { createProcessEngine } from "../process-engine.ts";
import { writeRevision } from "./fixture-revision.ts";

const [home, count] = process.argv.slice(2);
if (home === undefined || count === undefined) throw new Error("Give the home and the count.");

const engine = createProcessEngine({
  home,
  node: process.execPath,
  environment: () => Promise.resolve({}),
});
const stop = new AbortController();
process.once("SIGUSR2", () => {
  stop.abort();
  void engine.close();
});

const instances = Number(count);
await engine.ensure(await writeRevision(home), { min: instances, max: instances }, 5);
for await (const state of engine.watch(stop.signal)) {
  const ready = state.instances.filter((instance) => instance.status === "ready");
  if (ready.length === instances) process.stdout.write("ready\n");
}
