import type { CodedError } from "@tideway/kernel";
import { defineCommand } from "../command.ts";
import type { CheckContext } from "../doctor/check.ts";
import { examine } from "../doctor/examine.ts";
import type { Examined } from "../doctor/examine.ts";
import { EXIT } from "../exit-codes.ts";
import { homeOf } from "../home.ts";
import type { Output } from "../output.ts";
import { upOptionsOf } from "../up/up-options.ts";

export const doctor = defineCommand({
  name: "doctor",
  summary: "Say what keeps Tideway from running, and mend what is safe to mend.",
  reads: true,
  options: {
    fix: { type: "boolean", help: "Mend what can be mended without losing anything." },
    port: { type: "string", short: "p", value: "PORT", help: "Public port (default 8080)." },
  },
  examples: [
    { command: "npx tideway doctor", does: "check; exit code 3 when something is wrong" },
    { command: "npx tideway doctor --fix", does: "end orphans, make a broken run folder anew" },
  ],
  run: async ({ options, checkout, env, homeFolder, output }) => {
    const home = homeOf({ checkout, env, homeFolder });
    const flags = { ...NO_FLAGS, port: options.port };
    const context = { home, checkout, env, up: upOptionsOf(flags, env) };
    const mended = options.fix ? await mend(context, output) : [];
    const examined = await examine(context);
    const healthy = examined.every(({ findings }) => findings.length === 0);
    if (output.json) output.document({ healthy, mended, checks: examined.map(viewOf) });
    else for (const one of examined) tell(one, output);
    return healthy ? EXIT.ok : EXIT.notHealthy;
  },
});

const NO_FLAGS = {
  "operators-port": undefined,
  "internal-port": undefined,
  profile: undefined,
  unsafe: false,
};

async function mend(context: CheckContext, output: Output): Promise<string[]> {
  const mended: string[] = [];
  for (const { findings } of await examine(context))
    for (const { fix } of findings) if (fix !== undefined) mended.push(await fix());
  for (const line of mended) output.note(`mended: ${line}`);
  return mended;
}

function tell({ check, told, findings }: Examined, output: Output): void {
  if (told !== null) output.tick(`${check.name}: ${told}`);
  for (const { error } of findings) {
    output.cross(`${check.name}: ${error.message}`);
    output.note(`  ${error.code}  mend: ${error.action}`);
  }
}

function viewOf({ check, told, findings }: Examined) {
  return { check: check.name, ok: findings.length === 0, told, failures: findings.map(failureOf) };
}

function failureOf({ error, fix }: { error: CodedError; fix?: unknown }) {
  const { code, message, given } = error;
  return { code, message, mend: error.action, given, fixable: fix !== undefined };
}
