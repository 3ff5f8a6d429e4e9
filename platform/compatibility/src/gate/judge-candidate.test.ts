/**
 * The gate over small services: a ledger with an account and an event, payments that reads some of it,
 * and whoever comes from outside. Each test changes one thing and asks who breaks.
 */
import { defineErrors } from "@tideway/kernel";
import { defineApi, defineService, formatExpectations, toManifest } from "@tideway/schema";
import type { Expectation, SagaVersion } from "@tideway/schema";
import { Type } from "typebox";
import type { TSchema } from "typebox";
import { describe, expect, test } from "vitest";
import { diffApis } from "../diff/index.ts";
import { documentFiles, parseDocuments } from "../generate/documents.ts";
import type { MatrixEntry } from "../matrix/matrix.ts";
import { judgeCandidate } from "./judge-candidate.ts";
import type { JudgedRevision, Judgement, LiveRevision, LiveRole } from "./judge-candidate.ts";

const FIELDS = { account: Type.String(), available: Type.String(), openedAt: Type.String() };
const DATA = { transfer: Type.String(), note: Type.String() };
const EVENT = "ledger.transfer.posted.v1";

interface LedgerShape {
  readonly fields?: Readonly<Record<string, TSchema>>;
  readonly data?: Readonly<Record<string, TSchema>> | null;
  readonly exposure?: "public" | "internal";
  readonly documents?: "none";
  readonly sagas?: readonly SagaVersion[];
}

function ledger(number: number, shape: LedgerShape = {}): JudgedRevision {
  const { fields = FIELDS, data = DATA, exposure = "internal", sagas = [] } = shape;
  const events = {
    posted: { type: EVENT, summary: "Posted.", key: "the account", data: Type.Object(data ?? {}) },
  };
  const api = defineApi({
    name: "ledger",
    version: "1.0.0",
    errors: defineErrors({}),
    routes: {
      account: {
        method: "GET",
        path: "/accounts/:accountId",
        auth: exposure === "public" ? "public" : "service",
        exposure,
        summary: "An account.",
        params: Type.Object({ accountId: Type.String() }),
        reply: Type.Object(fields),
      },
    },
    ...(data === null ? {} : { events }),
  });
  const declaration = defineService({ name: "ledger", api, database: true, sagas });
  return revision(number, declaration, shape.documents === "none" ? null : documentFiles(api));
}

const reads = (path: string): Expectation => {
  const operation = "GET /accounts/:accountId";
  return { provider: "ledger", operation, part: "reply", path, type: "string" };
};

function payments(
  number: number,
  expects: readonly Expectation[] | null = [reads("available")],
  consumes: readonly string[] = [],
): JudgedRevision {
  const api = defineApi({
    name: "payments",
    version: "1.0.0",
    errors: defineErrors({}),
    routes: {},
  });
  const calls = ["ledger"];
  const declaration = defineService({ name: "payments", api, database: true, calls, consumes });
  const files = documentFiles(api);
  const file = expects && { "expectations.json": formatExpectations("payments", expects) };
  return revision(number, declaration, { ...files, ...file });
}

function revision(
  number: number,
  declaration: ReturnType<typeof defineService>,
  files: Readonly<Record<string, string>> | null,
): JudgedRevision {
  const parsed = parseDocuments(declaration.name, (name) => files?.[name] ?? null);
  if (parsed.kind === "wrong") throw new Error(parsed.problem);
  return {
    revision: `${declaration.name}-${number}`,
    service: declaration.name,
    manifest: toManifest(declaration),
    documents: parsed.kind === "none" ? null : parsed.documents,
    observed: [],
  };
}

const live = (one: JudgedRevision, role: LiveRole = "stable"): LiveRevision => ({ ...one, role });
const judge = (candidate: JudgedRevision, ...others: LiveRevision[]): Promise<Judgement> =>
  judgeCandidate({ candidate, live: others }, { diff: diffApis });
const told = ({ findings }: Judgement): string[] =>
  findings.map(({ consumerRevision, level, rule, property }) => {
    return `${consumerRevision} ${level} ${rule} ${property ?? "-"}`;
  });
const without = (name: keyof typeof FIELDS) =>
  Object.fromEntries(Object.entries(FIELDS).filter(([field]) => field !== name));

describe("as provider", () => {
  test("dropping a field that payments reads is refused, and says who, where and by which rule", async () => {
    const candidate = ledger(2, { fields: without("available") });
    const judgement = await judge(candidate, live(ledger(1)), live(payments(7)));
    expect(judgement.verdict).toBe("incompatible");
    expect(judgement.findings).toHaveLength(1);
    expect(judgement.findings[0]).toMatchObject({
      consumer: "payments",
      consumerRevision: "payments-7",
      providerRevision: "ledger-2",
      operation: "GET /accounts/:accountId",
      rule: "field-missing",
      property: "available",
    });
    expect(judgement.findings[0]?.path).toMatch(/^\/paths\/~1accounts~1.*\/properties\/available$/);
  });

  test("dropping a field that nobody reads passes", async () => {
    const candidate = ledger(2, { fields: without("openedAt") });
    const judgement = await judge(candidate, live(ledger(1)), live(payments(7)));
    expect(judgement).toMatchObject({ verdict: "compatible", findings: [] });
    expect(judgement.pairs).toContainEqual(
      expect.objectContaining({ consumerRevision: "payments-7", verdict: "compatible" }),
    );
  });

  test.each(["candidate", "rollback"] as const)(
    "a reader counts as %s, too: it has traffic, or a rollback would give it some",
    async (role) => {
      const candidate = ledger(2, { fields: without("openedAt") });
      const old = live(payments(6, [reads("openedAt")]), role);
      const judgement = await judge(candidate, live(ledger(1)), live(payments(7)), old);
      expect(told(judgement)).toEqual(["payments-6 breaking field-missing openedAt"]);
      expect(judgement.findings[0]?.neighbour).toBe(role);
    },
  );

  test("what only real calls were seen to read counts beside the file", async () => {
    const candidate = ledger(2, { fields: without("openedAt") });
    const seen = { ...payments(7), observed: [reads("openedAt")] };
    const judgement = await judge(candidate, live(ledger(1)), live(seen));
    expect(told(judgement)).toEqual(["payments-7 breaking field-missing openedAt"]);
  });

  test("a consumer without a file of expectations may rely on everything, and that is said", async () => {
    const candidate = ledger(2, { fields: without("openedAt") });
    const judgement = await judge(candidate, live(ledger(1)), live(payments(7, null)));
    expect(told(judgement)).toEqual(["payments-7 breaking property-removed openedAt"]);
    expect(judgement.notes.join()).toContain("payments-7 has no expectations.json");
  });

  test("a change of type of a field that is read is refused, of another it passes", async () => {
    const number = (name: string) => ({ fields: { ...FIELDS, [name]: Type.Integer() } });
    const neighbours = [live(ledger(1)), live(payments(7))];
    expect((await judge(ledger(2, number("available")), ...neighbours)).verdict).toBe(
      "incompatible",
    );
    expect((await judge(ledger(2, number("openedAt")), ...neighbours)).verdict).toBe("compatible");
  });

  test("what was so before the candidate is none of its doing", async () => {
    const neighbours = [live(ledger(1)), live(payments(7, [reads("colour")]))];
    const judgement = await judge(ledger(2), ...neighbours);
    expect(judgement.verdict).toBe("compatible");
    expect(told(judgement)).toEqual(["payments-7 warning field-missing colour"]);
  });

  test("a route that is no longer public breaks whoever came through that listener", async () => {
    const judgement = await judge(ledger(2), live(ledger(1, { exposure: "public" })));
    expect(told(judgement)).toContain("public breaking operation-withdrawn -");
    const opened = await judge(ledger(2, { exposure: "public" }), live(ledger(1)));
    expect(opened.verdict).toBe("compatible");
  });

  test("whoever comes through the public listener may read every field", async () => {
    const candidate = ledger(2, { exposure: "public", fields: without("openedAt") });
    const judgement = await judge(candidate, live(ledger(1, { exposure: "public" })));
    expect(told(judgement)).toEqual(["public breaking property-removed openedAt"]);
    const added = { ...FIELDS, colour: Type.String() };
    const more = ledger(2, { exposure: "public", fields: added });
    expect((await judge(more, live(ledger(1, { exposure: "public" })))).verdict).toBe("compatible");
  });
});

describe("as consumer", () => {
  test("a candidate that reads what a live provider does not tell is refused", async () => {
    const provider = ledger(1, { fields: without("openedAt") });
    const judgement = await judge(
      payments(8, [reads("openedAt")]),
      live(payments(7)),
      live(provider),
    );
    expect(told(judgement)).toEqual(["payments-8 breaking field-missing openedAt"]);
  });

  test("what a rollback of the provider would bring back counts", async () => {
    const old = live(ledger(1, { fields: without("openedAt") }), "rollback");
    const candidate = payments(8, [reads("openedAt")]);
    const judgement = await judge(candidate, live(payments(7)), live(ledger(2)), old);
    expect(told(judgement)).toEqual(["payments-8 breaking field-missing openedAt"]);
    expect(judgement.findings[0]?.providerRevision).toBe("ledger-1");
  });

  test("a provider that was never released is said, and does not stand in the way", async () => {
    const judgement = await judge(payments(1));
    expect(judgement.verdict).toBe("compatible");
    expect(judgement.notes.join()).toContain("ledger, which payments calls, was never released");
  });
});

describe("events", () => {
  const consuming = (number: number, expects: readonly Expectation[] = []) =>
    payments(number, [reads("available"), ...expects], [EVENT]);
  const note = { ...reads("note"), operation: EVENT, part: "event" } as const;

  test("a type that a live consumer needs may not go, and one that nobody tells may not be needed", async () => {
    const gone = await judge(ledger(2, { data: null }), live(ledger(1)), live(consuming(7)));
    expect(told(gone)).toEqual(["payments-7 breaking event-missing -"]);
    const provider = live(ledger(1, { data: null }));
    const needed = await judge(consuming(8), live(payments(7)), provider);
    expect(told(needed)).toEqual(["payments-8 breaking event-missing -"]);
  });

  test("a rollback after which events stop coming is only a warning", async () => {
    const old = live(ledger(1, { data: null }), "rollback");
    const judgement = await judge(consuming(8), live(payments(7)), live(ledger(2)), old);
    expect(judgement.verdict).toBe("compatible");
    expect(told(judgement)).toEqual(["payments-8 warning event-missing -"]);
  });

  test("a field of an event may go when its handlers were seen to read others only", async () => {
    const candidate = ledger(2, { data: { transfer: DATA.transfer } });
    const transfer = { ...note, path: "transfer" };
    const unread = await judge(candidate, live(ledger(1)), live(consuming(7, [transfer])));
    expect(unread.verdict).toBe("compatible");
    const read = await judge(candidate, live(ledger(1)), live(consuming(7, [transfer, note])));
    expect(told(read)).toEqual(["payments-7 breaking field-missing note"]);
    const unknown = await judge(candidate, live(ledger(1)), live(consuming(7)));
    expect(told(unknown)).toEqual(["payments-7 breaking property-removed note"]);
  });
});

describe("its own past", () => {
  const v = (version: number): SagaVersion => ({ name: "refund", version });

  test("a candidate carries the newest saga version of the stable revision, or is refused", async () => {
    const stable = live(ledger(1, { sagas: [v(1), v(2)] }));
    const carried = await judge(ledger(2, { sagas: [v(2), v(3)] }), stable);
    expect(carried.verdict).toBe("compatible");
    expect(told(carried)).toEqual(["ledger-1 warning saga-version-missing -"]);
    const dropped = await judge(ledger(2, { sagas: [v(3)] }), stable);
    expect(dropped.verdict).toBe("incompatible");
  });

  test("revisions of before this feature are judged by their routes, which is said", async () => {
    const stable = live(ledger(1, { documents: "none" }));
    const judgement = await judge(
      ledger(2, { fields: without("openedAt") }),
      stable,
      live(payments(7)),
    );
    expect(judgement.verdict).toBe("compatible");
    expect(judgement.notes.join()).toContain("ledger-1 has no documents");
    const silent = await judge(ledger(3, { documents: "none" }), live(ledger(2)));
    expect(told(silent)).toEqual(["ledger-2 breaking documents-missing -"]);
  });
});

test("the same content is judged once: a second time the matrix tells", async () => {
  const kept = new Map<string, MatrixEntry>();
  const diffs: string[] = [];
  const options = {
    diff: (...given: Parameters<typeof diffApis>) => {
      diffs.push(given[2].kind);
      return diffApis(...given);
    },
    matrix: {
      recall: (hash: string) => Promise.resolve(kept.get(hash)?.findings ?? null),
      keep: (entry: MatrixEntry) => Promise.resolve(void kept.set(entry.contentHash, entry)),
    },
  };
  const input = { candidate: ledger(2), live: [live(ledger(1)), live(payments(7))] };
  const first = await judgeCandidate(input, options);
  const asked = diffs.length;
  expect(asked).toBeGreaterThan(0);
  expect(await judgeCandidate(input, options)).toEqual(first);
  expect(diffs).toHaveLength(asked);
  const seen = { ...payments(7), observed: [reads("openedAt")] };
  await judgeCandidate({ ...input, live: [live(ledger(1)), live(seen)] }, options);
  expect(diffs.length).toBeGreaterThan(asked);
});
