/**
 * Chaos by hand:
 *
 *   node test/chaos/main.ts --minutes 20 --seed 7 [--per-second 40] [--json]
 *
 * Words go to stderr, the report to stdout. The exit code is 1 on any violation. A seed repeats the
 * choices, not the timing.
 */
import { parseArgs } from "node:util";
import { runChaos } from "./run-chaos.ts";
import type { ChaosReport } from "./run-chaos.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string" },
    "per-second": { type: "string", default: "40" },
    json: { type: "boolean", default: false },
  },
});

const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const seconds = Number(values.minutes) * 60;
const perSecond = Number(values["per-second"]);
if (![seed, seconds, perSecond].every((one) => Number.isFinite(one) && one >= 0)) {
  throw new Error("--minutes, --seed and --per-second must be numbers.");
}
console.error(`seed ${seed}`);
const report = await runChaos({ seed, seconds, perSecond, note: (text) => console.error(text) });
console.log(values.json ? JSON.stringify(report, null, 2) : sentencesOf(report));
process.exitCode = report.violations.length > 0 ? 1 : 0;

function sentencesOf(report: ChaosReport): string {
  const counts = (of: Readonly<Record<string, number>>): string => {
    const all = Object.entries(of);
    const total = all.reduce((sum, [, count]) => sum + count, 0);
    return `${total} (${all.map(([name, count]) => `${name} ${count}`).join(", ")})`;
  };
  const spread = ({ count, p50, p99, max }: ChaosReport["recoveryMs"]): string =>
    `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms over ${count}`;
  return [
    `seed ${report.seed}, ${report.seconds} s`,
    `kills ${counts(report.kills)}`,
    `pauses ${counts(report.pauses)}`,
    `links spoilt ${counts(report.links)}`,
    `commits cut: ${report.cuts.beforeCommit} before, ${report.cuts.afterCommit} after`,
    `deliveries repeated ${report.deliveries.repeated}, held ${report.deliveries.held}, replies lost ${report.deliveries.lost}`,
    `orders ${report.orders}, acknowledged ${report.acknowledged}, paid ${report.payments.paid}, failed ${report.payments.failed}`,
    `events logged ${report.events.logged}, applied ${counts(report.events.applied)}`,
    `sagas ${counts(report.sagas)}`,
    `payments took ${spread(report.latencyMs)}`,
    `recovery of payments: ${spread(report.recoveryMs)}`,
    `recovery of sagas: ${spread(report.sagaRecoveryMs)}`,
    ...report.violations.map(({ checker, what }) => `VIOLATION ${checker}: ${what}`),
    report.violations.length === 0 ? "no violation" : `${report.violations.length} violations`,
  ].join("\n");
}
