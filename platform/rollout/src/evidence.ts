/**
 * What the judge reads. The shapes are structural twins of what the gateway hands out, so that
 * this package depends on no other part of the platform; control passes them on as they are.
 */
export type Lane = "stable" | "candidate";

/**
 * A person met a lane for the first time in this rollout, or got their first bad answer of it.
 * `seen` must not be written before the request was answered: whoever is still waiting for a
 * first answer is not yet a person whom the candidate served well.
 */
export interface EvidenceRecord {
  readonly kind: "seen" | "bad";
  readonly lane: Lane;
  /** A salted hash, the same for one person through the whole rollout. */
  readonly person: string;
  /** The weight in force when the request was routed, in percent. */
  readonly weight: number;
}

/** First attempts by route since the rollout began, for the hard fail. */
export interface RouteEvidence {
  /** For example "POST /payments". */
  readonly route: string;
  readonly stable: { readonly total: number; readonly bad: number };
  readonly candidate: {
    readonly total: number;
    readonly bad: number;
    /** The longest run of bad answers with no good one between. */
    readonly runMax: number;
  };
}

/** Distinct people of a whole service over the last 10 s, and those who got a bad answer. */
export interface PeopleSample {
  readonly seen: number;
  readonly bad: number;
}
