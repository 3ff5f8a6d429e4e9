/** An instance in a process of its own, for tests that kill it. Prints its endpoint as one line. */
import { startUpstream } from "./upstream.ts";

const [instance = "ins_child"] = process.argv.slice(2);
const upstream = await startUpstream({ service: "pay", instance });
process.stdout.write(`${JSON.stringify(upstream.endpoint)}\n`);
