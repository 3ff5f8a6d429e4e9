/** Started by `tideway up` with one argument: the file (mode 0600) with its options. */
import { readFileSync } from "node:fs";
import type { SupervisorOptions } from "./options.ts";
import { supervise } from "./supervise.ts";

await supervise(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as SupervisorOptions); // By up.
process.exit(0);
