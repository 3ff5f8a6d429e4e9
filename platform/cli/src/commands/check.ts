import type { Compatibility } from "@tideway/api-admin";
import { isCoded } from "@tideway/kernel";
import { toManifest } from "@tideway/schema";
import type { ServiceDeclaration } from "@tideway/schema";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../command.ts";
import { usageErrors } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { table } from "../output.ts";
import type { Output } from "../output.ts";
import { connectAdmin } from "../release/admin.ts";
import type { Admin } from "../release/admin.ts";
import { listServices, readDeclaration } from "../release/build-revision.ts";
import { checkAmongThemselves } from "../release/check-tree.ts";
import {
  missingReads,
  readCommitted,
  readRecorded,
  writeCommitted,
} from "../release/recorded-reads.ts";
import { treeDocuments } from "../release/tree-documents.ts";

/** What one service was told. */
interface Checked extends Compatibility {
  readonly service: string;
  /** Against what runs, or, where nothing does, against the other services of the working tree. */
  readonly against: "running" | "tree";
}

export const check = defineCommand({
  name: "check",
  summary: "Whether the working tree's apis may live beside what runs; nothing is released.",
  positionals: ["WHAT", "[SERVICE]"],
  reads: true,
  options: {
    print: { type: "boolean", help: "Print the OpenAPI and AsyncAPI documents instead." },
    reads: {
      type: "string",
      value: "FILE",
      help: "Compare what tests recorded (TIDEWAY_EXPECTATIONS_FILE) with expectations.json.",
    },
    record: { type: "boolean", help: "With --reads: write expectations.json anew." },
  },
  examples: [
    { command: "npx tideway check api", does: "exit code 1 when something would break" },
    { command: "npx tideway check api ledger --print", does: "its documents, as JSON" },
    {
      command: "npx tideway check api --reads reads.jsonl --record",
      does: "commits what the tests of each service read of its neighbours",
    },
  ],
  run: async ({ positionals: [what = "", service], options, ...context }) => {
    if (what !== "api") {
      const given = { command: "check", given: what, expected: "api" };
      throw usageErrors.error("OPTION_VALUE_INVALID", { given });
    }
    const { checkout, output } = context;
    const services = service === undefined ? await listServices(checkout) : [service];
    const declarations = await Promise.all(services.map((one) => readDeclaration(checkout, one)));
    if (options.print) return printDocuments(checkout, declarations, output);
    if (options.reads !== undefined) {
      const record = options.record ? "record" : "compare";
      return compareReads({ checkout, services, output }, options.reads, record);
    }
    return checkAll(context, declarations);
  },
});

async function printDocuments(
  checkout: string,
  declarations: readonly ServiceDeclaration[],
  output: Output,
): Promise<ExitCode> {
  const printed = await Promise.all(
    declarations.map(async (declaration) => {
      const documents = Object.entries(await treeDocuments(checkout, declaration));
      // Each was made from JSON a moment ago, but for expectations.json, which is a person's file.
      const parsed = documents.map(([name, text]): [string, unknown] => [name, JSON.parse(text)]);
      return [declaration.name, Object.fromEntries(parsed)] as const;
    }),
  );
  output.document(Object.fromEntries(printed));
  return EXIT.ok;
}

async function compareReads(
  {
    checkout,
    services,
    output,
  }: Pick<CommandContext, "checkout" | "output"> & {
    readonly services: readonly string[];
  },
  file: string,
  act: "record" | "compare",
): Promise<ExitCode> {
  const recorded = readRecorded(file);
  const missing: Record<string, unknown[]> = {};
  for (const service of services) {
    const own = recorded.get(service);
    if (own === undefined) continue;
    const lacking = missingReads(own, readCommitted(checkout, service));
    if (act === "record") {
      writeCommitted(checkout, service, own);
      output.note(`services/${service}/expectations.json: ${own.length} expectations`);
    } else if (lacking.length > 0) missing[service] = lacking;
    for (const { provider, operation, part, path, type } of act === "record" ? [] : lacking) {
      const verb = part === "request" ? "sends" : "reads";
      const line = `${service} ${verb} ${provider} ${operation} ${part} .${path} (${type})`;
      if (!output.json) output.data(line);
    }
  }
  if (output.json) output.document({ missing });
  if (Object.keys(missing).length === 0) return EXIT.ok;
  output.note(
    `Not in expectations.json. Commit them: npx tideway check api --reads ${file} --record`,
  );
  return EXIT.failed;
}

async function checkAll(
  context: Omit<CommandContext, "positionals" | "options">,
  declarations: readonly ServiceDeclaration[],
): Promise<ExitCode> {
  const { checkout, output } = context;
  const admin = await runningAdmin(context);
  const checked: Checked[] = [];
  for (const declaration of declarations) {
    const { name: service } = declaration;
    if (admin === null) {
      const judged = await checkAmongThemselves(checkout, service);
      checked.push({ service, against: "tree", ...judged });
      continue;
    }
    const manifest = toManifest(declaration);
    const documents = await treeDocuments(checkout, declaration);
    const judged = await admin.checkApi({ body: { service, manifest, documents } });
    checked.push({ service, against: "running", ...judged });
  }
  if (output.json) output.document(checked);
  else show(checked, output);
  const isRefused = checked.some(({ verdict }) => verdict === "incompatible");
  return isRefused ? EXIT.failed : EXIT.ok;
}

/** Null when nothing runs: the services of the working tree are then judged among themselves. */
async function runningAdmin(
  context: Pick<CommandContext, "checkout" | "env" | "homeFolder" | "output">,
): Promise<Admin | null> {
  try {
    const admin = connectAdmin(context);
    await admin.me();
    return admin;
  } catch (error) {
    if (!isCoded(error, "NOT_RUNNING")) throw error;
    context.output.note("Nothing runs; the services of the working tree are judged by each other.");
    return null;
  }
}

function show(checked: readonly Checked[], output: Output): void {
  const rows = checked.flatMap(({ pairs }) =>
    pairs.map(({ consumerRevision, providerRevision, neighbour, verdict }) => {
      return [consumerRevision, providerRevision, neighbour, verdict];
    }),
  );
  const lines = table([["CONSUMER", "PROVIDER", "NEIGHBOUR", "VERDICT"], ...rows]);
  // Two services of one tree are judged by each other, and come to the same pair.
  for (const line of new Set(lines)) output.data(line);
  for (const { findings } of checked) {
    for (const { level, operation, property, sentence, rule, path } of findings) {
      const field = property === null ? "" : ` .${property}`;
      output.data(`${level}  ${operation}${field}  ${sentence}  [${rule} at ${path}]`);
    }
  }
  for (const note of new Set(checked.flatMap(({ notes }) => notes))) output.note(note);
}
