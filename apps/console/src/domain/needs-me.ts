/**
 * The home page's question: what needs me? Each need is one sentence with one thing to do, the
 * gravest first. What runs well is not mentioned here.
 */
import type { Rollout, ServiceSummary, adminApi } from "@tideway/api-admin";
import type { ReplyOf } from "@tideway/schema";
import { ago, moment } from "./format.ts";
import { isUnderWay, stepWords } from "./rollout-words.ts";

export type Part = ReplyOf<(typeof adminApi)["routes"]["status"]>["parts"][number];

export interface Need {
  readonly key: string;
  readonly tone: "bad" | "warn";
  /** The sign's word, so that colour never stands alone. */
  readonly word: string;
  readonly sentence: string;
  readonly target: NeedTarget;
}

export interface NeedTarget {
  readonly label: string;
  readonly page:
    | "service"
    | "logs"
    | "rollout"
    | "services"
    | "events"
    | "event-group"
    | "quarantine"
    | "saga"
    | "sagas";
  /** A service's name, a rollout's or a saga's id; null for pages that need none. */
  readonly id: string | null;
}

export interface NeedsInput {
  readonly parts: readonly Part[];
  readonly services: readonly ServiceSummary[];
  /** The latest rollout of each service that has one. */
  readonly rollouts: readonly Rollout[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** A rollout that ended badly is shown this long, unless a newer one follows. */
export const ENDED_BADLY_SHOWN_MS = 24 * 3_600_000;

export function needsOf(input: NeedsInput): Need[] {
  return byGravity([
    ...input.parts.filter((part) => part.state === "down").map(partNeed),
    ...input.services.filter((service) => service.health === "failing").map(serviceNeed),
    ...input.rollouts.flatMap((rollout) => rolloutNeed(rollout, input.nowMs)),
  ]);
}

/** The gravest first; what is equally grave keeps its order. */
export function byGravity(needs: readonly Need[]): Need[] {
  return needs.toSorted((a, b) => rank(a) - rank(b));
}

/** Rollouts that go well: nothing to do, but good to know. */
export function underWay(rollouts: readonly Rollout[]): Rollout[] {
  return rollouts.filter(({ state }) => state === "starting" || state === "progressing");
}

function partNeed(part: Part): Need {
  const detail = part.detail === "" ? "" : ` ${asSentence(part.detail)}`;
  const remedy =
    part.part === "supervisor"
      ? "Start it again with npx tideway up."
      : "The supervisor starts it again by itself.";
  return {
    key: `part:${part.part}`,
    tone: "bad",
    word: "down",
    sentence: `The platform's ${part.part} is down.${detail} ${remedy}`,
    target: { label: "See what is affected", page: "services", id: null },
  };
}

function serviceNeed(service: ServiceSummary): Need {
  const reason =
    service.healthReason === null
      ? " It should run and does not."
      : ` ${asSentence(service.healthReason)}`;
  return {
    key: `service:${service.service}`,
    tone: "bad",
    word: "failing",
    sentence: `${service.service} is failing.${reason}`,
    target: { label: "Read its logs", page: "logs", id: service.service },
  };
}

function rolloutNeed(rollout: Rollout, nowMs: number): Need[] {
  const { state, service, to } = rollout;
  if (state === "paused" || state === "inconclusive") return [waitingNeed(rollout, nowMs)];
  if (isUnderWay(state) || (state !== "withdrawn" && state !== "failed")) return [];
  const endedMs = Date.parse(rollout.finishedAt ?? rollout.startedAt);
  if (nowMs - endedMs > ENDED_BADLY_SHOWN_MS) return [];
  const why = rollout.verdict === null ? "" : ` ${asSentence(rollout.verdict.reason)}`;
  const rest = rollout.from === null ? "" : ` All traffic is on ${rollout.from}.`;
  const what =
    state === "withdrawn"
      ? `${to} was withdrawn ${ago(endedMs, nowMs)}.${why}${rest}`
      : `${to} never got ready (${ago(endedMs, nowMs)}).${failureWords(rollout)}${rest}`;
  return [
    {
      key: `rollout:${rollout.rollout}`,
      tone: "bad",
      word: state,
      sentence: what,
      target: { label: `See why ${service} went back`, page: "rollout", id: rollout.rollout },
    },
  ];
}

function waitingNeed(rollout: Rollout, nowMs: number): Need {
  const step = stepWords(rollout);
  const at = step === null ? "" : ` at ${step}`;
  const last = lastDecision(rollout);
  const since = last === undefined ? "" : ` since ${moment(Date.parse(last.at), nowMs)}`;
  const sentence =
    rollout.state === "paused"
      ? `The release of ${rollout.to} is paused${at}${since}.`
      : `The release of ${rollout.to} has no verdict${at}: the longest time is over.`;
  return {
    key: `rollout:${rollout.rollout}`,
    tone: "warn",
    word: rollout.state,
    sentence: `${sentence} It waits for you.`,
    target: { label: "Decide", page: "rollout", id: rollout.rollout },
  };
}

function failureWords(rollout: Rollout): string {
  const last = lastDecision(rollout);
  return last === undefined ? "" : ` ${asSentence(last.text)}`;
}

/** The youngest decision, in whatever order they came. */
function lastDecision({ decisions }: Rollout): Rollout["decisions"][number] | undefined {
  return decisions.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
}

function rank(need: Need): number {
  if (need.key.startsWith("part:")) return 0;
  if (need.key.startsWith("service:")) return 1;
  return need.tone === "bad" ? 2 : 3;
}

/** Reasons come as sentences or as fragments; here they all end with a full stop. */
export function asSentence(text: string): string {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) || first === "" ? first : `${first}.`;
}
