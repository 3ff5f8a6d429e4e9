/**
 * The gate: may this candidate live beside every revision that has traffic, and beside every one that
 * a rollback would return to? It answers yes or no, never "unknown": whatever was not judged before is
 * judged now, from the documents that the revisions brought along.
 *
 *   candidate as provider   each neighbour that calls it or consumes its events, and the public
 *   candidate as consumer   each neighbour that it calls or whose events it consumes
 *   candidate and its own   the sagas that the stable revision may have begun
 */
import type { Manifest } from "@tideway/schema";
import type { RevisionDocuments } from "../generate/documents.ts";
import { contentHash, noMatrix } from "../matrix/matrix.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PairFinding } from "../verify/finding.ts";
import { judgePair, judgePublic } from "./judge-pair.ts";
import type { DiffApis, Pair } from "./judge-pair.ts";
import { changeOf, offerOf, relianceOf } from "./offer-and-reliance.ts";
import { judgeDocuments, judgeSagas } from "./judge-own.ts";

/** Why a revision counts: it has traffic, or a rollback would give it some. */
export type LiveRole = "stable" | "candidate" | "rollback";

export interface JudgedRevision {
  /** `payments-7`; of a working tree that was not uploaded, any name. */
  readonly revision: string;
  readonly service: string;
  readonly manifest: Manifest;
  /** Null for a revision of before this feature. */
  readonly documents: RevisionDocuments | null;
  /** What real calls were seen to rely on, beside the file. */
  readonly observed: RevisionDocuments["expects"];
}

export interface LiveRevision extends JudgedRevision {
  readonly role: LiveRole;
}

export interface GateInput {
  readonly candidate: JudgedRevision;
  /** Every live revision of every service, the candidate's own service included. */
  readonly live: readonly LiveRevision[];
}

export interface GateFinding extends PairFinding {
  /** A service, "public" for whoever comes through the public listener. */
  readonly consumer: string;
  readonly consumerRevision: string;
  readonly provider: string;
  readonly providerRevision: string;
  /** Of the neighbour: why it counts. */
  readonly neighbour: LiveRole;
}

export interface JudgedPair {
  readonly consumer: string;
  readonly consumerRevision: string;
  readonly provider: string;
  readonly providerRevision: string;
  readonly neighbour: LiveRole;
  readonly verdict: "compatible" | "incompatible";
}

export interface Judgement {
  readonly verdict: "compatible" | "incompatible";
  readonly findings: readonly GateFinding[];
  readonly pairs: readonly JudgedPair[];
  /** What the reader should know of how it was judged. */
  readonly notes: readonly string[];
}

export const PUBLIC = "public";

export interface GateOptions {
  readonly diff: DiffApis;
  readonly matrix?: Matrix;
}

/** Judges a candidate against every live neighbour, in both roles. */
export async function judgeCandidate(input: GateInput, options: GateOptions): Promise<Judgement> {
  const planned = plan(input);
  const findings: GateFinding[] = [];
  const pairs: JudgedPair[] = [];
  for (const one of planned) {
    const found = await judgeOnce(one, options);
    const { names } = one;
    findings.push(...found.map((finding) => ({ ...softened(finding, one), ...names })));
    const isBreaking = findings.slice(findings.length - found.length).some(isRefusal);
    pairs.push({ ...names, verdict: isBreaking ? "incompatible" : "compatible" });
  }
  const isRefused = findings.some(isRefusal);
  return {
    verdict: isRefused ? "incompatible" : "compatible",
    findings: findings.toSorted((a, b) => Number(isRefusal(b)) - Number(isRefusal(a))),
    pairs,
    notes: notesOf(input),
  };
}

interface Planned {
  readonly names: Omit<JudgedPair, "verdict">;
  readonly hash: string;
  readonly judge: (diff: DiffApis) => PairFinding[];
}

function plan({ candidate, live }: GateInput): Planned[] {
  const stable = live.find(
    ({ service, role }) => service === candidate.service && role === "stable",
  );
  const neighbours = live.filter(({ service }) => service !== candidate.service);
  return [
    ...neighbours.flatMap((one) => asProvider(candidate, stable, one)),
    ...neighbours.flatMap((one) => asConsumer(candidate, one)),
    ...(stable === undefined ? [] : [publicPair(candidate, stable), ownPair(candidate, stable)]),
  ];
}

function asProvider(
  candidate: JudgedRevision,
  stable: LiveRevision | undefined,
  neighbour: LiveRevision,
): Planned[] {
  if (!reliesOn(neighbour, candidate.service)) return [];
  const pair: Pair = {
    provider: candidate.service,
    reliance: relianceOf(neighbour, candidate.service),
    before: stable === undefined ? null : offerOf(stable),
    after: offerOf(candidate),
    change: stable === undefined ? null : changeOf(stable, candidate),
  };
  return [planned(pair, neighbour, candidate, neighbour.role)];
}

function asConsumer(candidate: JudgedRevision, neighbour: LiveRevision): Planned[] {
  if (!reliesOn(candidate, neighbour.service)) return [];
  const pair: Pair = {
    provider: neighbour.service,
    reliance: relianceOf(candidate, neighbour.service),
    before: null,
    after: offerOf(neighbour),
    change: null,
  };
  return [planned(pair, candidate, neighbour, neighbour.role)];
}

function planned(
  pair: Pair,
  consumer: JudgedRevision,
  provider: JudgedRevision,
  neighbour: LiveRole,
): Planned {
  return {
    names: {
      consumer: consumer.service,
      consumerRevision: consumer.revision,
      provider: provider.service,
      providerRevision: provider.revision,
      neighbour,
    },
    hash: contentHash(pair),
    judge: (diff) => judgePair(pair, diff),
  };
}

function publicPair(candidate: JudgedRevision, stable: LiveRevision): Planned {
  const change = changeOf(stable, candidate);
  return {
    names: {
      consumer: PUBLIC,
      consumerRevision: PUBLIC,
      provider: candidate.service,
      providerRevision: candidate.revision,
      neighbour: "stable",
    },
    hash: contentHash({ provider: candidate.service, change }),
    judge: (diff) => judgePublic(change, diff),
  };
}

function ownPair(candidate: JudgedRevision, stable: LiveRevision): Planned {
  return {
    names: {
      consumer: stable.service,
      consumerRevision: stable.revision,
      provider: candidate.service,
      providerRevision: candidate.revision,
      neighbour: "stable",
    },
    hash: "",
    judge: () => [...judgeDocuments(stable, candidate), ...judgeSagas(stable, candidate)],
  };
}

function reliesOn(consumer: JudgedRevision, provider: string): boolean {
  const { manifest, documents, observed } = consumer;
  const expects = [...(documents?.expects ?? []), ...(observed ?? [])];
  return (
    manifest.calls.includes(provider) ||
    manifest.consumes.some(({ type }) => type.startsWith(`${provider}.`)) ||
    expects.some((one) => one.provider === provider)
  );
}

async function judgeOnce(one: Planned, options: GateOptions): Promise<readonly PairFinding[]> {
  const { matrix = noMatrix, diff } = options;
  // What costs nothing to judge is not looked up.
  if (one.hash === "") return one.judge(diff);
  const known = await matrix.recall(one.hash);
  const findings = known ?? one.judge(diff);
  const { neighbour: _, ...names } = one.names;
  const verdict = findings.some(isRefusal) ? "incompatible" : "compatible";
  await matrix.keep({ ...names, contentHash: one.hash, verdict, findings });
  return findings;
}

/**
 * Events that would stop coming after a rollback of their provider break nobody: nothing is lost by
 * then that was ever told. Fields and routes that would be gone do.
 */
function softened(finding: PairFinding, { names }: Planned): PairFinding {
  const isQuiet = names.neighbour === "rollback" && finding.rule === "event-missing";
  return isQuiet ? { ...finding, level: "warning" } : finding;
}

function isRefusal({ level }: PairFinding): boolean {
  return level === "breaking";
}

function notesOf({ candidate, live }: GateInput): string[] {
  const notes: string[] = [];
  const named = new Set<string>();
  const neighbours = live.filter((one) => {
    const isOwn = one.service === candidate.service && one.role === "stable";
    return isOwn || reliesOn(one, candidate.service) || reliesOn(candidate, one.service);
  });
  for (const one of [candidate, ...neighbours]) {
    if (named.has(one.revision)) continue;
    named.add(one.revision);
    if (one.documents === null) {
      notes.push(`${one.revision} has no documents; it is judged by the routes of its manifest.`);
    } else if (one.documents.expects === null && one.manifest.calls.length > 0) {
      notes.push(`${one.revision} has no expectations.json; it may rely on all that it can call.`);
    }
  }
  for (const service of candidate.manifest.calls) {
    if (live.some((one) => one.service === service)) continue;
    notes.push(`${service}, which ${candidate.service} calls, was never released.`);
  }
  return notes;
}
