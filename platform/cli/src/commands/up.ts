import { defineCommand } from "../command.ts";
import type { Command } from "../command.ts";
import type { DeployMissing } from "../deploy-missing.ts";
import { EXIT } from "../exit-codes.ts";
import { homeOf } from "../home.ts";
import type { Home } from "../home.ts";
import type { Output } from "../output.ts";
import { seconds, table } from "../output.ts";
import { deployMissing } from "../release/deploy-missing.ts";
import { stopAll } from "../stop-all.ts";
import { bringUp } from "../up/bring-up.ts";
import type { BroughtUp } from "../up/bring-up.ts";
import { entryPointsOf } from "../up/processes.ts";
import type { EntryPoints } from "../up/processes.ts";
import { stay } from "../up/stay.ts";
import { upOptionsOf } from "../up/up-options.ts";
import type { UpOptions } from "../up/up-options.ts";
import { PROCESS_DEADLINE_MS } from "../up/wait-ready.ts";

export interface UpDependencies {
  readonly deployMissing: DeployMissing;
  /** Control, gateway and bus as TypeScript files; those of the checkout unless a test has its own. */
  readonly entryPoints?: EntryPoints;
  /** How long control, the gateway and the bus may take until they answer. */
  readonly readyDeadlineMs?: number;
}

/** The command with what it calls at its end; `up` below is the one with everything real. */
export function makeUp(dependencies: UpDependencies): Command {
  return defineCommand({
    name: "up",
    summary: "Start everything, and stay until Ctrl-C.",
    options: {
      port: { type: "string", short: "p", value: "PORT", help: "Public port (default 8080)." },
      "operators-port": { type: "string", value: "PORT", help: "Default: the public one + 1." },
      "internal-port": { type: "string", value: "PORT", help: "Default: the public one + 2." },
      profile: { type: "string", value: "NAME", help: "demo (default) or production." },
      detach: { type: "boolean", short: "d", help: "Return as soon as everything answers." },
      unsafe: { type: "boolean", help: "Allow settings that may lose money in a crash." },
    },
    examples: [
      { command: "npx tideway up", does: "start; Ctrl-C drains and stops" },
      { command: "npx tideway up --detach --port 9080", does: "start in the background" },
    ],
    run: async (context) => {
      const { options, env, checkout, output, signal } = context;
      const startedAtMs = performance.now();
      const home = homeOf({ checkout, env, homeFolder: context.homeFolder });
      const up = upOptionsOf(options, env);
      const entryPoints = dependencies.entryPoints ?? entryPointsOf(checkout);
      const given = { home, checkout, env, up, output, signal, entryPoints };
      let started = false;
      const onStarted = (): void => void (started = true);
      const { deployMissing, readyDeadlineMs = PROCESS_DEADLINE_MS } = dependencies;
      const seam = { deployMissing, readyDeadlineMs, onStarted };
      try {
        const brought = await bringUp({ ...given, ...seam });
        tell(output, { brought, up, elapsedMs: performance.now() - startedAtMs });
        if (options.detach) return EXIT.ok;
      } catch (error) {
        // What an earlier supervisor left running is not ours to stop because a check failed.
        if (started) await stopped(home, output);
        throw error;
      }
      output.note(output.dim("Ctrl-C drains and stops everything."));
      if ((await stay(home, { output, signal })) === "interrupted") await stopped(home, output);
      else output.note("Tideway was stopped.");
      return EXIT.ok;
    },
  });
}

export const up = makeUp({ deployMissing });

async function stopped(home: Home, output: Output): Promise<void> {
  await output.step("drained and stopped", () => stopAll(home));
}

interface Told {
  readonly brought: BroughtUp;
  readonly up: UpOptions;
  readonly elapsedMs: number;
}

function tell(output: Output, { brought, up, elapsedMs }: Told): void {
  output.note(`\n${output.bold("Tideway is ready")} after ${seconds(elapsedMs)}.`);
  const { public: open, operators } = up.listeners;
  const lines = [
    ["wallet", open.url],
    ["console", operators.url],
    ...brought.signIns.map(({ app, name, password }) => [`${app} sign-in`, `${name}  ${password}`]),
  ];
  for (const line of table(lines)) output.data(line);
}
