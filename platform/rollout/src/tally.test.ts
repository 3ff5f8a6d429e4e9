import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JUDGE_POLICY, crowdOf } from "./builders.ts";
import type { EvidenceRecord } from "./evidence.ts";
import { addLost, addRecord, createTally, tallyOf, viewTally } from "./tally.ts";

const tallied = (records: readonly EvidenceRecord[]) => tallyOf(records, JUDGE_POLICY);
const one = (kind: "seen" | "bad", lane: "stable" | "candidate", person = "p", weight = 5) => {
  return { kind, lane, person, weight } as const;
};

describe("people", () => {
  test("a person gives one bad event, to the lane that served it", () => {
    const view = tallied([one("bad", "stable"), one("bad", "stable"), one("bad", "candidate")]);
    expect(view).toMatchObject({ badStable: 1, badCandidate: 0, people: 1 });
    expect(view.worseLog).toBe(tallied([one("bad", "stable")]).worseLog);
  });

  test("the same records read twice change nothing", () => {
    const records = [...crowdOf("stable", 30, 3), ...crowdOf("candidate", 9, 2)];
    expect(tallied([...records, ...records])).toEqual(tallied(records));
  });

  test("clean people are those whom the candidate served without a bad answer", () => {
    expect(tallied(crowdOf("candidate", 12, 2))).toMatchObject({ peopleCandidate: 12, clean: 10 });
  });

  test("who had their bad answer from stable is no clean person of the candidate", () => {
    const view = tallied([one("bad", "stable"), one("seen", "candidate", "p", 25)]);
    expect(view).toMatchObject({ peopleStable: 1, peopleCandidate: 1, people: 1, clean: 0 });
  });

  test("counts always agree with each other, whatever comes", () => {
    const record = fc.record({
      kind: fc.constantFrom("seen" as const, "bad" as const),
      lane: fc.constantFrom("stable" as const, "candidate" as const),
      person: fc.constantFrom("a", "b", "c", "d"),
      weight: fc.constantFrom(0, 5, 25, 50, 100),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), (records) => {
        const view = tallied(records);
        expect(view.badStable + view.badCandidate).toBeLessThanOrEqual(view.people);
        expect(view.clean + view.badCandidate).toBeLessThanOrEqual(view.peopleCandidate);
        expect(view.badStable).toBeLessThanOrEqual(view.peopleStable);
        const met = view.firstMet.reduce((sum, at) => sum + at.stable + at.candidate, 0);
        expect(met).toBe(view.people);
        expect(view.worseLogMax).toBeGreaterThanOrEqual(view.worseLog - 1e-12);
      }),
    );
  });
});

describe("evidence", () => {
  test("the highest evidence for worse stays when later events speak for the candidate", () => {
    const view = tallied([...crowdOf("candidate", 3, 3), ...crowdOf("stable", 400, 200)]);
    expect(view.worseLogMax).toBeGreaterThan(Math.log(100));
    expect(view.worseLog).toBeLessThan(0);
  });

  test("each event counts with the weight it was routed under", () => {
    const atFive = tallied([one("bad", "candidate", "p", 5)]);
    const atHalf = tallied([one("bad", "candidate", "p", 50)]);
    expect(atFive.worseLog).toBeGreaterThan(atHalf.worseLog);
  });

  test("the proof of not so bad rests once a tenth of a lane's people had their bad answer", () => {
    const few = [...crowdOf("stable", 1000, 20), ...crowdOf("candidate", 50, 0)];
    const many = [...crowdOf("stable", 1000, 500), ...crowdOf("candidate", 50, 50)];
    expect(tallied(few).notTooBadLog).toBeGreaterThan(0);
    const rested = tallied([...many, ...crowdOf("stable", 1000, 900)]);
    expect(rested.notTooBadLog).toBe(tallied(many).notTooBadLog);
  });

  test("lost records are kept beside the counts", () => {
    const tally = createTally(JUDGE_POLICY);
    addRecord(tally, one("seen", "candidate"));
    addLost(tally, 7);
    addLost(tally, 2);
    expect(viewTally(tally)).toMatchObject({ lost: 9, people: 1 });
  });

  test("the numbers survive JSON", () => {
    const view = tallied([...crowdOf("stable", 30, 3), ...crowdOf("candidate", 9, 2)]);
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  });
});
