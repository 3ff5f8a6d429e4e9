/** promote, pause, resume, abort and rollback: what an operator may do to a release. */
import type { Rollout } from "@tideway/api-admin";
import { unreachable } from "@tideway/kernel";
import { defineCommand } from "../command.ts";
import type { Command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { connectAdmin } from "../release/admin.ts";
import type { Admin } from "../release/admin.ts";
import { exitCodeOf, followRollout } from "../release/follow-rollout.ts";

const REASON = { type: "string", value: "TEXT", help: "Kept in the audit log." } as const;
const ROLLBACK_SECONDS = 120;

interface Act {
  readonly name: "promote" | "pause" | "resume" | "abort";
  readonly summary: string;
  readonly undo: (service: string) => string;
}

const ACTS: readonly Act[] = [
  {
    name: "promote",
    summary: "Go to the next step now; with --full to 100 %.",
    undo: (service) => `npx tideway abort ${service}, or npx tideway rollback ${service}`,
  },
  {
    name: "pause",
    summary: "Stand still; the candidate keeps its share and is still judged.",
    undo: (service) => `npx tideway resume ${service}`,
  },
  {
    name: "resume",
    summary: "Go on with the same step.",
    undo: (service) => `npx tideway pause ${service}`,
  },
  {
    name: "abort",
    summary: "Withdraw the candidate; all traffic returns to the stable revision.",
    undo: (service) => `npx tideway deploy ${service}`,
  },
];

export const rolloutActions: readonly Command[] = ACTS.map(({ name, summary, undo }) =>
  defineCommand({
    name,
    summary,
    positionals: ["SERVICE"],
    reads: true,
    options: {
      reason: REASON,
      full: { type: "boolean", help: "promote only: to 100 % at once." },
    },
    examples: [{ command: `npx tideway ${name} payments`, does: "the rollout under way" }],
    run: async ({ positionals: [service = ""], options, output, ...place }) => {
      const admin = connectAdmin(place);
      const { rollout } = await admin.latestRollout({ params: { service } });
      const reason = options.reason === undefined ? {} : { reason: options.reason };
      const params = { rolloutId: rollout };
      const after = await carryOut(admin, name, { params, reason, full: options.full });
      tell(output, after, undo(service));
      return EXIT.ok;
    },
  }),
);

interface Call {
  readonly params: { readonly rolloutId: string };
  readonly reason: { readonly reason?: string };
  readonly full: boolean;
}

function carryOut(admin: Admin, name: Act["name"], call: Call): Promise<Rollout> {
  const { params, reason } = call;
  switch (name) {
    case "promote":
      return admin.promote({ params, body: { ...reason, full: call.full } });
    case "pause":
      return admin.pause({ params, body: reason });
    case "resume":
      return admin.resume({ params, body: reason });
    case "abort":
      return admin.abort({ params, body: reason });
    default:
      return unreachable(name);
  }
}

export const rollback = defineCommand({
  name: "rollback",
  summary: "Return to an earlier revision at once, as soon as it is ready.",
  positionals: ["SERVICE", "[REVISION]"],
  reads: true,
  options: { reason: REASON },
  examples: [
    { command: "npx tideway rollback payments", does: "to the revision before this one" },
    { command: "npx tideway rollback payments payments-3", does: "to a kept one" },
  ],
  run: async ({ positionals: [service = "", revision], options, output, signal, ...place }) => {
    const admin = connectAdmin(place);
    const begun = await admin.rollback({
      params: { service },
      body: {
        ...(revision === undefined ? {} : { revision }),
        ...(options.reason === undefined ? {} : { reason: options.reason }),
      },
    });
    const ended = await followRollout({
      admin,
      rollout: begun.rollout,
      output,
      signal,
      repaint: false,
      timeoutSeconds: ROLLBACK_SECONDS,
    });
    tell(output, ended, `npx tideway rollback ${service} ${begun.from ?? ""}`.trimEnd());
    return exitCodeOf(ended);
  },
});

function tell(output: Output, rollout: Rollout, undo: string): void {
  if (output.json) return output.document(rollout);
  output.data(`${rollout.service}: ${rollout.state}, ${rollout.weight} % wanted for ${rollout.to}`);
  output.note(`Undo: ${undo}`);
}
