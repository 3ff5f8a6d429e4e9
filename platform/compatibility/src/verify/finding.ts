/** What stands in the way between one consumer and one provider. */
export interface PairFinding {
  /** `GET /accounts/:accountId`, or an event's type; a saga's name for a service's own. */
  readonly operation: string;
  /** JSON pointer into the provider's document. */
  readonly path: string;
  readonly rule: string;
  /** Only what is breaking refuses a release. */
  readonly level: "breaking" | "warning";
  /** The field as the consumer reads or sends it: `balance.posted`; null for the whole operation. */
  readonly property: string | null;
  readonly sentence: string;
}
