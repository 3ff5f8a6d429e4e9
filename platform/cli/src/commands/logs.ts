import { sleep } from "@tideway/kernel";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { connectAdmin } from "../release/admin.ts";
import { patiently } from "../release/patience.ts";
import { secondsOption } from "../release/options.ts";

const LINES_DEFAULT = 50;
const LINES_MAX = 2_000;
const LOOK_EVERY_MS = 500;

export const logs = defineCommand({
  name: "logs",
  summary: "The log lines of a service's instances, oldest first.",
  positionals: ["SERVICE"],
  reads: true,
  options: {
    follow: { type: "boolean", short: "f", help: "Go on with new lines until interrupted." },
    lines: { type: "string", value: "N", help: "How many to begin with (50)." },
    revision: { type: "string", value: "ID", help: "Only this revision, for example payments-7." },
  },
  examples: [
    { command: "npx tideway logs payments -f --revision payments-8", does: "a candidate" },
  ],
  run: async ({ positionals: [service = ""], options, output, signal, ...place }) => {
    const admin = connectAdmin(place);
    const lines = Math.min(LINES_MAX, secondsOption("logs", options.lines, LINES_DEFAULT));
    const revision = options.revision === undefined ? {} : { revision: options.revision };
    const params = { service };
    const print = (page: { lines: LogLine[]; next: string }): string => {
      for (const line of page.lines) {
        output.data(output.json ? JSON.stringify(line) : `${line.revision}  ${line.text}`);
      }
      return page.next;
    };
    let after = print(await admin.logs({ params, query: { lines, ...revision } }));
    while (options.follow && !signal.aborted) {
      const query = { lines: LINES_MAX, ...revision, after };
      const page = await patiently(() => admin.logs({ params, query }), signal);
      after = print(page);
      // A full page is followed by the next one at once.
      if (page.lines.length < LINES_MAX) await sleep(LOOK_EVERY_MS, signal);
    }
    return EXIT.ok;
  },
});

interface LogLine {
  readonly revision: string;
  readonly text: string;
}
