import type { ServiceSummary } from "@tideway/api-admin";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../command.ts";
import { usageErrors } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { table } from "../output.ts";
import type { Output } from "../output.ts";
import { connectAdmin } from "../release/admin.ts";
import type { Admin } from "../release/admin.ts";
import { exitCodeOf, followRollout } from "../release/follow-rollout.ts";
import { percent, renderRollout } from "../release/render-rollout.ts";

const WATCH_SECONDS = 86_400;

export const get = defineCommand({
  name: "get",
  summary: "Show services, or a service's revisions or rollout.",
  positionals: ["WHAT", "[SERVICE]"],
  reads: true,
  options: { watch: { type: "boolean", short: "w", help: "Keep looking until it is over." } },
  examples: [
    { command: "npx tideway get services", does: "every service with its lanes" },
    { command: "npx tideway get rollout payments -w", does: "the rollout under way, repainted" },
    { command: "npx tideway get revisions payments", does: "what can be returned to" },
  ],
  run: async ({ positionals: [what = "", service], ...context }) => {
    const admin = connectAdmin(context);
    if (what === "services") return showServices(admin, context.output);
    if (what !== "rollout" && what !== "revisions") throw unknownKind(what);
    if (service === undefined) {
      const given = { command: `get ${what}`, expected: "SERVICE" };
      throw usageErrors.error("ARGUMENT_MISSING", { given });
    }
    if (what === "revisions") return showRevisions(admin, service, context.output);
    return showRollout(admin, service, context);
  },
});

async function showServices(admin: Admin, output: Output): Promise<ExitCode> {
  const { services } = await admin.services();
  if (output.json) output.document(services);
  else for (const line of table([HEAD, ...services.flatMap(serviceRows)])) output.data(line);
  return services.every(({ health }) => health === "serving" || health === "asleep")
    ? EXIT.ok
    : EXIT.notHealthy;
}

const HEAD = ["SERVICE", "HEALTH", "REVISION", "LANE", "READY", "REQ/S", "BAD", "P50", "P99"];

function serviceRows(service: ServiceSummary): string[][] {
  return service.lanes.map((lane) => {
    const isCandidate = lane.revision === service.candidate;
    const ready = lane.instances.filter(({ status }) => status === "ready").length;
    return [
      service.service,
      service.healthReason ?? service.health,
      lane.revision,
      isCandidate ? `candidate ${service.weight} %` : "stable",
      String(ready),
      lane.requestsPerSecond.toFixed(1),
      lane.badRate === null ? "-" : percent(lane.badRate),
      lane.p50Ms === null ? "-" : `${lane.p50Ms} ms`,
      lane.p99Ms === null ? "-" : `${lane.p99Ms} ms`,
    ];
  });
}

async function showRevisions(admin: Admin, service: string, output: Output): Promise<ExitCode> {
  const { revisions } = await admin.service({ params: { service } });
  if (output.json) output.document(revisions);
  else {
    const rows = revisions.map((one) => [
      one.revision,
      one.role,
      one.createdAt.slice(0, 19).replace("T", " "),
      one.createdBy,
      one.digest.slice(0, 12),
    ]);
    const head = ["REVISION", "ROLE", "MADE (UTC)", "BY", "DIGEST"];
    for (const line of table([head, ...rows])) output.data(line);
  }
  return EXIT.ok;
}

async function showRollout(
  admin: Admin,
  service: string,
  context: Omit<CommandContext<{ watch: { type: "boolean"; help: string } }>, "positionals">,
): Promise<ExitCode> {
  const { output, signal, options } = context;
  const latest = await admin.latestRollout({ params: { service } });
  if (options.watch && latest.finishedAt === null) {
    const { rollout } = latest;
    const ended = await followRollout({
      admin,
      rollout,
      output,
      signal,
      repaint: !output.json,
      timeoutSeconds: WATCH_SECONDS,
    });
    if (output.json) output.document(ended);
    return exitCodeOf(ended);
  }
  if (output.json) output.document(latest);
  else {
    const lines = renderRollout(latest, { colour: process.stdout.isTTY, nowMs: Date.now() });
    for (const line of lines) output.data(line);
  }
  return EXIT.ok;
}

function unknownKind(given: string): Error {
  return usageErrors.error("OPTION_VALUE_INVALID", {
    given: { command: "get", given, expected: "services, rollout or revisions" },
  });
}
