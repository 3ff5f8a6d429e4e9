import { defineCommand } from "../command.ts";
import { signInPeople } from "../demo/people.ts";
import { quantileMs, runTraffic } from "../demo/traffic.ts";
import { usageErrors } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { homeOf } from "../home.ts";
import { addressesOf } from "../release/admin.ts";
import { secondsOption } from "../release/options.ts";

const PEOPLE = 150;
const PEOPLE_MAX = 5_000;
const PER_SECOND = 20;
const PER_SECOND_MAX = 500;
const SECONDS = 180;
const SECONDS_MAX = 3_600;

export const demo = defineCommand({
  name: "demo",
  summary: "demo traffic: real payments of demo people through the gateway, for a while.",
  positionals: ["WHAT"],
  reads: true,
  options: {
    people: { type: "string", value: "N", help: `How many people pay each other (${PEOPLE}).` },
    rate: { type: "string", value: "N", help: `Payments a second (${PER_SECOND}).` },
    seconds: { type: "string", value: "N", help: `For how long (${SECONDS}).` },
  },
  examples: [
    { command: "npx tideway demo traffic", does: "in one terminal, then in another:" },
    { command: "npx tideway deploy payments", does: "a release under traffic" },
  ],
  run: async ({ positionals: [what = ""], options, output, signal, ...place }) => {
    if (what !== "traffic") {
      const given = { command: "demo", given: what, expected: "traffic" };
      throw usageErrors.error("OPTION_VALUE_INVALID", { given });
    }
    const { publicUrl } = addressesOf(homeOf(place));
    const count = Math.min(PEOPLE_MAX, secondsOption("demo", options.people, PEOPLE));
    const perSecond = Math.min(PER_SECOND_MAX, secondsOption("demo", options.rate, PER_SECOND));
    const seconds = Math.min(SECONDS_MAX, secondsOption("demo", options.seconds, SECONDS));
    const people = await output.step(`${count} people signed in, with demo money`, () =>
      signInPeople({ publicUrl, count, signal }),
    );
    output.note(`${perSecond} payments a second for ${seconds} s. Ctrl-C ends it.`);
    const report = await runTraffic({
      publicUrl,
      people,
      perSecond,
      seconds,
      signal,
      onSecond: (now) => {
        const p99 = quantileMs(now.latenciesMs.slice(-perSecond * 10), 0.99);
        output.note(
          `${now.acknowledged.length} paid, ${now.failures.length} failed, p99 ${p99 ?? "-"} ms`,
        );
      },
    });
    const summary = {
      sent: report.sent,
      paid: report.acknowledged.length,
      failed: report.failures.length,
      retried: report.rawFailures.length,
      dropped: report.dropped,
      p50Ms: quantileMs(report.latenciesMs, 0.5),
      p99Ms: quantileMs(report.latenciesMs, 0.99),
    };
    if (output.json) output.document(summary);
    else
      output.data(
        Object.entries(summary)
          .map(([name, value]) => `${name} ${value}`)
          .join("  "),
      );
    return report.failures.length === 0 ? EXIT.ok : EXIT.failed;
  },
});
