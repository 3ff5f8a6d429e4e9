/** A rollout as text: one header line, both lanes, the judge's sentence, the last decisions. */
import type { LaneNumbers, Rollout } from "@tideway/api-admin";

/** Colours of the lanes, as everywhere: stable in tide, the candidate in violet. */
const TIDE = 36;
const CANDIDATE = 35;
const DECISIONS_SHOWN = 4;

export interface RenderOptions {
  readonly colour: boolean;
  readonly nowMs: number;
}

export function renderRollout(rollout: Rollout, options: RenderOptions): string[] {
  const lines = [headerOf(rollout, options)];
  const lanes = lanesOf(rollout);
  lanes.forEach(({ name, colour, lane }, i) => {
    const branch = i === lanes.length - 1 ? "└─" : "├─";
    lines.push(`${branch} ${paint(laneText(name, lane), colour, options)}`);
  });
  const { verdict } = rollout;
  if (verdict !== null) {
    const { worse, worseLimit, peopleCandidate, badCandidate } = verdict.evidence;
    lines.push(
      `   people ${count(peopleCandidate)}, bad ${count(badCandidate)}   ` +
        `evidence for worse ${worse.toFixed(1)} / ${count(worseLimit)}   ${verdict.reason}`,
    );
  }
  for (const decision of rollout.decisions.slice(0, DECISIONS_SHOWN)) {
    lines.push(`   ${decision.at.slice(11, 19)} ${decision.text} (${decision.by})`);
  }
  if (rollout.failureLog.length > 0) {
    lines.push(...rollout.failureLog.slice(0, 10).map((line) => `   | ${line}`));
  }
  return lines;
}

function headerOf(rollout: Rollout, { nowMs }: RenderOptions): string {
  const from = rollout.from?.replace(/^.*-/, "") ?? "nothing";
  const to = rollout.to.replace(/^.*-/, "");
  const actual =
    rollout.actualShare === null ? "nobody yet" : `${rollout.actualShare.toFixed(1)} % actual`;
  const parts = [`${rollout.service}  ${from} -> ${to}  ${rollout.state}`];
  if (rollout.finishedAt === null) {
    parts.push(`step ${rollout.step + 1} of ${rollout.steps.length + 1}`);
    parts.push(`${rollout.weight} % wanted, ${actual}`);
  }
  if (rollout.nextLookAt !== null) {
    const waitSeconds = Math.max(0, Math.ceil((Date.parse(rollout.nextLookAt) - nowMs) / 1_000));
    parts.push(waitSeconds === 0 ? "looking now" : `next look ${waitSeconds} s`);
  }
  return parts.join("     ");
}

function lanesOf(rollout: Rollout) {
  return [
    { name: "stable   ", colour: TIDE, lane: rollout.stable },
    { name: "candidate", colour: CANDIDATE, lane: rollout.candidate },
  ].flatMap(({ lane, ...rest }) => (lane === null ? [] : [{ ...rest, lane }]));
}

function laneText(name: string, lane: LaneNumbers): string {
  const ready = lane.instances.filter(({ status }) => status === "ready").length;
  const instances = `${ready} ${ready === 1 ? "instance " : "instances"}`;
  const bad = lane.badRate === null ? "no requests yet" : `${percent(lane.badRate)} bad`;
  const p99 = lane.p99Ms === null ? "" : `  p99 ${lane.p99Ms} ms`;
  return `${name} ${lane.revision}  ${instances}  ${count(lane.requests)} req  ${bad}${p99}`;
}

function paint(text: string, colour: number, options: RenderOptions): string {
  return options.colour ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
