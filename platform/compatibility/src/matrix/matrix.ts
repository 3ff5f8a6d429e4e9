/**
 * Verdicts that were reached before, by the content that was judged: two revisions with the same
 * documents are the same to a neighbour, and are not judged twice.
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "@tideway/schema";
import { allRules } from "../rules/rules.ts";
import type { Pair } from "../gate/judge-pair.ts";
import type { PairFinding } from "../verify/finding.ts";

export interface MatrixEntry {
  readonly consumer: string;
  readonly consumerRevision: string;
  readonly provider: string;
  readonly providerRevision: string;
  readonly contentHash: string;
  readonly verdict: "compatible" | "incompatible";
  readonly findings: readonly PairFinding[];
}

export interface Matrix {
  /** The findings on this content, null when it was never judged. */
  recall(contentHash: string): Promise<readonly PairFinding[] | null>;
  keep(entry: MatrixEntry): Promise<void>;
}

/** Changes with what the gate asks, so that a verdict of other questions is not taken for one of these. */
const QUESTIONS_VERSION = 2;
/** The same for the diff: its rules with their levels. */
const RULES = createHash("sha256")
  .update(canonicalJson([...allRules()]))
  .digest("hex");

/** Hex SHA-256 over everything that the verdict depends on. */
export function contentHash(pair: Pair | PublicPair): string {
  return createHash("sha256")
    .update(canonicalJson({ questions: QUESTIONS_VERSION, rules: RULES, pair }))
    .digest("hex");
}

/** A provider's change before callers that nobody knows. */
export type PublicPair = Pick<Pair, "provider" | "change">;

/** A matrix that remembers nothing: each question is judged anew. */
export const noMatrix: Matrix = {
  recall: () => Promise.resolve(null),
  keep: () => Promise.resolve(),
};
