import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { connectAdmin } from "../release/admin.ts";
import { exitCodeOf, followRollout } from "../release/follow-rollout.ts";
import { secondsOption } from "../release/options.ts";
import { releaseService } from "../release/release-service.ts";

const TIMEOUT_SECONDS = 3_600;

export const deploy = defineCommand({
  name: "deploy",
  summary: "Release a service from the working tree, in steps, judged; waits for the outcome.",
  positionals: ["SERVICE"],
  reads: true,
  options: {
    detach: { type: "boolean", short: "d", help: "Return as soon as the rollout has begun." },
    "accept-breaking": {
      type: "string",
      value: "REASON",
      help: "Release although a neighbour would break; the reason goes to the audit log.",
    },
    timeout: { type: "string", value: "SECONDS", help: "How long to wait (3600)." },
  },
  examples: [
    {
      command: "npx tideway deploy payments",
      does: "exit code 0 promoted, 4 returned, 5 undecided",
    },
    {
      command: "npx tideway deploy payments -d",
      does: "then: npx tideway get rollout payments -w",
    },
  ],
  run: async ({ positionals: [service = ""], options, output, signal, ...place }) => {
    const admin = connectAdmin(place);
    const { checkout } = place;
    const acceptBreaking = options["accept-breaking"];
    const release = { admin, checkout, service, output, signal, acceptBreaking };
    const begun = await releaseService(release);
    if (options.detach) {
      if (output.json) output.document(begun);
      else output.note(`Watch it: npx tideway get rollout ${service} -w`);
      return EXIT.ok;
    }
    output.note(`Undo at any time: npx tideway abort ${service}`);
    const { rollout } = begun;
    const timeoutSeconds = secondsOption("deploy", options.timeout, TIMEOUT_SECONDS);
    const ended = await followRollout({
      admin,
      rollout,
      output,
      signal,
      repaint: false,
      timeoutSeconds,
    });
    if (output.json) output.document(ended);
    return exitCodeOf(ended);
  },
});
