import type { Check, CheckContext, Finding } from "./check.ts";
import { clusterCheck, homeCheck, runFolderCheck } from "./home-checks.ts";
import { diskCheck, installationCheck, nodeCheck, userCheck } from "./machine-checks.ts";
import { orphanCheck } from "./orphan-check.ts";
import { portCheck } from "./port-check.ts";
import { socketCheck } from "./socket-check.ts";

/** In the order in which one depends on the other. */
export const CHECKS: readonly Check[] = [
  nodeCheck,
  installationCheck,
  userCheck,
  homeCheck,
  socketCheck,
  runFolderCheck,
  diskCheck,
  clusterCheck,
  portCheck,
  orphanCheck,
];

export interface Examined {
  readonly check: Check;
  readonly told: string | null;
  readonly findings: readonly Finding[];
}

/** Runs the checks one after the other. */
export async function examine(
  context: CheckContext,
  checks: readonly Check[] = CHECKS,
): Promise<Examined[]> {
  const examined: Examined[] = [];
  for (const check of checks) {
    const result = await check.run(context);
    if (typeof result === "string") examined.push({ check, told: result, findings: [] });
    else examined.push({ check, told: null, findings: result });
  }
  return examined;
}
