/** Business movements across services: where they stand, and what an operator may do about one. */
import type { ListedSaga, SagaDetail } from "@tideway/api-admin";
import { defineCommand } from "../command.ts";
import type { OptionValues } from "../command.ts";
import { usageErrors } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { limitOf } from "../limit-option.ts";
import { shortTime, table } from "../output.ts";
import type { Output } from "../output.ts";
import { connectAdmin } from "../release/admin.ts";
import type { Admin } from "../release/admin.ts";

const STATES = ["running", "waiting", "compensating", "completed", "compensated"] as const;

const OPTIONS = {
  service: { type: "string", value: "SERVICE", help: "Where it lives; else each is asked." },
  state: { type: "string", value: "STATE", help: `${STATES.join(", ")}.` },
  attention: { type: "boolean", help: "Only those that somebody should look at." },
  reason: { type: "string", value: "TEXT", help: "compensate: why; kept in the audit log." },
  limit: { type: "string", value: "N", help: "At most so many (default 50)." },
  after: { type: "string", value: "CURSOR", help: "Go on behind this one; needs --service." },
} as const;

interface Asked {
  readonly admin: Admin;
  readonly output: Output;
  readonly options: OptionValues<typeof OPTIONS>;
  readonly saga: string | undefined;
}

export const sagas = defineCommand({
  name: "sagas",
  summary: "Business movements across services: list, inspect, retry, compensate.",
  positionals: ["[ACT]", "[SAGA]"],
  reads: true,
  options: OPTIONS,
  examples: [
    { command: "npx tideway sagas --attention", does: "those that somebody should look at" },
    { command: "npx tideway sagas inspect sag_01...", does: "its steps, with their undo" },
    { command: "npx tideway sagas retry sag_01...", does: "its present step again, at once" },
    {
      command: 'npx tideway sagas compensate sag_01... --reason "wrong payee"',
      does: "undo what was done; refused behind its pivot",
    },
  ],
  run: ({ positionals: [act = "list", saga], options, output, ...place }) => {
    const run = ACTS.get(act);
    if (run === undefined) throw invalid(act, "list, inspect, retry or compensate");
    return run({ admin: connectAdmin(place), output, options, saga });
  },
});

const ACTS = new Map<string, (asked: Asked) => Promise<ExitCode>>(
  Object.entries({ list, inspect, retry, compensate }),
);

async function list({ admin, output, options }: Asked): Promise<ExitCode> {
  const { service, after, attention } = options;
  const state = STATES.find((one) => one === options.state);
  if (options.state !== undefined && state === undefined) {
    throw invalid(options.state, STATES.join(", "));
  }
  const page = await admin.sagas({
    query: {
      limit: limitOf("sagas", options.limit),
      ...(attention ? { attention } : {}),
      ...(state === undefined ? {} : { state }),
      ...(service === undefined ? {} : { service }),
      ...(after === undefined ? {} : { after }),
    },
  });
  if (output.json) output.document(page);
  else if (page.items.length === 0) output.note("There is no such saga.");
  else for (const line of table([HEAD, ...page.items.map(row)])) output.data(line);
  for (const one of page.unanswered) {
    output.note(`${one.service} did not answer (${one.code}): its sagas are missing here.`);
  }
  if (page.next !== null) {
    output.note(`There are more: npx tideway sagas --service ${service} --after '${page.next}'`);
  }
  return page.unanswered.length === 0 ? EXIT.ok : EXIT.notHealthy;
}

const HEAD = ["SAGA", "SERVICE", "NAME", "STATE", "STEP", "TRIES", "BEGUN (UTC)", "PROBLEM"];

function row(saga: ListedSaga): string[] {
  return [
    saga.saga,
    saga.service,
    `${saga.name} v${saga.version}`,
    saga.needsAttention ? `${saga.state} !` : saga.state,
    saga.step,
    String(saga.attempts),
    shortTime(saga.startedAt),
    saga.problem ?? "-",
  ];
}

async function inspect({ admin, output, options, saga }: Asked): Promise<ExitCode> {
  const params = { saga: needed(saga, "inspect") };
  const found = await admin.saga({ params, query: ofService(options) });
  if (output.json) output.document(found);
  else for (const line of describe(found)) output.data(line);
  return EXIT.ok;
}

function describe({ service, saga, steps }: SagaDetail): string[] {
  const facts = [
    ["saga", saga.saga],
    ["what", `${saga.name} v${saga.version} of ${service}`],
    ["state", saga.needsAttention ? `${saga.state}, somebody should look` : saga.state],
    ["begun", shortTime(saga.startedAt)],
    ["goes on", saga.dueAt === null ? "not by itself" : shortTime(saga.dueAt)],
    ["problem", saga.problem ?? "-"],
    ["trace", saga.traceId ?? "-"],
  ];
  const rows = steps.map((step) => [
    step.step,
    step.kind,
    step.state,
    String(step.attempts),
    step.startedAt === null ? "-" : shortTime(step.startedAt),
    step.undo === null ? "-" : `${step.undo.method} ${step.undo.service}${step.undo.path}`,
    step.problem ?? "-",
  ]);
  const head = ["STEP", "KIND", "STATE", "TRIES", "BEGUN (UTC)", "UNDO", "PROBLEM"];
  return [...table(facts), "", ...table([head, ...rows])];
}

async function retry({ admin, output, options, saga }: Asked): Promise<ExitCode> {
  const params = { saga: needed(saga, "retry") };
  const after = await admin.retrySaga({ params, body: ofService(options) });
  return tell(output, after);
}

async function compensate({ admin, output, options, saga }: Asked): Promise<ExitCode> {
  const params = { saga: needed(saga, "compensate") };
  const { reason } = options;
  if (reason === undefined || reason.trim() === "") {
    throw usageErrors.error("ARGUMENT_MISSING", {
      given: { command: "sagas compensate", expected: "--reason with why it is given up" },
    });
  }
  const after = await admin.compensateSaga({ params, body: { ...ofService(options), reason } });
  output.note("Undo: none; what was done is being undone, newest first.");
  return tell(output, after);
}

function tell(output: Output, after: ListedSaga): ExitCode {
  if (output.json) output.document(after);
  else output.data(`${after.saga} of ${after.service} is ${after.state}, at step ${after.step}.`);
  output.note(`Look: npx tideway sagas inspect ${after.saga} --service ${after.service}`);
  return EXIT.ok;
}

function ofService({ service }: Asked["options"]): { readonly service?: string } {
  return service === undefined ? {} : { service };
}

function needed(saga: string | undefined, act: string): string {
  const given = { command: `sagas ${act}`, expected: "SAGA" };
  if (saga === undefined) throw usageErrors.error("ARGUMENT_MISSING", { given });
  if (!/^sag_[0-9a-z]{26}$/.test(saga)) throw invalid(saga, "a saga's id: sag_ and 26 characters");
  return saga;
}

function invalid(given: string, expected: string): Error {
  return usageErrors.error("OPTION_VALUE_INVALID", {
    given: { command: "sagas", given, expected },
  });
}
