import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { homeOf } from "../home.ts";
import { table } from "../output.ts";
import { processStatus } from "../process-status.ts";
import type { ProcessView } from "../process-status.ts";

const MEGABYTE = 1_048_576;

export const status = defineCommand({
  name: "status",
  summary: "What runs. Exit code 3 when something does not.",
  reads: true,
  options: {},
  examples: [{ command: "npx tideway status --json | jq .healthy", does: "for scripts" }],
  run: ({ checkout, env, homeFolder, output }) => {
    const view = processStatus(homeOf({ checkout, env, homeFolder }), Date.now());
    if (output.json) output.document(view);
    else if (view.processes.length === 0)
      output.note(`Nothing runs in ${view.home}. Start it: npx tideway up`);
    else
      for (const line of table([HEAD, ...view.processes.map((process) => row(process))]))
        output.data(line);
    return Promise.resolve(view.healthy ? EXIT.ok : EXIT.notHealthy);
  },
});

const HEAD = ["PROCESS", "STATE", "PID", "UP", "MEMORY", "RESTARTS", "LAST EXIT"];

function row({ name, state, pid, upSeconds, memoryBytes, restarts, lastExit }: ProcessView) {
  return [
    name,
    state,
    pid === null ? "-" : String(pid),
    upSeconds === null ? "-" : `${upSeconds} s`,
    memoryBytes === null ? "-" : `${Math.round(memoryBytes / MEGABYTE)} MB`,
    String(restarts),
    lastExit ?? "-",
  ];
}
