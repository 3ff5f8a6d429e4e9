/** What of events and sagas needs somebody: suspended groups, quarantined keys, sagas that are stuck. */
import type { EventGroup, ListedSaga } from "@tideway/api-admin";
import { counted, moment, quoted } from "./format.ts";
import { reasonWords } from "./event-words.ts";
import { asSentence } from "./needs-me.ts";
import type { Need } from "./needs-me.ts";
import { sagaName, splitProblem } from "./saga-words.ts";

/** Sagas of one service that are named one by one; more are told in one sentence. */
export const SAGAS_NAMED_MAX = 3;

export function groupNeeds(groups: readonly EventGroup[], nowMs: number): Need[] {
  return groups.flatMap((group) => [...suspendedNeed(group, nowMs), ...quarantineNeed(group)]);
}

function suspendedNeed(group: EventGroup, nowMs: number): Need[] {
  if (group.state !== "suspended") return [];
  const since =
    group.since === null
      ? "is suspended"
      : `has been suspended since ${moment(Date.parse(group.since), nowMs)}`;
  const why = group.reason === null ? "" : ` ${reasonWords(group.reason)}`;
  const waiting = counted(group.lag, "event waits", "events wait");
  return [
    {
      key: `suspended:${group.group}`,
      tone: "bad",
      word: "suspended",
      sentence: `${group.group} ${since}.${why} ${waiting}; a few are tried from time to time, and it goes on once they succeed.`,
      target: { label: "See its events", page: "event-group", id: group.group },
    },
  ];
}

function quarantineNeed({ group, keysQuarantined }: EventGroup): Need[] {
  if (keysQuarantined === 0) return [];
  const keys = counted(keysQuarantined, "key is", "keys are");
  const whose = keysQuarantined === 1 ? "Its events wait" : "Their events wait";
  return [
    {
      key: `quarantine:${group}`,
      tone: "bad",
      word: "quarantined",
      sentence: `${keys} quarantined at ${group}. ${whose} until somebody delivers them again; other keys flow.`,
      target: { label: "See why and deliver again", page: "quarantine", id: group },
    },
  ];
}

/** `sagas` are those that need attention, of all services. */
export function sagaNeeds(sagas: readonly ListedSaga[]): Need[] {
  const byService = Map.groupBy(sagas, ({ service }) => service);
  return [...byService].flatMap(([service, own]) =>
    own.length > SAGAS_NAMED_MAX ? [manyNeed(service, own.length)] : own.map(sagaNeed),
  );
}

function sagaNeed(saga: ListedSaga): Need {
  const problem = saga.problem === null ? "" : ` ${problemWords(saga.problem)}`;
  const what = saga.state === "compensating" ? "cannot undo the step" : "is stuck at the step";
  return {
    key: `saga:${saga.saga}`,
    tone: "bad",
    word: "stuck",
    sentence: `${sagaName(saga)} of ${saga.service} ${what} ${quoted(saga.step)} after ${counted(saga.attempts, "try", "tries")}.${problem}`,
    target: { label: "See its steps", page: "saga", id: saga.saga },
  };
}

function manyNeed(service: string, sagas: number): Need {
  return {
    key: `sagas:${service}`,
    tone: "bad",
    word: "stuck",
    sentence: `${counted(sagas, "saga", "sagas")} of ${service} failed so often that somebody should look.`,
    target: { label: "See them", page: "sagas", id: service },
  };
}

function problemWords(problem: string): string {
  const { code, detail } = splitProblem(problem);
  return detail === "" ? `${code}.` : detail;
}

/** A part of the answer that nobody could give: calm would be a guess. */
export function unknownNeed(
  what: "events" | "sagas",
  failure: { readonly code: string; readonly title: string },
): Need {
  return {
    key: `unknown:${what}`,
    tone: "warn",
    word: "not known",
    sentence: `Whether ${what} need you is not known: ${asSentence(failure.title)} (${failure.code})`,
    target: { label: `Look at ${what}`, page: what, id: null },
  };
}
