export { diffApis } from "./diff-apis.ts";
export type { DiffOptions } from "./diff-apis.ts";
export { diffSchemas } from "./diff-schemas.ts";
export type { Direction, Finding, Level } from "./finding.ts";
export { allRules, levelOf } from "../rules/rules.ts";
export type { Rule, RuleId } from "../rules/rules.ts";
