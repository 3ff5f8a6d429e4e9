/** `npm run bench -- NAME`: runs one measurement of this folder. */
import { eventsBench } from "./events.ts";
import { gatewayBench } from "./gateway/bench.ts";
import { paymentBench } from "./payment.ts";
import { sagasBench } from "./sagas.ts";
import { startBench } from "./start.ts";
import { say } from "./figure.ts";

const benches: Readonly<Record<string, () => Promise<void>>> = {
  start: startBench,
  gateway: gatewayBench,
  payment: paymentBench,
  events: eventsBench,
  sagas: sagasBench,
};

const name = process.argv[2] ?? "";
const bench = benches[name];
if (bench === undefined) {
  say(
    `There is no measurement ${name || "without a name"}. Known: ${Object.keys(benches).join(", ")}`,
  );
  process.exitCode = 2;
} else {
  await bench();
}
