/** What waits, what is quarantined, and what an operator may do about it. */
import type { EventGroup, EventKey, LoggedEvent, ReplayFrom } from "@tideway/api-admin";
import { defineCommand } from "../command.ts";
import type { OptionValues } from "../command.ts";
import { usageErrors } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { shortDuration, shortTime, table } from "../output.ts";
import type { Output } from "../output.ts";
import { limitOf } from "../limit-option.ts";
import { connectAdmin } from "../release/admin.ts";
import type { Admin } from "../release/admin.ts";

const OPTIONS = {
  from: { type: "string", value: "WHEN", help: "replay: a time, an event's id, or beginning." },
  type: { type: "string", value: "TYPE", help: "log and replay: events of this type only." },
  key: { type: "string", value: "KEY", help: "log: events of this ordering key only." },
  state: { type: "string", value: "STATE", help: "keys: quarantined (default) or retrying." },
  reason: { type: "string", value: "TEXT", help: "replay: kept in the audit log." },
  limit: { type: "string", value: "N", help: "keys and log: at most so many (default 50)." },
  after: { type: "string", value: "CURSOR", help: "keys and log: go on behind this one." },
} as const;

interface Asked {
  readonly admin: Admin;
  readonly output: Output;
  readonly options: OptionValues<typeof OPTIONS>;
  readonly service: string | undefined;
  readonly key: string | undefined;
}

export const events = defineCommand({
  name: "events",
  summary: "What consumers still have to apply; deliver again what was quarantined.",
  positionals: ["[ACT]", "[SERVICE]", "[KEY]"],
  reads: true,
  options: OPTIONS,
  examples: [
    { command: "npx tideway events", does: "each consuming service; exit code 3 if one is stuck" },
    { command: "npx tideway events keys payments", does: "its quarantined keys, and why" },
    { command: "npx tideway events redrive payments acc_1", does: "one key again, in its order" },
    { command: "npx tideway events redrive payments", does: "all of its quarantined keys" },
    {
      command: "npx tideway events replay payments --from 2026-01-31T08:00:00Z",
      does: "once more",
    },
    { command: "npx tideway events log --type ledger.account.changed.v1", does: "the newest" },
  ],
  run: ({ positionals: [act = "groups", service, key], options, output, ...place }) => {
    const run = ACTS.get(act);
    if (run === undefined) throw invalid(act, "keys, redrive, replay or log");
    return run({ admin: connectAdmin(place), output, options, service, key });
  },
});

const ACTS = new Map<string, (asked: Asked) => Promise<ExitCode>>(
  Object.entries({ groups: showGroups, keys: showKeys, redrive, replay, log: showLog }),
);

async function showGroups({ admin, output }: Asked): Promise<ExitCode> {
  const { groups } = await admin.eventGroups();
  if (output.json) output.document(groups);
  else if (groups.length === 0) output.note("No service consumes events.");
  else for (const line of table([GROUP_HEAD, ...groups.map(groupRow)])) output.data(line);
  const isWell = groups.every((one) => one.state === "running" && one.keysQuarantined === 0);
  return isWell ? EXIT.ok : EXIT.notHealthy;
}

const GROUP_HEAD = ["SERVICE", "STATE", "WAITING", "OLDEST", "IN FLIGHT", "QUARANTINED", "APPLIED"];

function groupRow(group: EventGroup): string[] {
  return [
    group.group,
    group.reason === null ? group.state : `${group.state}: ${group.reason}`,
    String(group.lag),
    group.lag === 0 ? "-" : shortDuration(group.lagAgeMs),
    String(group.inFlight),
    group.keysQuarantined === 0 ? "0" : `${group.keysQuarantined} keys`,
    String(group.appliedTotal),
  ];
}

async function showKeys({ admin, output, options, service }: Asked): Promise<ExitCode> {
  const state = options.state ?? "quarantined";
  if (state !== "quarantined" && state !== "retrying") {
    throw invalid(state, "quarantined or retrying");
  }
  const page = await admin.eventKeys({
    params: { service: needed(service, "keys") },
    query: { state, ...pageOf(options) },
  });
  if (output.json) output.document(page);
  else if (page.items.length === 0) output.note(`No key is ${state}.`);
  else for (const line of table([KEY_HEAD, ...page.items.map(keyRow)])) output.data(line);
  tellMore(output, page.next, `npx tideway events keys ${service}`);
  return EXIT.ok;
}

const KEY_HEAD = ["KEY", "EVENT", "TYPE", "TRIES", "WAITING", "SINCE (UTC)", "REVISION", "WHY"];

function keyRow(key: EventKey): string[] {
  return [
    key.key,
    key.eventId,
    key.type,
    String(key.tries),
    String(key.waiting),
    shortTime(key.since),
    key.revision,
    `${key.code} ${key.detail}`.trim(),
  ];
}

async function redrive({ admin, output, service, key }: Asked): Promise<ExitCode> {
  const done = await admin.redriveEvents({
    params: { service: needed(service, "redrive") },
    body: key === undefined ? {} : { key },
  });
  if (output.json) output.document(done);
  else output.data(`${done.keys} ${done.keys === 1 ? "key goes" : "keys go"} on at ${service}.`);
  output.note(`Undo: none is needed; what fails again is quarantined again.`);
  return EXIT.ok;
}

async function replay({ admin, output, options, service }: Asked): Promise<ExitCode> {
  const name = needed(service, "replay");
  if (options.from === undefined) {
    throw usageErrors.error("ARGUMENT_MISSING", {
      given: {
        command: "events replay",
        expected: "--from with a time, an event's id or beginning",
      },
    });
  }
  const done = await admin.replayEvents({
    params: { service: name },
    body: {
      from: replayFrom(options.from),
      ...(options.type === undefined ? {} : { types: [options.type] }),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    },
  });
  if (output.json) output.document(done);
  else output.data(`Replay ${done.replay} of ${name} has begun.`);
  output.note(`Its handlers see that it is a replay; effects are applied once more. Look: ${LOOK}`);
  return EXIT.ok;
}

const LOOK = "npx tideway events";

/** A time becomes RFC 3339 in UTC; a date alone is midnight there. */
export function replayFrom(text: string): ReplayFrom {
  if (text === "beginning") return "beginning";
  if (/^evt_[0-9a-z]{26}$/.test(text)) return { eventId: text };
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
  const atMs = isTime.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) {
    throw invalid(text, "beginning, an event's id, or a time like 2026-01-31T08:00:00Z");
  }
  return { time: new Date(atMs).toISOString() };
}

async function showLog({ admin, output, options, service }: Asked): Promise<ExitCode> {
  if (service !== undefined) {
    throw usageErrors.error("ARGUMENT_UNWANTED", {
      given: { command: "events log", given: service },
    });
  }
  const page = await admin.eventLog({
    query: {
      ...(options.type === undefined ? {} : { type: options.type }),
      ...(options.key === undefined ? {} : { key: options.key }),
      ...pageOf(options),
    },
  });
  if (output.json) output.document(page);
  else if (page.items.length === 0) output.note("There is no such event in the log.");
  else for (const line of table([LOG_HEAD, ...page.items.map(logRow)])) output.data(line);
  tellMore(output, page.next, "npx tideway events log");
  return EXIT.ok;
}

const LOG_HEAD = ["AT (UTC)", "EVENT", "TYPE", "KEY", "PLACE", "BYTES"];

function logRow(event: LoggedEvent): string[] {
  const place = `${event.partition}/${event.offset}`;
  return [shortTime(event.at), event.id, event.type, event.key, place, String(event.bytes)];
}

function pageOf(options: Asked["options"]): { readonly limit: number; readonly after?: string } {
  const limit = limitOf("events", options.limit);
  return { limit, ...(options.after === undefined ? {} : { after: options.after }) };
}

function tellMore(output: Output, next: string | null, command: string): void {
  if (next !== null) output.note(`There are more: ${command} --after '${next}'`);
}

function needed(service: string | undefined, act: string): string {
  if (service !== undefined) return service;
  const given = { command: `events ${act}`, expected: "SERVICE" };
  throw usageErrors.error("ARGUMENT_MISSING", { given });
}

function invalid(given: string, expected: string): Error {
  return usageErrors.error("OPTION_VALUE_INVALID", {
    given: { command: "events", given, expected },
  });
}
