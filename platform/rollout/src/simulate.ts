/**
 * Rollouts under simulated traffic, judged by the very code that judges real ones: sticky people
 * with skewed activity, divided by a position that each draws once per rollout, one look after
 * every bad answer and every second. It is how the error rates in the README were measured, and
 * what a bench may use for more runs.
 */
import type { RolloutPolicy } from "@tideway/schema";
import { createCrowd } from "./crowd.ts";
import type { Crowd } from "./crowd.ts";
import type { Lane, PeopleSample } from "./evidence.ts";
import type { Rule } from "./judge.ts";
import { judgePolicy } from "./policy.ts";
import { seededRandom } from "./random.ts";
import type { Random } from "./random.ts";
import { createRoutes } from "./simulated-routes.ts";
import { createWindow } from "./simulated-window.ts";
import { isFinal } from "./state.ts";
import type { RolloutState, RolloutStateName, Transition } from "./state.ts";
import { startRollout, step } from "./step.ts";
import { addRecord, createTally, viewTally } from "./tally.ts";

const BEFORE_SECONDS = 60;

export interface SimulationOptions {
  readonly seed: number;
  readonly policy: RolloutPolicy;
  readonly people: number;
  /** Skew of people's activity; 0 is none, 1 the usual. */
  readonly zipfExponent: number;
  readonly requestsPerSecond: number;
  /** The run ends here when the rollout has not. */
  readonly requestsMax: number;
  /** Chance of a bad answer per request, 0 to 1. */
  readonly badStable: number;
  readonly badCandidate: number;
  /** The same before the rollout, for the guard's measure; as bad as stable unless given. */
  readonly badBefore?: number;
  /** Share of people whose every request fails on either revision. */
  readonly hopelessShare?: number;
  readonly routes?: number;
  /** With the common-mode guard, which watches both lanes together. */
  readonly withGuard?: boolean;
}

export interface SimulatedRollout {
  readonly state: RolloutStateName;
  /** The rule of the last verdict. */
  readonly rule: Rule | null;
  /** Requests since the candidate got traffic. */
  readonly requests: number;
  readonly candidateRequests: number;
  readonly candidateBadPeople: number;
  /** The weights in force, one after another. */
  readonly weights: readonly number[];
  readonly outcome: string | null;
}

export interface SimulationSummary {
  readonly runs: number;
  readonly states: Readonly<Partial<Record<RolloutStateName, number>>>;
  /** Withdrawn rollouts by the rule that did it; the guard counts as "guard". */
  readonly withdrawnBy: Readonly<Record<string, number>>;
  /** Requests in all until the withdrawal; null when none was withdrawn. */
  readonly requestsMedian: number | null;
  readonly requestsP90: number | null;
  readonly candidateRequestsMedian: number | null;
}

/** Simulates one rollout from start to end, or to the last request. Time is simulated too. */
export function simulate(options: SimulationOptions, crowd?: Crowd): SimulatedRollout {
  const random = seededRandom(options.seed);
  const people = crowd ?? createCrowd(options.people, options.zipfExponent);
  const positions = Float64Array.from({ length: people.size }, random);
  const hopeless = Uint8Array.from({ length: people.size }, () =>
    random() < (options.hopelessShare ?? 0) ? 1 : 0,
  );
  const isHopeless = (person: number): boolean => hopeless[person] === 1;
  const rateBefore =
    options.withGuard === true ? measureBefore(options, people, isHopeless, random) : null;
  const run = createRun(options, rateBefore);
  for (let i = 0; i < options.requestsMax && !run.isOver(); i++) {
    const person = people.next(random);
    const isCandidate = (positions[person] ?? 1) < run.weight() / 100;
    const lane = isCandidate ? "candidate" : "stable";
    const chance = isCandidate ? options.badCandidate : options.badStable;
    const isBad = isHopeless(person) || random() < chance;
    run.answer(person, lane, Math.floor(random() * run.routes), isBad);
  }
  return run.result();
}

/** Simulates `runs` rollouts with consecutive seeds, beginning with the given one. */
export function simulateMany(options: SimulationOptions, runs: number): SimulationSummary {
  const crowd = createCrowd(options.people, options.zipfExponent);
  const results = Array.from({ length: runs }, (_, i) =>
    simulate({ ...options, seed: options.seed + i }, crowd),
  );
  const states: Partial<Record<RolloutStateName, number>> = {};
  const withdrawnBy: Record<string, number> = {};
  for (const { state, rule } of results) {
    states[state] = (states[state] ?? 0) + 1;
    if (state !== "withdrawn") continue;
    const by = rule === "worse" || rule === "in-a-row" ? rule : "guard";
    withdrawnBy[by] = (withdrawnBy[by] ?? 0) + 1;
  }
  const withdrawn = results.filter((one) => one.state === "withdrawn");
  const requests = withdrawn.map((one) => one.requests);
  return {
    runs,
    states,
    withdrawnBy,
    requestsMedian: quantile(requests, 0.5),
    requestsP90: quantile(requests, 0.9),
    candidateRequestsMedian: quantile(
      withdrawn.map((one) => one.candidateRequests),
      0.5,
    ),
  };
}

interface Run {
  readonly routes: number;
  isOver(): boolean;
  weight(): number;
  answer(person: number, lane: Lane, route: number, isBad: boolean): void;
  result(): SimulatedRollout;
}

/** The mean of the guard's samples over a minute of stable alone, as control would measure it. */
function measureBefore(
  options: SimulationOptions,
  people: Crowd,
  isHopeless: (person: number) => boolean,
  random: Random,
): number {
  const window = createWindow(options.people);
  const chance = options.badBefore ?? options.badStable;
  const perSecond = Math.max(1, Math.round(options.requestsPerSecond));
  let sum = 0;
  for (let second = 1; second <= BEFORE_SECONDS; second++) {
    for (let i = 0; i < perSecond; i++) {
      const person = people.next(random);
      window.add(person, second * 1000, isHopeless(person) || random() < chance);
    }
    const { seen, bad } = window.sample(second * 1000);
    sum += bad / seen;
  }
  return sum / BEFORE_SECONDS;
}

function createRun(options: SimulationOptions, rateBefore: number | null): Run {
  const tally = createTally(judgePolicy(options.policy));
  const routes = createRoutes(options.routes ?? 1);
  const window = createWindow(options.people);
  const names = Array.from({ length: options.people }, (_, person) => String(person));
  const weights: number[] = [];
  let state = begin(options, rateBefore);
  let requests = 0;
  let lookedAtMs = 0;
  const take = (transition: Transition): void => {
    state = transition.state;
    if (weights.at(-1) !== state.weight) weights.push(state.weight);
  };
  const look = (nowMs: number, sample: PeopleSample | null): void => {
    const evidence = { tally: viewTally(tally), routes: routes.view() };
    const candidate = { ready: 1, failure: null };
    take(step(state, { candidate, evidence, sample, command: null }, nowMs));
  };
  look(0, null);
  return {
    routes: options.routes ?? 1,
    isOver: () => isFinal(state),
    weight: () => state.weight,
    answer: (person, lane, route, isBad) => {
      requests += 1;
      const nowMs = (requests * 1000) / options.requestsPerSecond;
      const record = { lane, person: names[person] ?? "", weight: state.weight } as const;
      addRecord(tally, { ...record, kind: "seen" });
      if (isBad) addRecord(tally, { ...record, kind: "bad" });
      routes.add(route, lane, isBad);
      if (options.withGuard === true) window.add(person, nowMs, isBad);
      const isSecondOver = nowMs - lookedAtMs >= 1000;
      if (isSecondOver) lookedAtMs = nowMs;
      const sample = options.withGuard === true && isSecondOver ? window.sample(nowMs) : null;
      if (isBad || isSecondOver) look(nowMs, sample);
    },
    result: () => {
      const candidateRequests = routes.candidateTotal();
      const candidateBadPeople = tally.numbers.badCandidate;
      const rule = state.verdict?.rule ?? null;
      const { name, outcome } = state;
      return {
        state: name,
        rule,
        requests,
        candidateRequests,
        candidateBadPeople,
        weights,
        outcome,
      };
    },
  };
}

function begin(options: SimulationOptions, rateBefore: number | null): RolloutState {
  const plan = {
    service: "simulated",
    from: "simulated-1",
    to: "simulated-2",
    strategy: "judged",
    policy: options.policy,
    rateBefore,
    startSecondsMax: 60,
    startedBy: "simulation",
  } as const;
  return startRollout(plan, 0).state;
}

function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}
