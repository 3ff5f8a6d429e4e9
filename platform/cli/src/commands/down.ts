import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { homeOf } from "../home.ts";
import { stopAll } from "../stop-all.ts";

export const down = defineCommand({
  name: "down",
  summary: "Drain and stop everything; data stays.",
  options: {},
  examples: [{ command: "npx tideway down", does: "stop; npx tideway up brings it back" }],
  run: async ({ checkout, env, homeFolder, output }) => {
    const home = homeOf({ checkout, env, homeFolder });
    const startedAtMs = performance.now();
    if (await stopAll(home)) output.tick("drained and stopped", performance.now() - startedAtMs);
    else output.note(`Nothing runs in ${home.folder}.`);
    return EXIT.ok;
  },
});
