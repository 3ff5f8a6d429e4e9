/** What groups and keys of events are called, what their state means, and what can be done. */
import type { EventGroup, EventKey, LoggedEvent } from "@tideway/api-admin";
import type { IconName, Tone } from "@tideway/ui";
import type { Confirmation } from "./actions.ts";
import { count, counted, duration } from "./format.ts";

export interface StateLook {
  readonly tone: Tone;
  readonly sign: IconName;
}

export const GROUP_LOOKS: Record<EventGroup["state"], StateLook> = {
  running: { tone: "good", sign: "check" },
  suspended: { tone: "bad", sign: "cross" },
};

export const KEY_LOOKS: Record<EventKey["state"], StateLook> = {
  retrying: { tone: "warn", sign: "clock" },
  quarantined: { tone: "bad", sign: "cross" },
};

/** Suspended groups, then those with quarantined keys, then the others by name. */
export function gravestFirst(groups: readonly EventGroup[]): EventGroup[] {
  const rank = ({ state, keysQuarantined }: EventGroup): number => {
    if (state === "suspended") return 0;
    return keysQuarantined > 0 ? 1 : 2;
  };
  return groups.toSorted((a, b) => rank(a) - rank(b) || a.group.localeCompare(b.group));
}

/** The age of the oldest event that waits; a group without any has none. */
export function oldestWords({ lag, lagAgeMs }: Pick<EventGroup, "lag" | "lagAgeMs">): string {
  return lag === 0 ? "none waits" : duration(lagAgeMs);
}

/** What is behind a key's failed event: "nothing", "3 events". */
export function behindWords({ waiting }: Pick<EventKey, "waiting">): string {
  const behind = Math.max(0, waiting - 1);
  return behind === 0 ? "none" : count(behind);
}

/** A group's reason begins with a revision's id, which keeps its small letters. */
export function reasonWords(reason: string): string {
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}

/** When the key's event is tried next by itself; not while its group is suspended. */
export function nextTryWords(
  { state, nextTryAt }: Pick<EventKey, "state" | "nextTryAt">,
  group: EventGroup["state"],
  nowMs: number,
): string {
  if (state === "quarantined") return "not by itself";
  if (group === "suspended") return "when it resumes";
  if (nextTryAt === null) return "now";
  const leftMs = Date.parse(nextTryAt) - nowMs;
  return leftMs <= 0 ? "now" : `in ${duration(Math.max(1_000, leftMs))}`;
}

/** The question before one key's events are delivered again. */
export function redriveKeyConfirmation({ group, key, waiting }: EventKey): Confirmation {
  const events = waiting <= 1 ? "Its event goes" : `Its ${count(waiting)} events go`;
  return {
    title: `Deliver ${key} again?`,
    changes: `${events} to ${group} again, in order, and the count of tries begins anew. Other keys do not notice.`,
    undo: "Nothing needs undoing: what fails again waits again, and is quarantined after 8 tries in 10 minutes.",
    confirmLabel: "Deliver again",
    isDestructive: false,
    asksReason: false,
  };
}

/** The question before every quarantined key of a group is delivered again. */
export function redriveAllConfirmation(group: string, keysQuarantined: number): Confirmation {
  const keys = counted(keysQuarantined, "quarantined key is", "quarantined keys are");
  return {
    title: `Deliver all that ${group} has in quarantine again?`,
    changes: `The events of ${keys} delivered again, each key in its order. Keys that are being retried keep their own pace.`,
    undo: "Nothing needs undoing: what fails again waits again, and is quarantined after 8 tries in 10 minutes.",
    confirmLabel: `Deliver ${counted(keysQuarantined, "key", "keys")} again`,
    isDestructive: false,
    asksReason: false,
  };
}

/** What became of it: how many keys really went on. */
export function redriveResult(group: string, keys: number): string {
  if (keys === 0) return `Nothing was quarantined at ${group} any more.`;
  return `${counted(keys, "key goes", "keys go")} on at ${group}, in order.`;
}

/** The producer of an event: "/services/ledger" is ledger. */
export function producerOf({ source }: Pick<LoggedEvent, "source">): string {
  return source.replace(/^\/services\//, "");
}
