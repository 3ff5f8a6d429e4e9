export * from "./diff/index.ts";
export { isExpectation } from "./expectations/is-expectation.ts";
export * from "./gate/judge-candidate.ts";
export type { DiffApis } from "./gate/judge-pair.ts";
export { contradiction } from "./generate/contradiction.ts";
export * from "./generate/documents.ts";
export * from "./matrix/matrix.ts";
export type { PairFinding } from "./verify/finding.ts";
